/**
 * Opens a dump of any format and checks it. Both need only its bytes, neither the machine nor the kernel. A dump that the
 * guest wrote to a raw disk does not record its length: {@link Dump.extent} finds it.
 */

import type { ByteSource } from '../../base/bytes.ts';
import type { ElfNote } from '../../base/elf/index.ts';
import { ELF_MAGIC } from '../../base/elf/index.ts';
import { FormatError } from '../../base/errors.ts';
import type { FlatEnd, Prstatus, Vmcoreinfo } from '../format/index.ts';
import {
  CORE_NOTE_NAME,
  NT_PRSTATUS,
  parsePrstatus,
  parseVmcoreinfo,
  startsWithFlatSignature,
  startsWithKdumpSignature,
  VMCOREINFO_NOTE_NAME,
  vmcoreError,
} from '../format/index.ts';
import { openElfDump } from './elf-dump.ts';
import { unflatten } from './flattened.ts';
import { openKdumpDump } from './kdump-dump.ts';
import type { Dump, DumpCheck, DumpFormat, Problem } from './types.ts';

/** Codes of problems that make a dump incomplete: data that its headers promise is missing. */
const INCOMPLETE: ReadonlySet<string> = new Set([
  'vmcore/truncated',
  'vmcore/marked-incomplete',
  'vmcore/lost-pages',
  'vmcore/bad-page-descriptor',
  'vmcore/no-memory',
]);

/** The format that the first bytes name, or undefined. */
export function detectFormat(source: ByteSource): DumpFormat | undefined {
  const start = source.read(0, Math.min(16, source.size));
  if (startsWithFlatSignature(start)) return 'flattened';
  if (startsWithKdumpSignature(start)) return 'kdump-compressed';
  if (start.length >= 4 && ELF_MAGIC.every((byte, i) => start[i] === byte)) return 'elf';
  return undefined;
}

/**
 * Opens the dump that `source` starts with; what follows it does not matter.
 * @throws FormatError `vmcore/…` or `elf/…` where not even the headers are there and sane.
 */
export function openDump(source: ByteSource): Dump {
  switch (detectFormat(source)) {
    case 'elf':
      return openElfDump(source);
    case 'kdump-compressed':
      return openKdumpDump(source);
    case 'flattened':
      return openFlattened(source);
    case undefined:
      throw vmcoreError('vmcore/unknown-format', 'no format of dump that is known', {
        offset: 0,
        actual: Buffer.from(source.read(0, Math.min(16, source.size))).toString('hex'),
      });
  }
}

/** VMCOREINFO of a dump; empty where it has none. @throws FormatError `vmcore/bad-vmcoreinfo`, `elf/…`. */
export function vmcoreinfoOf(notes: readonly ElfNote[]): Vmcoreinfo {
  const note = notes.find(({ name }) => name === VMCOREINFO_NOTE_NAME);
  return note === undefined ? new Map() : parseVmcoreinfo(note.desc);
}

/** Checks a dump. Problems of the input are in the result and are never thrown. */
export function checkDump(source: ByteSource): DumpCheck {
  const problems: Problem[] = [];
  const attempt = <T>(run: () => T, otherwise: T): T => {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      problems.push({ code: error.code, message: error.message });
      return otherwise;
    }
  };
  const dump = attempt<Dump | undefined>(() => openDump(source), undefined);
  if (dump === undefined) {
    return {
      format: detectFormat(source) ?? 'unknown',
      complete: false,
      extent: 0,
      problems,
      cpus: [],
      vmcoreinfo: new Map(),
      ranges: [],
    };
  }
  const extent = attempt(() => dump.extent(), 0);
  problems.push(...attempt(() => dump.problems(), []));
  if (extent > source.size && !problems.some(({ code }) => code === 'vmcore/truncated')) {
    problems.push({
      code: 'vmcore/truncated',
      message: `${extent - source.size} of ${extent} bytes are missing`,
    });
  }
  const notes = attempt<readonly ElfNote[] | undefined>(() => dump.notes(), undefined);
  if (notes === undefined) {
    problems.push({ code: 'vmcore/bad-notes', message: 'registers and VMCOREINFO cannot be read' });
  }
  const registers = (notes ?? []).filter((note) => note.name === CORE_NOTE_NAME && note.type === NT_PRSTATUS);
  const cpus = registers.flatMap((note): Prstatus[] =>
    attempt(() => [parsePrstatus(note.desc, dump.endian)], []),
  );
  const vmcoreinfo = attempt(() => vmcoreinfoOf(notes ?? []), new Map<string, string>());
  if (notes !== undefined && registers.length === 0) {
    problems.push({ code: 'vmcore/no-registers', message: 'no CPU saved its registers' });
  }
  if (notes?.some((note) => note.name === VMCOREINFO_NOTE_NAME) === false) {
    problems.push({ code: 'vmcore/no-vmcoreinfo', message: 'the dump has no VMCOREINFO' });
  }
  return {
    format: dump.format,
    endian: dump.endian,
    complete: extent > 0 && extent <= source.size && !problems.some(({ code }) => INCOMPLETE.has(code)),
    extent,
    problems,
    cpus,
    vmcoreinfo,
    ranges: attempt(() => dump.ranges(), []),
  };
}

function openFlattened(source: ByteSource): Dump {
  const { plain, end } = unflatten(source);
  if (detectFormat(plain) === 'flattened')
    throw vmcoreError('vmcore/nested-flattened', 'a flattened dump inside a flattened dump');
  const inner = plain.size === 0 && end.kind === 'cut' ? undefined : openDump(plain);
  if (inner === undefined)
    throw vmcoreError('vmcore/truncated', 'the flattened dump ends before its first record');
  return {
    format: 'flattened',
    endian: inner.endian,
    plain,
    ...(inner.level === undefined ? {} : { level: inner.level }),
    ...(inner.storedAt === undefined ? {} : { storedAt: (paddr) => inner.storedAt?.(paddr) }),
    extent: () => end.end,
    notes: () => inner.notes(),
    ranges: () => inner.ranges(),
    locate: (paddr) => inner.locate(paddr),
    readPhysical: (paddr, length) => inner.readPhysical(paddr, length),
    problems: () => flattenedProblems(inner, plain, end),
  };
}

function flattenedProblems(inner: Dump, plain: ByteSource, end: FlatEnd): Problem[] {
  const problems = [...inner.problems()];
  if (end.kind === 'cut') problems.push({ code: 'vmcore/truncated', message: end.missing });
  else if (inner.extent() > plain.size) {
    problems.push({
      code: 'vmcore/truncated',
      message: `${inner.extent() - plain.size} bytes of the dump inside are missing`,
    });
  }
  return problems;
}
