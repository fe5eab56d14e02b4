/**
 * Reads the image that the guest loaded with kexec_load from the guest's memory and finds the purpose of each segment.
 * Source: Linux 6.1 include/uapi/linux/kexec.h (flags), kernel/kexec_file.c (arguments of kexec_file_load), kexec-tools 2.0.25 kexec/arch/ppc64 (segments, backup region,
 * order of the notes in elfcorehdr) and purgatory/arch/ppc64/v2wrap.S.
 * A crash image lies at its destination from the moment it is loaded, so everything can be read before the crash.
 */

import { arraySource, type Endian, getU32, isAllZero, latin1 } from '../../base/bytes.ts';
import { type ElfFile, parseElf } from '../../base/elf/index.ts';
import { FormatError } from '../../base/errors.ts';
import { asNumber, findNode, parseFdt } from '../../base/fdt/index.ts';
import { hex64 } from '../../base/hex.ts';
import type { SyscallEvent, SystemCallWatch } from '../../emulator/contract/index.ts';
import type { CoreFacts, LoadFacts, RunAtLoadFact, SegmentRole } from '../trace/index.ts';
import { purgatoryFacts } from './purgatory-facts.ts';
import type { ReadMemory } from './symbols/index.ts';
import { treeFacts } from './tree-facts.ts';

export type KexecSegment = { readonly mem: number; readonly memsz: number; readonly bufsz: number };
export type KexecLoad = {
  readonly entry: number;
  readonly crash: boolean;
  readonly segments: readonly KexecSegment[];
  /** By kexec_file_load: the kernel chooses entry and segments, and only its memory says which. */
  readonly byFile?: { readonly commandLine?: string };
};

/** A segment with its purpose. */
export type PlacedSegment = KexecSegment & { readonly role: SegmentRole };

/** The image: the facts that go into the trace, and what the recorder needs beside them. */
export type KexecImage = {
  readonly load: KexecLoad;
  readonly segments: readonly PlacedSegment[];
  readonly kernel?: PlacedSegment;
  readonly tree?: PlacedSegment;
  /** Real address of the region that keeps the first 64 KiB. */
  readonly backup?: number;
  readonly notes: readonly number[];
  readonly facts: LoadFacts;
};

const KEXEC_ON_CRASH = 1n;
const KEXEC_FILE_UNLOAD = 1n;
const KEXEC_FILE_ON_CRASH = 2n;
/** Offset of the word in a kernel image, and what marks it ("run0"). */
export const RUN_AT_LOAD_OFFSET = 0x5c;
const MARKER = 0x72756e30;
const STUB_BYTES = 0x100;
const FDT_MAGIC = 0xd00dfeed;
const PT_LOAD = 1;
const PT_NOTE = 4;
/** A tree or elfcorehdr larger than this is not read. */
const HEADER_LIMIT = 2 ** 20;
/** Ranges of memory that an elfcorehdr may list: more than a machine of ours can have, several times over. */
const MOST_RANGES = 1024;

/** How the machine reports kexec_load: entry, number of segments, the list of them, flags. */
export const KEXEC_LOAD_CALL: SystemCallWatch = {
  number: 268,
  rowsAt: 5,
  rowCount: 4,
  mostRows: 16,
  rowDoublewords: 4,
};

/** How the machine reports kexec_file_load: descriptors of kernel and initrd, length and address of the command line, flags. */
export const KEXEC_FILE_LOAD_CALL: SystemCallWatch = {
  number: 382,
  // The rows are the command line: more of them than it has doublewords, and never more than Linux takes (COMMAND_LINE_SIZE).
  rowsAt: 6,
  rowCount: 5,
  mostRows: 256,
  rowDoublewords: 1,
};

/** Every system call that loads an image. */
export const LOAD_CALLS: readonly SystemCallWatch[] = [KEXEC_LOAD_CALL, KEXEC_FILE_LOAD_CALL];

/** The arguments of a load; undefined where it unloads, or its list could not be read. */
export function parseKexecLoad(event: SyscallEvent): KexecLoad | undefined {
  const { args, rows } = event;
  if (isByFile(event)) {
    if ((loadFlags(event) & KEXEC_FILE_UNLOAD) !== 0n) return undefined;
    const commandLine = commandLineOf(event);
    const byFile = commandLine === undefined ? {} : { commandLine };
    return { entry: 0, crash: isCrashLoad(event), segments: [], byFile };
  }
  const [entry = 0n, count = 0n, , flags = 0n] = args;
  if (count === 0n || count !== BigInt(rows.length)) return undefined;
  const segments: KexecSegment[] = [];
  for (const [, bufsz, mem, memsz] of rows) {
    if (mem === undefined || memsz === undefined) return undefined;
    segments.push({ mem: Number(mem), memsz: Number(memsz), bufsz: Number(bufsz ?? 0n) });
  }
  return { entry: Number(entry), crash: (flags & KEXEC_ON_CRASH) !== 0n, segments };
}

