/**
 * Parses the image to load: a kernel as ELF (either byte order), or raw bytes that run wherever they are put.
 *
 * A kernel for kexec has, from its entry on: 0x0 the master's entry, 0x20–0x37 the hypervisor's, 0x5c the run-at-load
 * word with the marker `run0` in the image's own byte order, 0x60 the secondaries' entry; its first 0x100 bytes also
 * work at address 0. The abandoned ABI of 2008 had `__kdump_flag`, 8 bytes at 0x18, and no marker.
 * Source: Mohan Kumar M to Milton Miller about `__run_at_load`, linuxppc-dev, 2008 (docs/handoff.md, `entry-layout`,
 * `run-at-load-old-abi`); Linux 6.1 arch/powerpc/kernel/head_64.S; System V ABI 4.1, chapter 5.
 * Left out: zImage wrappers; relocations of the kernel, which it applies itself when it starts.
 */

import { alignUp, arraySource, type Endian, getU32, getU64 } from '../base/bytes.ts';
import {
  type ElfFile,
  EM_PPC64,
  ET_DYN,
  ET_EXEC,
  findSymbols,
  type ProgramHeader,
  PT_LOAD,
  parseElf,
  readSegment,
} from '../base/elf/index.ts';
import { loadError } from './errors.ts';
import { PAGE } from './ranges.ts';

/** Offset of the run-at-load word, and its marker. */
export const RUN_AT_LOAD_OFFSET = 0x5c;
export const RUN_AT_LOAD_MARKER = 0x72756e30;
/** What is copied to address 0. */
export const HEAD_BYTES = 0x100;
const OLD_FLAG = '__kdump_flag';
const OLD_FLAG_OFFSET = 0x18;
/** What kexec-tools of 2008 wrote into that flag (its r6 convention). */
const OLD_FLAG_SIGNATURE = 0xfeed1234n;
/** Larger images are refused: damaged headers could otherwise ask for any amount of memory. */
const MAX_BYTES = 2 ** 31;
const MAX_MEMORY = 2 ** 40;
const MAX_ADDRESS = 2 ** 44;

export type LoadImage = {
  readonly kind: 'kernel' | 'raw';
  /** Of an ELF image; unknown for raw bytes. */
  readonly endian: Endian;
  /** From the lowest p_paddr on, gaps as zeros; bss is not in it. */
  readonly bytes: Uint8Array;
  /** Bytes of memory from the lowest p_paddr on. */
  readonly memsz: number;
  /** A power of two, at least 64 KiB. */
  readonly align: number;
  /** Lowest p_paddr: where an image without marker must lie. */
  readonly paddr: number;
  /** The entry, from the start of `bytes`. */
  readonly entry: number;
  /** The word at 0x5c from the entry, as the image reads it; `relocatable`: it is the marker. */
  readonly runAtLoad: number;
  readonly relocatable: boolean;
  /** Recognised by its symbol or by its value. A stripped image of that ABI whose flag is 0 is taken for one without the flag. */
  readonly oldAbi: boolean;
};

/**
 * Parses an image. An image that starts with ELF's magic number must be a valid ELF kernel; any other is raw.
 * @throws FormatError `elf/…`, `load/foreign-machine`, `load/bad-kernel`, `load/absurd-size`
 */
export function probeImage(bytes: Uint8Array): LoadImage {
  const isElf = bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
  return isElf ? probeElf(parseElf(arraySource(bytes))) : probeRaw(bytes);
}

function probeRaw(bytes: Uint8Array): LoadImage {
  if (bytes.length === 0) throw loadError('load/bad-kernel', 'the image is empty');
  if (bytes.length > MAX_BYTES) throw absurd('the image', bytes.length, MAX_BYTES);
  return {
    kind: 'raw',
    endian: 'big',
    bytes,
    memsz: bytes.length,
    align: PAGE,
    paddr: 0,
    entry: 0,
    runAtLoad: 0,
    relocatable: true,
    oldAbi: false,
  };
}

