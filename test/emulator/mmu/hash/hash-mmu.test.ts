/**
 * Translation by segments and a hashed table, on entries made by an independent description of them
 * (test/synth/hash-page.ts). Power ISA 2.07, Book III-S, §5.7.6–5.7.13.
 */

import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type Access,
  DSISR_KEY,
  DSISR_NO_TRANSLATION,
  DSISR_PROTECTION,
  DSISR_STORE,
  type MmuContext,
  SRR1_NO_EXECUTE,
  type Translation,
} from '../../../../src/emulator/mmu/contract.ts';
import { HashMmu } from '../../../../src/emulator/mmu/hash/hash-mmu.ts';
import { GROUP, HashTable } from '../../../../src/emulator/mmu/hash/table.ts';
import { Slb } from '../../../../src/emulator/mmu/slb.ts';
import {
  type Page,
  pageEntry,
  pageHash,
  RAM_READ_WRITE,
  type Segment,
  slbEntry,
} from '../../../synth/hash-page.ts';

const SHIFT = 20;
const SECONDARY = 2n;
const KS = 0x800n;
const KP = 0x400n;
const NO_EXECUTE_SEGMENT = 0x200n;
const REFERENCE = 0x100n;
const CHANGE = 0x80n;
const PP0 = 1n << 63n;

let slb: Slb;
let table: HashTable;
let mmu: HashMmu;
let dropped: { lo: number; pages: number }[];

beforeEach(() => {
  slb = new Slb();
  dropped = [];
  table = new HashTable(SHIFT, (lo, pages) => void dropped.push({ lo: lo >>> 0, pages }));
  mmu = new HashMmu(table);
});

const low = (value: bigint): number => Number(BigInt.asIntN(32, value));
const high = (value: bigint): number => Number(BigInt.asIntN(32, value >> 32n));

function put(index: number, [v, r]: readonly [bigint, bigint]): void {
  table.write(index, high(v), low(v), high(r), low(r));
}

/** Enters a page in the first slot of its group, or of the secondary one. @returns where. */
function map(segment: Segment, page: Page, secondary = false, slot = 0): number {
  const [v, r] = pageEntry(segment, page);
  const hash = secondary ? ~pageHash(segment, page) : pageHash(segment, page);
  const index = Number(hash & BigInt(table.groupMask)) * GROUP + slot;
  put(index, [secondary ? v | SECONDARY : v, r]);
  return index;
}

function translate(ea: bigint, access: Access, context: Partial<MmuContext> = {}): Translation {
  const out: Translation = { raddr: -1, fault: 0, segment: false, userPage: false };
  const whole: MmuContext = {
    problemState: false,
    pid: 0,
    amrWrite: false,
    amrRead: false,
    iamrExecute: false,
    amr: 0n,
    iamr: 0n,
    slb,
    ...context,
  };
  mmu.translate(low(ea), high(ea), access, whole, out);
  return out;
}

const SIZES = [
  [0n, 12],
  [0n, 16],
  [0n, 24],
  [0x110n, 16],
  [0x110n, 24],
  [0x100n, 24],
] as const;

const SEGMENT: Segment = { ea: 0xc000_0000_0000_0000n, bits: 40, vsid: 0x1234_5678_9n, flags: 0x110n };
const PAGE: Page = { ea: 0xc000_0012_3456_0000n, raddr: 0x1_2345_0000n, shift: 16 };

