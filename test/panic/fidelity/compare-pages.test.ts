/** Filtered and compressed dumps against memory: what is left out by kind, what differs, what was lost. */

import { describe, expect, it } from 'vitest';
import { hex64 } from '../../../src/base/hex.ts';
import { comparePages, openPaged } from '../../../src/panic/fidelity/compare-pages.ts';
import type { PageKinds } from '../../../src/panic/fidelity/page-kinds.ts';
import { buildElfCore, buildKdump, type KdumpPage } from '../../../src/vmcore/format/index.ts';
import { pagedSource } from '../../../src/vmcore/reader/index.ts';

const KIB64 = 0x10000;
const PAGES = 64;
const RESERVED = { start: 40 * KIB64, end: 48 * KIB64 };

/** Page `n` of 64 KiB is filled with n; those from 50 on hold nothing. */
function memory(): Uint8Array {
  const bytes = new Uint8Array(PAGES * KIB64);
  for (let n = 0; n < 50; n++) bytes.fill(n + 1, n * KIB64, (n + 1) * KIB64);
  return bytes;
}

async function compare(dump: Uint8Array, kinds?: PageKinds) {
  const then = memory();
  let fetched = 0;
  const paged = pagedSource(dump.length, async (offset, length) => {
    fetched += length;
    return dump.slice(offset, offset + length);
  });
  const pages = await comparePages({
    handle: {
      config: { memory: [{ base: 0, size: then.length }] } as never,
      readInstant: async (_name, raddr, length) => then.slice(raddr, raddr + length),
      compareDisk: async (_name, raddr, length, _disk, offset) =>
        Array.from({ length: length / 4096 }, (_, i) => i * 4096)
          .filter((at) =>
            then.subarray(raddr + at, raddr + at + 4096).some((byte, i) => byte !== dump[offset + at + i]),
          )
          .map((at) => raddr + at),
    },
    disk: 0,
    paged,
    dump: await openPaged(paged),
    owners: { reservation: [RESERVED], rtas: [], hypervisor: [] },
    writerOf: () => undefined,
    ...(kinds === undefined ? {} : { kinds }),
  });
  return { pages, fetched };
}

function kdump(change: (pages: Map<number, KdumpPage>, then: Uint8Array) => void = () => undefined) {
  const then = memory();
  const pages = new Map<number, KdumpPage>();
  for (let n = 0; n < PAGES; n++) {
    if (n >= 40 && n < 48) continue;
    const bytes = then.slice(n * KIB64, (n + 1) * KIB64);
    pages.set(n, n >= 50 || n === 20 ? { kind: 'excluded' } : { kind: 'data', bytes });
  }
  change(pages, then);
  return buildKdump({
    endian: 'little',
    blockSize: KIB64,
    cpus: 1,
    dumpLevel: 31,
    maxPfn: PAGES,
    notes: [],
    pages,
  });
}

const KINDS: PageKinds = {
  pageSize: KIB64,
  kindOf: (raddr) => (Math.floor(raddr / KIB64) === 20 ? 'user' : undefined),
};
const RIGHT = { total: 1024, equal: 640, fromBackup: 16, reservation: 128, differingPages: 0, missing: 0 };

describe('comparePages', () => {
  it('a filtered, compressed dump: kinds as told, zeros as found', async () => {
    const { pages } = await compare(kdump(), KINDS);
    expect(pages).toMatchObject({
      ...RIGHT,
      kindsKnown: true,
      filtered: { user: 16, zero: 224, unknown: 0 },
    });
  });

  it('nothing tells the kinds → zeros are still found, the rest is unknown', async () => {
    const { pages } = await compare(kdump());
    expect(pages).toMatchObject({ ...RIGHT, kindsKnown: false, filtered: { zero: 224, unknown: 16 } });
  });

  it('a page with one byte more, one that is lost, one that is not known → each counted', async () => {
    const dump = kdump((pages, then) => {
      const bytes = then.slice(3 * KIB64, 4 * KIB64);
      bytes[0x2345] = 0xee;
      pages.set(3, { kind: 'data', bytes });
      pages.set(5, { kind: 'lost' });
      pages.delete(30);
    });
    const { pages } = await compare(dump, KINDS);
    expect(pages).toMatchObject({
      ...RIGHT,
      equal: 640 - 1 - 32,
      differingPages: 1,
      differing: [{ raddr: hex64(3 * KIB64 + 0x2345), bytes: 1, owner: 'unexplained' }],
      missing: 32,
      missingRanges: [
        { raddr: hex64(5 * KIB64), bytes: KIB64 },
        { raddr: hex64(30 * KIB64), bytes: KIB64 },
      ],
    });
  });

  it('a filtered ELF dump: what lies beyond the data was left out', async () => {
    const then = memory();
    const dump = buildElfCore({
      endian: 'big',
      notes: [],
      ranges: [
        { paddr: 0n, data: then.slice(0, 40 * KIB64) },
        { paddr: BigInt(48 * KIB64), data: then.slice(48 * KIB64, 50 * KIB64), memsz: 16 * KIB64 },
      ],
    });
    const { pages } = await compare(dump, KINDS);
    expect(pages).toMatchObject({ ...RIGHT, equal: 640 + 16, filtered: { zero: 224, unknown: 0 } });
  });
});

it('pagedSource: a source that gives less than it has → FormatError', async () => {
  const paged = pagedSource(3000, async (_offset, length) => new Uint8Array(length - 1));
  await expect(paged.run(() => paged.source.read(10, 10))).rejects.toMatchObject({
    code: 'vmcore/short-read',
  });
});

it('pagedSource: reads over blocks, and none twice while it is kept', async () => {
  const MIB = 2 ** 20;
  const all = Uint8Array.from({ length: 3 * MIB }, (_, i) => i % 251);
  const asked: number[] = [];
  const paged = pagedSource(all.length, async (offset, length) => {
    asked.push(offset);
    return all.slice(offset, offset + length);
  });
  const read = () => paged.run(() => paged.source.read(MIB - 5, MIB + 10));
  expect(Buffer.compare(await read(), all.subarray(MIB - 5, 2 * MIB + 5))).toBe(0);
  await read();
  expect(asked).toEqual([0, MIB, 2 * MIB]);
});
