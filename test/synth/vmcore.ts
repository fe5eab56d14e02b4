/**
 * Small machines that crashed, as dumps of every format. Memory is filled so that every 8 bytes say where they are;
 * what is not filled is zero.
 */

import { deflateSync, zstdCompressSync } from 'node:zlib';
import type { Endian } from '../../src/base/bytes.ts';
import { concatBytes } from '../../src/base/bytes.ts';
import type { ElfNote } from '../../src/base/elf/index.ts';
import type { KdumpPage, KdumpSpec, Prstatus } from '../../src/vmcore/format/index.ts';
import {
  buildElfCore,
  buildFlattened,
  buildKdump,
  buildPrstatus,
  buildVmcoreinfo,
  CORE_NOTE_NAME,
  DUMP_DH_COMPRESSED_LZO,
  DUMP_DH_COMPRESSED_SNAPPY,
  DUMP_DH_COMPRESSED_ZLIB,
  DUMP_DH_COMPRESSED_ZSTD,
  NT_PRSTATUS,
  VMCOREINFO_NOTE_NAME,
} from '../../src/vmcore/format/index.ts';
import { LZO1X_REACH, lzo1xStream, lzSteps, snappyBlock } from './lz.ts';

export type Compression = 'none' | 'zlib' | 'lzo' | 'snappy' | 'zstd';

export const COMPRESSIONS: readonly Compression[] = ['none', 'zlib', 'lzo', 'snappy', 'zstd'];

/** A machine: RAM as ranges of whole pages, with a hole between ranges. Page 1 of each range is zero. */
export type Machine = {
  readonly endian: Endian;
  readonly pageSize: number;
  readonly cpus: number;
  readonly ranges: readonly { readonly pfn: number; readonly pages: number }[];
};

export const MACHINE: Machine = {
  endian: 'little',
  pageSize: 4096,
  cpus: 2,
  ranges: [
    { pfn: 0, pages: 5 },
    { pfn: 16, pages: 4 },
  ],
};

/** The page's content: zero for the second page of a range, its own addresses elsewhere. */
export function pageBytes(machine: Machine, pfn: number): Uint8Array {
  const page = new Uint8Array(machine.pageSize);
  if (machine.ranges.some((range) => range.pfn + 1 === pfn)) return page;
  const view = new DataView(page.buffer);
  for (let at = 0; at < page.length; at += 8)
    view.setBigUint64(at, BigInt(pfn * machine.pageSize + at) ^ 0x5a00_0000_0000_0000n);
  return page;
}

/** Registers of CPU `index`, each of a value of its own. */
export function prstatus(index: number): Prstatus {
  const value = (n: number): bigint => 0xc000_0000_0000_0000n + BigInt(index * 0x1000 + n);
  return {
    pid: index + 100,
    signal: 0,
    gpr: Array.from({ length: 32 }, (_, n) => value(n)),
    nip: value(0x100),
    msr: 0x8000_0000_0000_1033n,
    origGpr3: value(0x102),
    ctr: value(0x103),
    link: value(0x104),
    xer: 0x2004_0000n,
    ccr: 0x2442_2884n,
    softe: 1n,
    trap: index === 0 ? 0x700n : 0x100n,
    dar: value(0x109),
    dsisr: 0x4200_0000n,
    result: 0n,
  };
}

/** The notes of a dump: a NT_PRSTATUS for each CPU, then VMCOREINFO. */
export function machineNotes(machine: Machine): ElfNote[] {
  const info = new Map([
    ['OSRELEASE', '6.1.0-test'],
    ['BUILD-ID', '0123456789abcdef0123456789abcdef01234567'],
    ['PAGESIZE', `${machine.pageSize}`],
    ['SYMBOL(init_uts_ns)', 'c000000001000000'],
    ['SYMBOL(swapper_pg_dir)', 'c000000001100000'],
    ['OFFSET(uts_namespace.name)', '0'],
    ['NUMBER(KERNEL_IMAGE_SIZE)', '-1'],
    ['KERNELOFFSET', '0'],
    ['CRASHTIME', '1700000000'],
  ]);
  return [
    ...Array.from({ length: machine.cpus }, (_, i) => ({
      name: CORE_NOTE_NAME,
      type: NT_PRSTATUS,
      desc: buildPrstatus(prstatus(i), machine.endian),
    })),
    { name: VMCOREINFO_NOTE_NAME, type: 0, desc: buildVmcoreinfo(info) },
  ];
}

/** The machine's dump as an ELF core. */
export function elfDump(
  machine: Machine = MACHINE,
  notes: readonly ElfNote[] = machineNotes(machine),
): Uint8Array {
  return buildElfCore({
    endian: machine.endian,
    notes,
    ranges: machine.ranges.map(({ pfn, pages }) => ({
      paddr: BigInt(pfn * machine.pageSize),
      data: concatBytes(Array.from({ length: pages }, (_, i) => pageBytes(machine, pfn + i))),
    })),
  });
}

/** What differs from a whole and unfiltered dump. */
export type KdumpChanges = {
  readonly excluded?: readonly number[];
  readonly lost?: readonly number[];
  readonly status?: number;
};

/** The machine's dump in the kdump-compressed format. */
export function kdumpDump(
  machine: Machine = MACHINE,
  compression: Compression = 'zlib',
  changes: KdumpChanges = {},
): Uint8Array {
  const pages = new Map<number, KdumpPage>();
  for (const range of machine.ranges) {
    for (let pfn = range.pfn; pfn < range.pfn + range.pages; pfn++) {
      if (changes.excluded?.includes(pfn)) pages.set(pfn, { kind: 'excluded' });
      else if (changes.lost?.includes(pfn)) pages.set(pfn, { kind: 'lost' });
      else pages.set(pfn, { kind: 'data', bytes: pageBytes(machine, pfn) });
    }
  }
  const compressor = compressorOf(compression);
  return buildKdump({
    endian: machine.endian,
    blockSize: machine.pageSize,
    utsname: { release: '6.1.0-test', nodename: 'guest', version: '#1 SMP', domainname: '(none)' },
    cpus: machine.cpus,
    dumpLevel: changes.excluded === undefined ? 0 : 31,
    status: changes.status ?? 0,
    maxPfn: Math.max(...machine.ranges.map((range) => range.pfn + range.pages)),
    notes: machineNotes(machine),
    pages,
    ...(compressor === undefined ? {} : { compression: compressor }),
  });
}

/** `plain` as a flattened stream, in records of `size` bytes. */
export function flatten(plain: Uint8Array, size = 1000): Uint8Array {
  const records: { offset: number; data: Uint8Array }[] = [];
  for (let offset = 0; offset < plain.length; offset += size)
    records.push({ offset, data: plain.subarray(offset, offset + size) });
  return buildFlattened(records);
}

function compressorOf(compression: Compression): KdumpSpec['compression'] {
  switch (compression) {
    case 'none':
      return undefined;
    case 'zlib':
      return { flag: DUMP_DH_COMPRESSED_ZLIB, compress: (page) => deflateSync(page, { level: 1 }) };
    case 'lzo':
      return { flag: DUMP_DH_COMPRESSED_LZO, compress: (page) => lzo1xStream(lzSteps(page, LZO1X_REACH)) };
    case 'snappy':
      return { flag: DUMP_DH_COMPRESSED_SNAPPY, compress: (page) => snappyBlock(lzSteps(page, 65536)) };
    case 'zstd':
      return { flag: DUMP_DH_COMPRESSED_ZSTD, compress: (page) => zstdCompressSync(page) };
  }
}