function probeElf(elf: ElfFile): LoadImage {
  const { header } = elf;
  if (header.machine !== EM_PPC64)
    throw loadError('load/foreign-machine', 'the image is not for 64-bit PowerPC', {
      offset: 18,
      expected: `${EM_PPC64}`,
      actual: `${header.machine}`,
    });
  if (header.type !== ET_EXEC && header.type !== ET_DYN)
    throw loadError('load/bad-kernel', 'the image is neither ET_EXEC nor ET_DYN', {
      offset: 16,
      actual: `${header.type}`,
    });
  const loads = elf.programs.filter(({ type, memsz }) => type === PT_LOAD && memsz > 0);
  const base = lowest(loads);
  const memsz = Math.max(...loads.map((each) => Number(each.paddr - base) + each.memsz));
  const fileEnd = Math.max(...loads.map((each) => Number(each.paddr - base) + each.filesz));
  if (memsz > MAX_MEMORY) throw absurd('the image in memory', memsz, MAX_MEMORY);
  if (fileEnd > MAX_BYTES) throw absurd('the image', fileEnd, MAX_BYTES);
  const bytes = flatten(elf, loads, base, fileEnd);
  const entry = entryOf(elf, loads, base);
  if (entry === undefined || entry + 4 > fileEnd)
    throw loadError('load/bad-kernel', 'the entry is in no segment with bytes', {
      offset: 24,
      actual: `0x${header.entry.toString(16)}`,
    });
  const word = (at: number): number => (at + 4 <= bytes.length ? getU32(bytes, at, header.endian) : 0);
  const runAtLoad = word(entry + RUN_AT_LOAD_OFFSET);
  const align = Math.max(PAGE, ...loads.map((each) => Number(each.align)));
  if (align > MAX_MEMORY) throw absurd('p_align', align, MAX_MEMORY);
  return {
    kind: 'kernel',
    endian: header.endian,
    bytes,
    memsz,
    align,
    paddr: Number(base),
    entry,
    runAtLoad,
    relocatable: runAtLoad === RUN_AT_LOAD_MARKER,
    oldAbi: hasOldAbi(elf, bytes, entry),
  };
}

function lowest(loads: readonly ProgramHeader[]): bigint {
  if (loads.length === 0) throw loadError('load/bad-kernel', 'the image has nothing to load');
  const end = Math.max(...loads.map(({ paddr, memsz }) => Number(paddr) + memsz));
  if (end > MAX_ADDRESS) throw absurd('p_paddr', end, MAX_ADDRESS);
  return BigInt(Math.min(...loads.map(({ paddr }) => Number(paddr))));
}

/** @throws FormatError `load/bad-kernel` where two segments cover the same physical addresses */
function flatten(elf: ElfFile, loads: readonly ProgramHeader[], base: bigint, size: number): Uint8Array {
  const [only] = loads;
  // The usual kernel is one segment: its bytes are a view of the file.
  if (loads.length === 1 && only !== undefined) return readSegment(elf, only);
  const out = new Uint8Array(size);
  let end = base;
  for (const each of [...loads].sort((a, b) => (a.paddr < b.paddr ? -1 : 1))) {
    if (each.paddr < end)
      throw loadError('load/bad-kernel', 'two segments cover the same physical addresses', {
        actual: `0x${each.paddr.toString(16)}`,
      });
    end = each.paddr + BigInt(each.memsz);
    out.set(readSegment(elf, each), Number(each.paddr - base));
  }
  return out;
}

/** e_entry is a virtual address in Linux, and a physical one in kernels that are not linked at one. */
function entryOf(elf: ElfFile, loads: readonly ProgramHeader[], base: bigint): number | undefined {
  const { entry } = elf.header;
  const inside = (start: bigint, { memsz }: ProgramHeader): boolean =>
    entry >= start && entry < start + BigInt(memsz);
  const virtual = loads.find((each) => inside(each.vaddr, each));
  if (virtual !== undefined) return Number(virtual.paddr - base + entry - virtual.vaddr);
  const physical = loads.find((each) => inside(each.paddr, each));
  return physical === undefined ? undefined : Number(entry - base);
}

function hasOldAbi(elf: ElfFile, bytes: Uint8Array, entry: number): boolean {
  const flag = entry + OLD_FLAG_OFFSET;
  if (flag + 8 <= bytes.length && getU64(bytes, flag, elf.header.endian) === OLD_FLAG_SIGNATURE) return true;
  const symbol = findSymbols(elf, [OLD_FLAG]).get(OLD_FLAG);
  return symbol !== undefined && symbol.value - elf.header.entry === BigInt(OLD_FLAG_OFFSET);
}

/** The first 0x100 bytes from the entry; what the image does not have is zero. */
export function headOf(image: LoadImage): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  head.set(image.bytes.subarray(image.entry, image.entry + HEAD_BYTES));
  return head;
}

/** Memory that an image takes, in whole pages of the kernel's. */
export function imagePages(image: LoadImage): number {
  return alignUp(image.memsz, PAGE);
}

function absurd(what: string, actual: number, limit: number): Error {
  return loadError('load/absurd-size', `${what} is too large`, {
    expected: `at most ${limit}`,
    actual: `${actual}`,
  });
}