/**
 * Whether a kernel can have loaded it: it refuses segments that lie on each other, or are larger than memory (Linux 6.1
 * sanity_check_segment_list).
 * @param memory bytes of the machine
 */
export function isLoadable({ segments }: KexecLoad, memory: number): boolean {
  if (segments.reduce((sum, { memsz }) => sum + memsz, 0) > memory) return false;
  const sorted = [...segments].sort((a, b) => a.mem - b.mem);
  return sorted.every(({ mem }, i) => {
    const before = sorted[i - 1];
    return before === undefined || before.mem + before.memsz <= mem;
  });
}

export function isByFile({ number }: Pick<SyscallEvent, 'number'>): boolean {
  return number === KEXEC_FILE_LOAD_CALL.number;
}

/** The flags of a load. */
export function loadFlags({ number, args }: SyscallEvent): bigint {
  return args[isByFile({ number }) ? 4 : 3] ?? 0n;
}

/** Whether a load is about the crash image, be it to load or to drop it. */
export function isCrashLoad(event: SyscallEvent): boolean {
  const onCrash = isByFile(event) ? KEXEC_FILE_ON_CRASH : KEXEC_ON_CRASH;
  return (loadFlags(event) & onCrash) !== 0n;
}

/** The command line that kexec_file_load was given, which ends with a zero byte; undefined where it could not be read. */
function commandLineOf({ args, rows }: SyscallEvent): string | undefined {
  const length = Number(args[2] ?? 0n);
  const words = rows.slice(0, Math.ceil(length / 8)).map(([word]) => word);
  if (length === 0 || 8 * words.length < length || words.includes(undefined)) return undefined;
  const bytes = Buffer.alloc(8 * words.length);
  for (const write of ['writeBigUInt64LE', 'writeBigUInt64BE'] as const) {
    for (const [i, word] of words.entries()) bytes[write](word ?? 0n, 8 * i);
    const text = latin1(bytes.subarray(0, length - 1));
    if (bytes[length - 1] === 0 && /^[\x20-\x7e]*$/.test(text)) return text;
  }
  return undefined;
}

/** Reads the loaded image and finds out what each segment is. @throws whatever `read` rejects with. */
export async function describeImage(load: KexecLoad, read: ReadMemory, cpus: number): Promise<KexecImage> {
  const heads = await Promise.all(
    load.segments.map(({ mem, memsz }) => read(mem, Math.min(memsz, STUB_BYTES))),
  );
  const flags = load.segments.map((segment, i) => runAtLoadWord(segment, heads[i] as Uint8Array));
  const treeIndex = heads.findIndex((head) => head.length >= 40 && getU32(head, 0, 'big') === FDT_MAGIC);
  const coreIndex = heads.findIndex((head) => latin1(head.subarray(0, 4)) === '\x7fELF');
  const core = coreIndex < 0 ? undefined : await readCore(load.segments[coreIndex] as KexecSegment, read);
  const initrd = treeIndex < 0 ? undefined : await initrdOf(load.segments[treeIndex] as KexecSegment, read);
  const stub = await read(load.entry, STUB_BYTES);
  const marked = flags.findIndex((flag) => flag?.byteOrder !== undefined && !isEntry(load, flag));
  const candidates = load.segments.flatMap((segment, i) =>
    i === treeIndex || i === coreIndex || segment.mem === core?.backup || segment.mem === initrd
      ? []
      : [{ i, ...segment, head: heads[i] as Uint8Array }],
  );
  const kernelIndex = marked >= 0 ? marked : unmarkedKernel(load, candidates, stub);
  const roleOf = (segment: KexecSegment, i: number): SegmentRole => {
    if (i === kernelIndex) return 'kernel';
    if (i === treeIndex) return 'tree';
    if (i === coreIndex) return 'elfcorehdr';
    if (holdsEntry(load, segment)) return 'purgatory';
    if (core?.backup === segment.mem) return 'backup';
    return initrd === segment.mem ? 'initrd' : 'data';
  };
  const segments = load.segments.map(
    (segment, i): PlacedSegment => ({ ...segment, role: roleOf(segment, i) }),
  );
  const kernel = segments.find(({ role }) => role === 'kernel');
  const tree = segments.find(({ role }) => role === 'tree');
  const notes = (core?.notes ?? []).slice(0, cpus);
  const purgatory = segments.find(({ role }) => role === 'purgatory');
  const treeSaid = tree === undefined ? undefined : treeFacts(await readHead(tree, read));
  const runAtLoad = kernelIndex === undefined ? undefined : flags[kernelIndex];
  return {
    load,
    segments,
    ...(kernel === undefined ? {} : { kernel }),
    ...(tree === undefined ? {} : { tree }),
    ...(core?.backup === undefined ? {} : { backup: core.backup }),
    notes,
    facts: {
      crash: load.crash,
      entry: hex64(load.entry),
      segments: segments.map(({ role, mem, memsz }) => ({ role, mem: hex64(mem), bytes: memsz })),
      ...(runAtLoad === undefined ? {} : { runAtLoad }),
      notes: notes.map(hex64),
      stub: Buffer.from(stub).toString('hex'),
      ...(kernel === undefined ? {} : { head: Buffer.from(heads[kernelIndex ?? -1] ?? []).toString('hex') }),
      ...(treeSaid === undefined ? {} : { tree: treeSaid }),
      ...(core === undefined ? {} : { core: core.facts }),
      ...(purgatory === undefined
        ? {}
        : { purgatory: await purgatoryFacts(purgatory, otherThan(purgatory, segments), read) }),
    },
  };
}

