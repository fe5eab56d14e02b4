/** Filtered and compressed dumps against memory: what is left out by kind, what differs, what was lost. */

import { describe, expect, it } from 'vitest';
import { hex64 } from '../../../src/base/hex.ts';
import { type CompareInput, comparePages, openPaged } from '../../../src/panic/fidelity/compare-pages.ts';
import { askedLevels, levelOf, levelsOf } from '../../../src/panic/fidelity/dump-level.ts';
import type { PageKinds } from '../../../src/panic/fidelity/page-kinds.ts';
import { toolReport } from '../../../src/panic/fidelity/tool-report.ts';
import { SymbolTable } from '../../../src/vmcore/analyse/index.ts';
import { buildElfCore, buildKdump, type KdumpPage } from '../../../src/vmcore/format/index.ts';
import { pagedSource } from '../../../src/vmcore/reader/index.ts';

const KIB64 = 0x10000;
const PAGES = 64;
const RESERVED = { start: 40 * KIB64, end: 48 * KIB64 };

/** Page `n` of 64 KiB is filled with n, but for the first 4 KiB of the last; those from 50 on hold nothing. */
function memory(): Uint8Array {
  const bytes = new Uint8Array(PAGES * KIB64);
  for (let n = 0; n < 50; n++) bytes.fill(n + 1, n * KIB64, (n + 1) * KIB64);
  bytes.fill(0, 49 * KIB64, 49 * KIB64 + 4096);
  return bytes;
}

type More = Partial<Pick<CompareInput, 'kinds' | 'level' | 'image' | 'symbols' | 'named' | 'owned'>>;

