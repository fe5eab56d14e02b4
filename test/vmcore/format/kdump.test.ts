import { describe, expect, it } from 'vitest';
import { arraySource, putU32, putU64 } from '../../../src/base/bytes.ts';
import { bitOf, KDUMP_PAGE_DESC, parseKdumpHeader, parsePageDesc } from '../../../src/vmcore/format/index.ts';
import { codeOf } from '../../synth/mutate.ts';
import { kdumpDump, MACHINE } from '../../synth/vmcore.ts';

describe('parseKdumpHeader', () => {
  it.each(['big', 'little'] as const)('parseKdumpHeader: built, %s-endian → what was given', (endian) => {
    const header = parseKdumpHeader(
      arraySource(kdumpDump({ ...MACHINE, endian }, 'zlib', { excluded: [3] })),
    );
    expect(header).toMatchObject({
      endian,
      version: 6,
      blockSize: 4096,
      cpus: 2,
      maxPfn: 20,
      dumpLevel: 31,
      status: 1,
      split: undefined,
    });
    expect(header.utsname.release).toBe('6.1.0-test');
    expect(header.utsname.machine).toBe(endian === 'big' ? 'ppc64' : 'ppc64le');
    expect(header.bitmap1).toEqual({ offset: 2 * 4096, size: 4096 });
    expect(header.descriptors).toBe(4 * 4096);
  });

  it('bitOf: bitmaps of a filtered dump → RAM in the first, dumped pages in the second', () => {
    const dump = kdumpDump(MACHINE, 'zlib', { excluded: [3] });
    const header = parseKdumpHeader(arraySource(dump));
    const bits = (area: { offset: number; size: number }): number[] =>
      Array.from({ length: 24 }, (_, pfn) => pfn).filter((pfn) =>
        bitOf(dump.subarray(area.offset, area.offset + area.size), pfn),
      );
    expect(bits(header.bitmap1)).toEqual([0, 1, 2, 3, 4, 16, 17, 18, 19]);
    expect(bits(header.bitmap2)).toEqual([0, 1, 2, 4, 16, 17, 18, 19]);
  });

  it.each<[string, string, (dump: Uint8Array) => void]>([
    ['another signature', 'vmcore/unknown-format', (d) => d.set([0x4c], 0)],
    ['version 2', 'vmcore/bad-kdump-version', (d) => putU32(d, 8, 2, 'little')],
    ['version 7', 'vmcore/bad-kdump-version', (d) => putU32(d, 8, 7, 'little')],
    ['no version in either byte order', 'vmcore/bad-kdump-header', (d) => putU32(d, 8, 0x01020304, 'little')],
    ['block size 0', 'vmcore/bad-kdump-header', (d) => putU32(d, 428, 0, 'little')],
    ['block size 5000', 'vmcore/bad-kdump-header', (d) => putU32(d, 428, 5000, 'little')],
    ['no sub header', 'vmcore/bad-kdump-header', (d) => putU32(d, 432, 0, 'little')],
    ['an odd number of bitmap blocks', 'vmcore/bad-kdump-header', (d) => putU32(d, 436, 3, 'little')],
    ['bitmaps too small', 'vmcore/bad-kdump-header', (d) => putU64(d, 4096 + 96, 1n << 20n, 'little')],
    ['absurd max_mapnr_64', 'vmcore/bad-kdump-header', (d) => putU64(d, 4096 + 96, 1n << 60n, 'little')],
    ['notes beyond any file', 'vmcore/bad-kdump-header', (d) => putU64(d, 4096 + 48, 1n << 63n, 'little')],
    [
      'a split that ends before it starts',
      'vmcore/bad-kdump-header',
      (d) => {
        putU32(d, 4096 + 12, 1, 'little');
        putU64(d, 4096 + 80, 5n, 'little');
      },
    ],
  ])('parseKdumpHeader: %s → %s', (_, code, damage) => {
    const dump = kdumpDump();
    damage(dump);
    expect(codeOf(() => parseKdumpHeader(arraySource(dump)))).toBe(code);
  });
});

describe('parsePageDesc', () => {
  const header = parseKdumpHeader(arraySource(kdumpDump()));
  const desc = (offset: bigint, size: number, flags: number): Uint8Array => {
    const bytes = new Uint8Array(KDUMP_PAGE_DESC.size);
    putU64(bytes, 0, offset, 'little');
    putU32(bytes, 8, size, 'little');
    putU32(bytes, 12, flags, 'little');
    return bytes;
  };

  it.each([0, 1, 2, 4, 0x20])('parsePageDesc: compression 0x%x → accepted', (flags) => {
    expect(parsePageDesc(desc(4096n, 4096, flags), header, 0)).toEqual({ offset: 4096, size: 4096, flags });
  });

  it.each<[string, bigint, number, number]>([
    ['two compressions', 4096n, 100, 3],
    ['a flag of the header', 4096n, 100, 8],
    ['a size above one block', 4096n, 5000, 1],
    ['no bytes', 4096n, 0, 1],
    ['an uncompressed page of half a block', 4096n, 2048, 0],
    ['an offset beyond any file', 1n << 63n, 4096, 0],
  ])('parsePageDesc: %s → vmcore/bad-page-descriptor', (_, offset, size, flags) => {
    expect(codeOf(() => parsePageDesc(desc(offset, size, flags), header, 0))).toBe(
      'vmcore/bad-page-descriptor',
    );
  });
});
