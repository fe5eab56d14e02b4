/** Reads a vmcore in ELF. Source: as format/elf-core.ts. */

import type { ByteSource } from '../../base/bytes.ts';
import type { ElfFile, ElfNote, ProgramHeader } from '../../base/elf/index.ts';
import { ELF_HEADER, elfNotes, PROGRAM_HEADER, PT_NOTE, parseElf } from '../../base/elf/index.ts';
import { coreLoads, DUMP_ELF_INCOMPLETE, vmcoreError } from '../format/index.ts';
import { readThrough } from './read-through.ts';
import type { Dump, MemoryExtent, MemoryRange, Problem } from './types.ts';

const TOP = 1n << 64n;
/** Bytes of notes, all segments together: a CPU has some hundred, VMCOREINFO some thousand. */
const MAX_NOTES = 1 << 24;

/** Opens an ELF vmcore, whole or cut short. @throws FormatError `elf/…`, `vmcore/not-a-core`. */
export function openElfDump(source: ByteSource): Dump {
  const elf = parseElf(source, { allowMissingData: true, ignoreSections: true });
  // Segments of no memory are of no use; a search by address wants the others in order.
  const loads = coreLoads(elf)
    .filter((load) => load.memsz > 0)
    .sort((a, b) => (a.paddr < b.paddr ? -1 : a.paddr > b.paddr ? 1 : 0));
  const dump: Dump = {
    format: 'elf',
    endian: elf.header.endian,
    plain: source,
    extent: () => elfExtent(elf),
    notes: () => notesOf(elf),
    ranges: (): MemoryRange[] =>
      loads.map((load) => ({ paddr: load.paddr, size: BigInt(load.memsz), dumped: BigInt(load.filesz) })),
    locate: (paddr) => locate(loads, source.size, paddr),
    offsetOf: (paddr) => offsetOf(loads, paddr),
    readPhysical: (paddr, length) =>
      readThrough(dump, paddr, length, (at, limit) => source.read(offsetOf(loads, at), limit)),
    problems: () => problems(elf, loads),
  };
  return dump;
}

/** Segments may lie on each other: a small file can claim any number of bytes. */
function notesOf(elf: ElfFile): ElfNote[] {
  const bytes = elf.programs.reduce((sum, { type, filesz }) => sum + (type === PT_NOTE ? filesz : 0), 0);
  if (bytes > MAX_NOTES)
    throw vmcoreError('vmcore/bad-notes', 'absurdly many notes', {
      expected: `at most ${MAX_NOTES} bytes`,
      actual: `${bytes}`,
    });
  return elfNotes(elf);
}

function elfExtent(elf: ElfFile): number {
  const { header } = elf;
  let end = Math.max(ELF_HEADER.size, header.phoff + elf.programs.length * PROGRAM_HEADER.size);
  for (const program of elf.programs)
    if (program.filesz > 0) end = Math.max(end, program.offset + program.filesz);
  return end;
}

function offsetOf(loads: readonly ProgramHeader[], paddr: bigint): number {
  const load = loads[lastAtOrBelow(loads, paddr)];
  return (load?.offset ?? 0) + Number(paddr - (load?.paddr ?? 0n));
}

function locate(loads: readonly ProgramHeader[], size: number, paddr: bigint): MemoryExtent {
  const at = lastAtOrBelow(loads, paddr);
  const load = loads[at];
  const into = load === undefined ? 0 : Number(paddr - load.paddr);
  if (load === undefined || into >= load.memsz)
    return { kind: 'absent', length: (loads[at + 1]?.paddr ?? TOP) - paddr };
  // Where ranges overlap, the later one counts from its start on.
  const limit = loads[at + 1]?.paddr;
  const clip = (end: number): bigint => {
    const length = BigInt(end - into);
    return limit !== undefined && paddr + length > limit ? limit - paddr : length;
  };
  const present = Math.max(0, Math.min(load.filesz, size - load.offset));
  if (into < present) return { kind: 'data', length: clip(present) };
  if (into < load.filesz) return { kind: 'missing', length: clip(load.filesz) };
  return { kind: 'excluded', length: clip(load.memsz) };
}

/** Index of the last load that starts at or below `paddr`; -1 when none does. */
function lastAtOrBelow(loads: readonly ProgramHeader[], paddr: bigint): number {
  let low = 0;
  let high = loads.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const load = loads[middle];
    if (load !== undefined && load.paddr <= paddr) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function problems(elf: ElfFile, loads: readonly ProgramHeader[]): Problem[] {
  const out: Problem[] = [];
  if ((elf.header.flags & DUMP_ELF_INCOMPLETE) !== 0)
    out.push({ code: 'vmcore/marked-incomplete', message: 'e_flags says that the dump is incomplete' });
  if (loads.length === 0)
    out.push({ code: 'vmcore/no-memory', message: 'the dump has no PT_LOAD with memory' });
  for (let i = 1; i < loads.length; i++) {
    const [a, b] = [loads[i - 1], loads[i]];
    if (a !== undefined && b !== undefined && a.paddr + BigInt(a.memsz) > b.paddr) {
      out.push({
        code: 'vmcore/ranges-overlap',
        message: `PT_LOAD at 0x${a.paddr.toString(16)} runs into the one at 0x${b.paddr.toString(16)}`,
      });
    }
  }
  return out;
}
