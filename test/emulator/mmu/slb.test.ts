/** The segment lookaside buffer. Power ISA 2.07 and 3.0B, Book III-S, §5.7.7, §5.9.3.1. */

import { beforeEach, describe, expect, it } from 'vitest';
import { SLB_ENTRIES, Slb } from '../../../src/emulator/mmu/slb.ts';
import { slbEntry } from '../../synth/hash-page.ts';

const CLASS = 0x80n;
const halves = (ea: bigint): [number, number] => [
  Number(BigInt.asIntN(32, ea)),
  Number(BigInt.asIntN(32, ea >> 32n)),
];

let slb: Slb;
beforeEach(() => {
  slb = new Slb();
});

function put(index: number, ea: bigint, bits: 28 | 40, flags = 0n): void {
  const [esid, vsid] = slbEntry({ ea, bits, vsid: BigInt(index) + 7n, flags });
  expect(slb.write(index, esid, vsid)).toBe(true);
}

describe('Slb', () => {
  it('find: the segment of the address by its own size, first and last byte, none beside', () => {
    put(3, 0xc000_0000_3000_0000n, 28);
    put(31, 0xd000_0a00_0000_0000n, 40);
    expect(slb.find(...halves(0xc000_0000_3000_0000n))).toBe(3);
    expect(slb.find(...halves(0xc000_0000_3fff_ffffn))).toBe(3);
    expect(slb.find(...halves(0xc000_0000_4000_0000n))).toBe(-1);
    expect(slb.find(...halves(0xc000_0000_2fff_ffffn))).toBe(-1);
    expect(slb.find(...halves(0xd000_0aff_ffff_ffffn))).toBe(31);
    expect(slb.find(...halves(0xd000_0b00_0000_0000n))).toBe(-1);
    expect(slb.find(...halves(0n))).toBe(-1);
  });

  it('write: what cannot be an entry is refused and changes nothing', () => {
    put(0, 0n, 28);
    const esid = slb.esid(0);
    const vsid = slb.vsid(0);
    // The index, a reserved bit, segment sizes 2 and 3, page sizes that do not exist (L LP = 010, 001, 111).
    expect(slb.write(SLB_ENTRIES, esid, vsid)).toBe(false);
    expect(slb.write(0, esid | 0x1000n, vsid)).toBe(false);
    for (const bad of [2n << 62n, 3n << 62n, 0x10n, 0x20n, 0x130n, 0x120n])
      expect(slb.write(0, esid, vsid | bad)).toBe(false);
    expect([slb.esid(0), slb.vsid(0)]).toEqual([esid, vsid]);
  });

  it('doublewords come back as written; an entry without V translates nothing', () => {
    const [esid, vsid] = slbEntry({ ea: 1n << 40n, bits: 40, vsid: 0x3f_ffff_ffffn, flags: 0xd90n });
    expect(slb.write(5, esid & ~0x08000000n, vsid)).toBe(true);
    expect([slb.esid(5), slb.vsid(5)]).toEqual([1n << 40n, vsid]);
    expect(slb.isValid(5)).toBe(false);
    expect(slb.find(...halves(1n << 40n))).toBe(-1);
  });

  it.each([
    ['first', [true, false, false]],
    ['class0', [true, true, false]],
    ['none', [false, false, false]],
  ] as const)('invalidateAll but %s', (keep, left) => {
    put(0, 0xc000_0000_0000_0000n, 28);
    put(1, 0xd000_0000_0000_0000n, 28);
    put(2, 0x1000_0000n, 28, CLASS);
    slb.invalidateAll(keep);
    expect([0, 1, 2].map((i) => slb.isValid(i))).toEqual(left);
  });

  it('an entry found before and gone since → not found again', () => {
    put(9, 0x1000_0000n, 28);
    expect(slb.find(...halves(0x1000_0000n))).toBe(9);
    slb.invalidate(9);
    expect(slb.find(...halves(0x1000_0000n))).toBe(-1);
  });

  it('class 1 outside programs’ region is remembered until power-on', () => {
    put(1, 0x1000_0000n, 28, CLASS);
    expect(slb.classOneElsewhere).toBe(false);
    put(2, 0xd000_0000_0000_0000n, 28, CLASS);
    expect(slb.classOneElsewhere).toBe(true);
    slb.reset();
    expect(slb.classOneElsewhere).toBe(false);
    expect(slb.find(...halves(0x1000_0000n))).toBe(-1);
  });
});