/** Purgatory holds a copy of the kernel's first 0x100 bytes, the marker among them until the loader patches it. */
function isEntry(load: KexecLoad, flag: RunAtLoadFact): boolean {
  return load.segments.length > 1 && BigInt(flag.at) === BigInt(load.entry + RUN_AT_LOAD_OFFSET);
}

function runAtLoadWord(segment: KexecSegment, head: Uint8Array): RunAtLoadFact | undefined {
  if (head.length < RUN_AT_LOAD_OFFSET + 4) return undefined;
  const order = (['big', 'little'] as const).find(
    (endian: Endian) => getU32(head, RUN_AT_LOAD_OFFSET, endian) === MARKER,
  );
  return {
    at: hex64(segment.mem + RUN_AT_LOAD_OFFSET),
    loaded: Buffer.from(head.subarray(RUN_AT_LOAD_OFFSET, RUN_AT_LOAD_OFFSET + 4)).toString('hex'),
    ...(order === undefined ? {} : { byteOrder: order }),
  };
}

function holdsEntry({ entry }: KexecLoad, { mem, memsz }: KexecSegment): boolean {
  return entry >= mem && entry < mem + memsz;
}

type Candidate = KexecSegment & { readonly i: number; readonly head: Uint8Array };

/**
 * Finds the segment of a kernel without the marker, or of the stub that is loaded instead of one. Purgatory at the entry
 * carries a copy of the kernel's first 0x100 bytes; where no candidate begins with them, the largest candidate is taken.
 * @param candidates segments without another purpose; @param stub the 0x100 bytes at the entry
 */
function unmarkedKernel(
  load: KexecLoad,
  candidates: readonly Candidate[],
  stub: Uint8Array,
): number | undefined {
  const behind = candidates.filter((each) => !holdsEntry(load, each));
  const carried = behind.find(({ head }) => isCarried(head, stub));
  const largest = [...(behind.length > 0 ? behind : candidates)].sort((a, b) => b.memsz - a.memsz)[0];
  return (carried ?? largest)?.i;
}

/** Purgatory keeps its own first word, and fills in the one at 0x5c. */
function isCarried(head: Uint8Array, stub: Uint8Array): boolean {
  const constant = (bytes: Uint8Array): Buffer =>
    Buffer.concat([
      bytes.subarray(4, RUN_AT_LOAD_OFFSET),
      bytes.subarray(RUN_AT_LOAD_OFFSET + 4, STUB_BYTES),
    ]);
  return head.length >= STUB_BYTES && !isAllZero(constant(head)) && constant(head).equals(constant(stub));
}

/** elfcorehdr: a note segment for each CPU, then one for VMCOREINFO; the first 64 KiB come from the backup region. */
async function readCore(
  segment: KexecSegment,
  read: ReadMemory,
): Promise<{ notes: readonly number[]; backup: number | undefined; facts: CoreFacts } | undefined> {
  const bytes = await readHead(segment, read);
  let elf: ElfFile;
  try {
    elf = parseElf(arraySource(bytes), { allowMissingData: true, ignoreSections: true });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
  if (elf.programs.length > MOST_RANGES) return undefined;
  const notes = elf.programs.filter(({ type }) => type === PT_NOTE);
  const low = elf.programs.find(({ type, paddr }) => type === PT_LOAD && paddr === 0n);
  return {
    notes: notes.filter(({ memsz }) => memsz === notes[0]?.memsz).map(({ paddr }) => Number(paddr)),
    backup: low === undefined || low.offset === 0 ? undefined : low.offset,
    facts: {
      ranges: elf.programs
        .filter(({ type }) => type === PT_LOAD)
        .map(({ paddr, memsz, offset }) => ({ start: hex64(paddr), bytes: memsz, offset: hex64(offset) })),
    },
  };
}

/** A segment that describes the rest: a tree or elfcorehdr. */
async function readHead({ mem, memsz }: KexecSegment, read: ReadMemory): Promise<Uint8Array> {
  return await read(mem, Math.min(memsz, HEADER_LIMIT));
}

function otherThan(segment: PlacedSegment, segments: readonly PlacedSegment[]): readonly PlacedSegment[] {
  return segments.filter((each) => each !== segment);
}

async function initrdOf(segment: KexecSegment, read: ReadMemory): Promise<number | undefined> {
  const bytes = await readHead(segment, read);
  try {
    const start = findNode(parseFdt(bytes).root, '/chosen')?.properties.get('linux,initrd-start');
    return start === undefined ? undefined : Number(asNumber(start));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}