async function compare(dump: Uint8Array, kinds?: PageKinds, more: More = {}) {
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
    ...more,
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

/** Page 20 is left out, and holds data. */
describe('comparePages, what a filter left out', () => {
  const none: PageKinds = { pageSize: KIB64, kindOf: () => undefined };
  const symbols = new SymbolTable(
    Object.entries({
      _stext: 0,
      before: 20 * KIB64 - 8,
      deep: 20 * KIB64 + 8,
      prb: 20 * KIB64 + 0x5000,
      after: 21 * KIB64,
    }).map(([name, at]) => ({ name, address: 0xc000000000000000n + BigInt(at) })),
  ).pack();
  const image = { end: 30 * KIB64, init: { start: 2 * KIB64, end: 4 * KIB64 } };
  const lost = {
    pages: 16,
    ranges: [{ raddr: hex64(20 * KIB64), bytes: KIB64 }],
    symbols: ['prb', 'deep'],
    symbolCount: 2,
  };

  it('a page that the kernel used → live, with the symbols in it, those that tools read first', async () => {
    const { pages } = await compare(kdump(), none, { image, symbols });
    const all = { ...lost, beyondLevel: {}, image: { pages: 16, of: 480 } };
    expect(pages).toMatchObject({ ...RIGHT, live: all, filtered: { zero: 224, unknown: 0 } });
  });

  it('kinds are not known: a page of the kernel’s image is live all the same; of the init section, or of other memory, it is unknown', async () => {
    const kinds = 'vmemmap_list is empty';
    const at = async (more: More) => (await compare(kdump(), undefined, { kinds, symbols, ...more })).pages;
    expect(await at({ image })).toMatchObject({ live: lost, kindsKnown: false, kindsUnknown: kinds });
    const init = { start: 20 * KIB64, end: 21 * KIB64 };
    for (const other of [
      { image: { ...image, init } },
      { image: { end: image.end } },
      { image: { ...image, end: 20 * KIB64 } },
      {},
    ]) {
      const pages = await at(other);
      expect(pages.live).toBeUndefined();
      expect(pages.filtered.unknown).toBe(16);
    }
  });

  it.each([
    [31, true],
    [8, true],
    [1, false],
    [23, false],
    [0, false],
  ])('a page of user data at level %i → left out rightly: %s', async (level, rightly) => {
    const { pages } = await compare(kdump(), KINDS, { level, image });
    expect(pages.level).toBe(level);
    expect(pages.filtered.user).toBe(rightly ? 16 : 0);
    expect(pages.live?.beyondLevel).toEqual(rightly ? undefined : { user: 16 });
    expect(pages.filtered.zero).toBe(224);
  });

  it('pages in the dump that the level leaves out → counted by kind; zeros that are stored once for all, apart', async () => {
    const free: PageKinds = {
      pageSize: KIB64,
      kindOf: (raddr) => (raddr < 12 * KIB64 && raddr >= 10 * KIB64 ? 'free' : undefined),
    };
    const zeros = (...numbers: number[]) =>
      kdump((pages) => {
        for (const n of numbers) pages.set(n, { kind: 'data', bytes: new Uint8Array(KIB64) });
      });
    const at = async (level: number, ...numbers: number[]) =>
      (await compare(zeros(...numbers), free, { level })).pages;
    expect(await at(31, 52, 53, 54)).toMatchObject({ kept: { free: 32 }, zeroOnce: 48 });
    expect((await at(31, 52)).kept).toEqual({ free: 32, zero: 16 });
    expect((await at(31, 52)).zeroOnce).toBeUndefined();
    expect((await at(16, 52)).kept).toEqual({ free: 32 });
    expect((await at(14, 52, 53)).kept).toBeUndefined();
  });

  it('memory that the kernel never owned is not the dump’s duty; memory that it owned is', async () => {
    const short = kdump((pages) => {
      for (let n = 48; n < PAGES; n++) pages.delete(n);
    });
    const owned = (end: number) => ({ owned: [{ start: 0, end }] });
    expect((await compare(short, KINDS, owned(48 * KIB64))).pages).toMatchObject({
      missing: 0,
      unowned: 256,
    });
    expect((await compare(short, KINDS, owned(49 * KIB64))).pages).toMatchObject({
      missing: 16,
      unowned: 240,
      missingRanges: [{ raddr: hex64(48 * KIB64), bytes: KIB64 }],
    });
    expect((await compare(short, KINDS)).pages).toMatchObject({ missing: 256 });
  });
});

describe('the level that was asked for', () => {
  it.each([
    ['-l -d 31', [31]],
    ['-c -d31', [31]],
    ['-ld 17', [17]],
    ['-zd1,31 --num-threads 2', [1, 31]],
    ['-l --message-level 31', [0]],
    ['raw', [0]],
    ['-d 32', undefined],
    ['-d x', undefined],
    ['-d', [0]],
  ])('%s → %j', (mode, levels) => expect(levelsOf(mode)).toEqual(levels));

  it('of several, the one that the header has; without a word, the header’s', () => {
    expect(levelOf([31], 1)).toBe(31);
    expect(levelOf([1, 31], 31)).toBe(31);
    expect(levelOf(undefined, 17)).toBe(17);
    expect(levelOf(undefined, undefined)).toBeUndefined();
  });

  it('is on the crash kernel’s command line', () => {
    const at = (bootargs: string) => askedLevels({ load: { tree: { bootargs } } as never });
    expect(at('console=hvc0 kdumpd.dump=-l^-d^31 elfcorehdr=1K')).toEqual([31]);
    expect(at('kdumpd.dump=raw')).toEqual([0]);
    expect(at('xkdumpd.dump=raw')).toBeUndefined();
    expect(askedLevels({})).toBeUndefined();
  });
});

it('toolReport: makedumpfile’s own figures, the last ones', () => {
  const report = (free: string, left: string) => `
Original pages  : 0x0000000000030000
  Excluded pages   : 0x000000000002a000
    Pages filled with zero  : 0x0000000000010000
    Non-private cache pages : 0x0000000000000900
    Private cache pages     : 0x0000000000000001
    User process data pages : 0x0000000000000054
    Free pages              : 0x${free}
    Hwpoison pages          : 0x0000000000000000
    Offline pages           : 0x0000000000000000
  Remaining pages  : 0x${left}\r
Total pages     : 0x0000000000040000
`;
  const excluded = {
    zero: 0x10000,
    cache: 0x900,
    private: 1,
    user: 0x54,
    free: 0x10,
    poisoned: 0,
    offline: 0,
  };
  expect(toolReport(`${report('0', '1')}${report('10', '6000')}[  1.0] reboot`)).toEqual({
    original: 0x30000,
    excluded,
    remaining: 0x6000,
  });
  expect(toolReport('Remaining pages  : 0x1\n')).toBeUndefined();
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
