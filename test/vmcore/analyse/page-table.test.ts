/** The kernel's page table in each of its formats, from tables that a test lays out. */

import { describe, expect, it } from 'vitest';
import { putU64 } from '../../../src/base/bytes.ts';
import { KernelPageTable, type PageTableFormat } from '../../../src/vmcore/analyse/index.ts';

const TABLES = [0x10000, 0x20000, 0x30000, 0x40000];
const LEAF = 3n << 62n;

/** Index sizes from the root down, and the size of a page, as bits (Linux 6.12 asm/book3s/64). */
const FORMATS: readonly (readonly [PageTableFormat, number, readonly number[]])[] = [
  ['radix', 12, [13, 9, 9, 9]],
  ['radix', 16, [13, 9, 9, 5]],
  ['hash-4k', 12, [9, 9, 7, 9]],
  ['hash-64k', 16, [8, 10, 10, 8]],
];

/** Maps one page at `address` to `raddr`; `depth` tables lead to it: fewer of them make a larger page. */
function tables(
  format: PageTableFormat,
  page: number,
  bits: readonly number[],
  address: bigint,
  depth: number,
) {
  const memory = new Uint8Array(0x60000);
  let shift = bits.reduce((sum, each) => sum + each, page);
  for (const [level, width] of bits.slice(0, depth).entries()) {
    shift -= width;
    const index = Number((address >> BigInt(shift)) & ((1n << BigInt(width)) - 1n));
    const next = BigInt(TABLES[level + 1] ?? 0);
    // A directory of radix has a valid bit and the size of the next table; Linux's own under hash is a plain address.
    const directory = format === 'radix' ? (1n << 63n) | next | BigInt(bits[level + 1] ?? 0) : next;
    const leaf = LEAF | ((0x40_0000_0000n >> BigInt(shift)) << BigInt(shift)) | 0x18en;
    putU64(memory, (TABLES[level] ?? 0) + index * 8, level === depth - 1 ? leaf : directory, 'big');
  }
  const table = new KernelPageTable(format, TABLES[0] ?? 0, async (raddr, length) =>
    raddr + length <= memory.length ? memory.slice(raddr, raddr + length) : undefined,
  );
  return { memory, table, bytes: 2 ** shift };
}

describe.each(FORMATS)('KernelPageTable, %s with pages of 2^%i', (format, page, bits) => {
  const address = format === 'hash-4k' ? 0xc0003d1234567000n : 0xc008123456780000n;

  it.each([4, 3, 2])('%i tables lead to a page → its place and what is left of it', async (depth) => {
    const { table, bytes } = tables(format, page, bits, address, depth);
    const within = Number(address & BigInt(bytes - 1)) + 0x123;
    expect(await table.find(address + 0x123n)).toEqual({
      kind: 'mapped',
      raddr: 0x40_0000_0000 + within,
      bytes: bytes - within,
    });
  });

  it('what is not mapped → how far that holds', async () => {
    const { table, bytes } = tables(format, page, bits, address, 4);
    const next = (address / BigInt(bytes)) * BigInt(bytes) + BigInt(bytes);
    expect(await table.find(next)).toEqual({ kind: 'absent', bytes });
  });

  it('a table outside of memory → nothing is mapped', async () => {
    const { memory, table } = tables(format, page, bits, address, 4);
    const shift = bits.slice(1).reduce((sum, each) => sum + each, page);
    const index = Number((address >> BigInt(shift)) & ((1n << BigInt(bits[0] ?? 0)) - 1n));
    putU64(memory, (TABLES[0] ?? 0) + index * 8, (1n << 63n) | 0x7f00_0000_0000n | 9n, 'big');
    expect((await table.find(address)).kind).toBe('absent');
  });
});