describe('HashMmu', () => {
  it('any page of any size in any segment, either group, any slot → frame and offset; what it drops is where it is', () => {
    const drawn = fc.record({
      bits: fc.constantFrom(28 as const, 40 as const),
      size: fc.constantFrom(...SIZES),
      ea: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      raddr: fc.bigInt({ min: 0n, max: (1n << 44n) - 1n }),
      vsid: fc.bigInt({ min: 0n, max: (1n << 38n) - 1n }),
      secondary: fc.boolean(),
      slot: fc.nat(7),
      at: fc.nat(31),
    });
    fc.assert(
      fc.property(drawn, ({ bits, size: [flags, shift], ea, raddr, vsid, secondary, slot, at }) => {
        slb.reset();
        table.reset();
        dropped.length = 0;
        const segment: Segment = { ea, bits, vsid, flags };
        const [esid, word] = slbEntry(segment);
        expect(slb.write(at, esid, word)).toBe(true);
        expect(translate(ea, 'read').fault).toBe(DSISR_NO_TRANSLATION);
        const index = map(segment, { ea, raddr, shift }, secondary, slot);
        const mask = (1n << BigInt(shift)) - 1n;
        expect(translate(ea, 'read')).toMatchObject({
          raddr: Number((raddr & ~mask) | (ea & mask)),
          fault: 0,
          segment: false,
        });
        // Another segment has none of it.
        expect(translate(ea ^ (1n << BigInt(bits)), 'read').segment).toBe(true);
        table.forget(index);
        expect(dropped).toEqual([{ lo: expect.any(Number), pages: 1 << (shift - 12) }]);
        // Bits 12 to 23 are a translation's place.
        expect((dropped[0]?.lo ?? 0) & 0xfff000).toBe(Number(ea & ~mask & 0xfff000n));
        table.forget(index);
        expect(dropped).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });

  it('an entry of another base size, another segment or not valid → not found', () => {
    const [esid, word] = slbEntry(SEGMENT);
    slb.write(0, esid, word);
    const index = map(SEGMENT, PAGE);
    expect(translate(PAGE.ea, 'read').fault).toBe(0);
    const [v, r] = pageEntry(SEGMENT, PAGE);
    for (const other of [v & ~1n, v ^ 0x80n, v ^ (1n << 40n), v ^ (1n << 62n), v & ~4n]) {
      put(index, [other, r]);
      expect(translate(PAGE.ea, 'read').fault).toBe(DSISR_NO_TRANSLATION);
    }
    put(index, [v, r ^ 0x6000n]);
    expect(translate(PAGE.ea, 'read').fault).toBe(DSISR_NO_TRANSLATION);
  });

  it('faults: no segment, no entry, segment without execution', () => {
    expect(translate(PAGE.ea, 'execute')).toMatchObject({ segment: true });
    const [esid, word] = slbEntry({ ...SEGMENT, flags: SEGMENT.flags | NO_EXECUTE_SEGMENT });
    slb.write(0, esid, word);
    expect(translate(PAGE.ea, 'execute')).toMatchObject({ segment: false, fault: SRR1_NO_EXECUTE });
    expect(translate(PAGE.ea, 'write').fault).toBe(DSISR_NO_TRANSLATION | DSISR_STORE);
  });

  // Power ISA 2.07, Book III-S, figure 40: read and write by PP and key.
  const PERMISSIONS: readonly (readonly [pp: bigint, key: 0 | 1, read: boolean, write: boolean])[] = [
    [0n, 0, true, true],
    [1n, 0, true, true],
    [2n, 0, true, true],
    [3n, 0, true, false],
    [PP0 | 2n, 0, true, false],
    [0n, 1, false, false],
    [1n, 1, true, false],
    [2n, 1, true, true],
    [3n, 1, true, false],
    [PP0 | 2n, 1, false, false],
  ];
  it.each(PERMISSIONS)('PP %s, key %i → read %s, write %s', (pp, key, read, write) => {
    for (const problemState of [false, true]) {
      const flag = key === 0 ? 0n : problemState ? KP : KS;
      const segment = { ...SEGMENT, flags: SEGMENT.flags | flag };
      const [esid, word] = slbEntry(segment);
      slb.write(0, esid, word);
      map(segment, { ...PAGE, flags: 0x10n | pp });
      expect(translate(PAGE.ea, 'read', { problemState }).fault).toBe(read ? 0 : DSISR_PROTECTION);
      expect(translate(PAGE.ea, 'write', { problemState }).fault).toBe(
        write ? 0 : DSISR_PROTECTION | DSISR_STORE,
      );
      expect(translate(PAGE.ea, 'execute', { problemState }).fault).toBe(read ? 0 : DSISR_PROTECTION);
    }
  });

  it.each([
    ['N', 4n],
    ['G', 8n],
  ])('%s → no execution, but loads', (_name, bit) => {
    const [esid, word] = slbEntry(SEGMENT);
    slb.write(0, esid, word);
    map(SEGMENT, { ...PAGE, flags: RAM_READ_WRITE | bit });
    expect(translate(PAGE.ea, 'execute').fault).toBe(SRR1_NO_EXECUTE);
    expect(translate(PAGE.ea, 'read').fault).toBe(0);
  });

  it('page class keys: the two bits of its own key alone, in either state', () => {
    const [esid, word] = slbEntry(SEGMENT);
    slb.write(0, esid, word);
    for (const key of [0n, 1n, 7n, 8n, 21n, 31n]) {
      const flags = RAM_READ_WRITE | ((key & 7n) << 9n) | ((key >> 3n) << 60n);
      map(SEGMENT, { ...PAGE, flags });
      const shift = 2n * (31n - key);
      const all = (1n << 64n) - 1n;
      for (const problemState of [false, true]) {
        const others = { problemState, amr: all & ~(3n << shift), iamr: all & ~(3n << shift) };
        for (const access of ['read', 'write', 'execute'] as const)
          expect(translate(PAGE.ea, access, others).fault).toBe(0);
      }
      expect(translate(PAGE.ea, 'write', { amr: 2n << shift }).fault).toBe(DSISR_KEY | DSISR_STORE);
      expect(translate(PAGE.ea, 'read', { amr: 2n << shift }).fault).toBe(0);
      expect(translate(PAGE.ea, 'read', { amr: 1n << shift }).fault).toBe(DSISR_KEY);
      expect(translate(PAGE.ea, 'write', { amr: 1n << shift }).fault).toBe(0);
      expect(translate(PAGE.ea, 'execute', { iamr: 1n << shift }).fault).toBe(DSISR_KEY);
    }
  });

  it('reference by any access, change by a store alone; none by an access that is denied', () => {
    const [esid, word] = slbEntry(SEGMENT);
    slb.write(0, esid, word);
    const index = map(SEGMENT, PAGE);
    const bits = (): bigint => (table.sample(1)[0]?.r ?? 0n) & (REFERENCE | CHANGE);
    translate(PAGE.ea, 'write', { amr: 2n << 62n });
    expect(bits()).toBe(0n);
    translate(PAGE.ea, 'execute');
    expect(bits()).toBe(REFERENCE);
    translate(PAGE.ea, 'write');
    expect(bits()).toBe(REFERENCE | CHANGE);
    expect(table.sample(1)[0]?.index).toBe(index);
  });
});
