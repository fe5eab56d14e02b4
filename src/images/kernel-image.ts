/**
 * Checks kernels that are ELF executables, and cuts off what only debuggers need.
 * Source: System V ABI, Generic ABI 4.1, chapters 4 and 5; Linux 6.1 init/version-timestamp.c for the banner's form.
 * What wraps a kernel is taken off by kernel-payload.ts.
 */

import { arraySource } from '../base/bytes.ts';
import { defined } from '../base/defined.ts';
import {
  ELF_HEADER,
  EM_PPC64,
  ET_DYN,
  ET_EXEC,
  PROGRAM_HEADER,
  PT_LOAD,
  parseElf,
} from '../base/elf/index.ts';
import { imageError } from './errors.ts';

export type KernelInfo = {
  /** As `uname -r` says it; absent where the kernel has no Linux banner. */
  readonly release?: string;
  /** Bytes of the file that loading needs: headers and segments. */
  readonly loadBytes: number;
};

/** Where e_shoff, e_shnum and e_shstrndx are in the file header. */
const SECTION_FIELDS: readonly (readonly [start: number, end: number])[] = [
  [40, 48],
  [60, 64],
];

/**
 * Checks that `bytes` is a PowerPC kernel that can be loaded: ELF64, EM_PPC64, PT_LOADs that do not overlap in
 * physical memory, an entry inside one of them.
 * @throws FormatError `image/bad-kernel`, `elf/…`
 */
export function inspectKernel(bytes: Uint8Array, what: string): KernelInfo {
  const elf = parseElf(arraySource(bytes));
  const fail = (message: string, expected?: string, actual?: string): Error =>
    imageError('image/bad-kernel', `${what}: ${message}`, {
      what,
      ...defined({ expected, actual }),
    });
  const { header, programs } = elf;
  if (header.machine !== EM_PPC64)
    throw fail('not for 64-bit PowerPC', `machine ${EM_PPC64}`, `${header.machine}`);
  if (header.type !== ET_EXEC && header.type !== ET_DYN) {
    throw fail('not an executable', 'ET_EXEC or ET_DYN', `${header.type}`);
  }
  const loads = programs.filter((p) => p.type === PT_LOAD && p.memsz > 0);
  if (loads.length === 0) throw fail('nothing in it is to be loaded', 'a PT_LOAD segment');
  if (!loads.some((p) => header.entry >= p.vaddr && header.entry < p.vaddr + BigInt(p.memsz))) {
    throw fail(
      'the entry point is in no segment',
      'an address in a PT_LOAD segment',
      `0x${header.entry.toString(16)}`,
    );
  }
  const byAddress = [...loads].sort((a, b) => (a.paddr < b.paddr ? -1 : a.paddr > b.paddr ? 1 : 0));
  byAddress.forEach((p, i) => {
    const next = byAddress[i + 1];
    if (next !== undefined && p.paddr + BigInt(p.memsz) > next.paddr)
      throw fail('segments overlap in memory');
  });
  const ends = programs.map((p) => p.offset + p.filesz);
  const loadBytes = Math.max(ELF_HEADER.size, header.phoff + programs.length * PROGRAM_HEADER.size, ...ends);
  const release = linuxRelease(bytes);
  return release === undefined ? { loadBytes } : { release, loadBytes };
}

/**
 * The kernel without sections: segments stay at their file offsets, symbols and debugging data behind them go. What
 * is loaded into memory is unchanged.
 */
export function loadableKernel(bytes: Uint8Array, info: KernelInfo): Uint8Array {
  const out = new Uint8Array(bytes.subarray(0, info.loadBytes));
  for (const [start, end] of SECTION_FIELDS) out.fill(0, start, end);
  return out;
}

function linuxRelease(bytes: Uint8Array): string | undefined {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf('Linux version ');
  if (at < 0) return undefined;
  const text = Buffer.from(bytes.subarray(at, at + 128)).toString('latin1');
  return /^Linux version ([0-9][\x21-\x7e]{0,63}) /.exec(text)?.[1];
}
