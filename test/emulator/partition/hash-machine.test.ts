/**
 * Hash translation as instructions see it, on a machine without a hypervisor whose table the test fills; the real-mode
 * area's end; and what POWER8 lacks. Power ISA 2.07, Book III-S.
 */

import { describe, expect, it } from 'vitest';
import { MSR } from '../../../src/base/power.ts';
import { SPR } from '../../../src/emulator/cpu/spr.ts';
import { decode } from '../../../src/emulator/isa/index.ts';
import { HashMmu } from '../../../src/emulator/mmu/hash/hash-mmu.ts';
import { GROUP, HashTable } from '../../../src/emulator/mmu/hash/table.ts';
import { BareMachine } from '../../../src/emulator/partition/bare-machine.ts';
import { type Page, pageEntry, pageHash, type Segment, slbEntry } from '../../synth/hash-page.ts';
import { ATTN, dForm, li, mfspr, mtspr, NOP, xForm } from '../../synth/power-words.ts';

const START = 0x2000;
const MEMORY = 0x40000;
const AREA = 0x20000;
const POWER8 = 0x4d0200;
const POWER9 = 0x4e1200;
const lwz = (rt: number, ra: number): number => dForm(32, rt, ra, 0);
const stw = (rt: number, ra: number): number => dForm(36, rt, ra, 0);
const slbmte = (rs: number, rb: number): number => xForm(rs, 0, rb, 402);
const slbie = (rb: number): number => xForm(0, 0, rb, 434);
const slbia = (hint: number): number => xForm(hint, 0, 0, 498);
const slbmfee = (rt: number, rb: number): number => xForm(rt, 0, rb, 915);
const slbmfev = (rt: number, rb: number): number => xForm(rt, 0, rb, 851);
const slbfee = (rt: number, rb: number): number => xForm(rt, 0, rb, 979, 1);
const tlbie = (rb: number): number => xForm(0, 0, rb, 306);

type World = { readonly machine: BareMachine; readonly table: HashTable };

/** A machine with attn in every vector and words at {@link START}. */
function world(words: readonly number[], processorVersion = POWER8, endian: 'big' | 'little' = 'big'): World {
  const made: { machine?: BareMachine } = {};
  const table = new HashTable(18, (lo, pages) => made.machine?.vcpu.tlb.dropPages(lo, pages));
  const machine = new BareMachine({
    memory: MEMORY,
    endian,
    processorVersion,
    mmu: new HashMmu(table),
    realModeArea: AREA,
  });
  made.machine = machine;
  for (let vector = 0x100; vector < 0x1000; vector += 0x20)
    machine.ram.writeU32(vector, ATTN, endian === 'little');
  for (const [i, word] of [...words, ATTN].entries())
    machine.ram.writeU32(START + 4 * i, word, endian === 'little');
  machine.vcpu.nia = BigInt(START);
  return { machine, table };
}

/** Runs to the next attn and answers where it is. */
function run(machine: BareMachine): number {
  expect(machine.run(10_000)).toBe('attn');
  return Number(machine.vcpu.nia);
}

const KERNEL: Segment = { ea: 0xc000_0000_0000_0000n, bits: 40, vsid: 0x777n, flags: 0n };
const PROGRAM: Segment = { ea: 0x1000_0000n, bits: 28, vsid: 0x888n, flags: 0xc80n };

function map(table: HashTable, segment: Segment, page: Page): number {
  const [v, r] = pageEntry(segment, page);
  const index = Number(pageHash(segment, page) & BigInt(table.groupMask)) * GROUP;
  const half = (value: bigint, by: bigint): number => Number(BigInt.asIntN(32, value >> by));
  table.write(index, half(v, 32n), half(v, 0n), half(r, 32n), half(r, 0n));
  return index;
}

describe('the real-mode area', () => {
  it.each([
    ['the last word of it', AREA - 4, 0],
    ['the first word past it', AREA, 0x08000000],
    ['top bits of the address do not count', 0xf000_0000_0000_0000n + BigInt(AREA), 0x08000000],
    ['past it by far, where there is no RAM', 0x1_0000_0000n, 0x08000000],
  ])('load: %s', (_what, at, dsisr) => {
    const { machine } = world([lwz(5, 4)]);
    machine.vcpu.setGpr(4, BigInt(at));
    expect(run(machine)).toBe(dsisr === 0 ? START + 4 : 0x300);
    if (dsisr === 0) return;
    expect(machine.vcpu.spr(SPR.DSISR)).toBe(BigInt(dsisr));
    expect(machine.vcpu.spr(SPR.DAR)).toBe(BigInt(at));
  });

  it('store past it → data storage interrupt with the store bit, nothing stored', () => {
    const { machine } = world([stw(5, 4)]);
    machine.vcpu.setGpr(4, BigInt(AREA));
    machine.vcpu.setGpr(5, 0xffffffffn);
    expect(run(machine)).toBe(0x300);
    expect(machine.vcpu.spr(SPR.DSISR)).toBe(0x0a000000n);
    expect(machine.ram.readU32(AREA, false)).toBe(0);
  });

  it('a store across its end → the address of the part past it; nothing stored before it', () => {
    const { machine } = world([stw(5, 4)]);
    machine.vcpu.setGpr(4, BigInt(AREA - 2));
    machine.vcpu.setGpr(5, 0xffffffffn);
    expect(run(machine)).toBe(0x300);
    expect(machine.vcpu.spr(SPR.DAR)).toBe(BigInt(AREA));
    expect(machine.ram.readU32(AREA - 4, false)).toBe(0);
  });

  it('fetch past it → instruction storage interrupt, SRR1 says protection', () => {
    const { machine } = world([]);
    machine.vcpu.nia = BigInt(AREA);
    expect(run(machine)).toBe(0x400);
    expect(machine.vcpu.spr(SPR.SRR0)).toBe(BigInt(AREA));
    expect(machine.vcpu.spr(SPR.SRR1) & 0x783f0000n).toBe(0x08000000n);
  });

  it('translated, the same page is reached', () => {
    const { machine, table } = world([lwz(5, 4)]);
    machine.ram.writeU32(AREA, 0x600d, false);
    map(table, KERNEL, { ea: KERNEL.ea, raddr: BigInt(AREA), shift: 12 });
    machine.vcpu.slb.write(0, ...slbEntry(KERNEL));
    machine.vcpu.setGpr(4, KERNEL.ea);
    machine.vcpu.msr |= MSR.DR;
    expect(run(machine)).toBe(START + 4);
    expect(machine.vcpu.gpr(5)).toBe(0x600dn);
  });
});

describe('SLB instructions', () => {
  it('slbmte, slbmfee, slbmfev, slbfee.: what was written is read and found, as CR0 says', () => {
    const { machine } = world([slbmte(4, 3), slbmfee(5, 6), slbmfev(7, 6), slbfee(8, 9), NOP]);
    const [esid, vsid] = slbEntry(KERNEL);
    const { vcpu } = machine;
    vcpu.setGpr(3, esid | 17n);
    vcpu.setGpr(4, vsid);
    vcpu.setGpr(6, 17n);
    vcpu.setGpr(9, KERNEL.ea + 0x1234n);
    expect(run(machine)).toBe(START + 20);
    expect([vcpu.gpr(5), vcpu.gpr(7), vcpu.gpr(8)]).toEqual([esid, vsid, vsid]);
    expect(vcpu.cr >>> 28).toBe(2);
  });

  it('slbfee. of no segment → 0 and CR0 clear', () => {
    const { machine } = world([slbfee(8, 9)]);
    machine.vcpu.setGpr(8, 5n);
    machine.vcpu.cr = 0xf0000000;
    run(machine);
    expect(machine.vcpu.gpr(8)).toBe(0n);
    expect(machine.vcpu.cr >>> 28).toBe(0);
  });

  it.each([
    ['slbmte', slbmte(4, 3)],
    ['slbmfee', slbmfee(4, 3)],
    ['slbmfev', slbmfev(4, 3)],
  ])('%s of an entry that is not there → program interrupt', (_name, word) => {
    const { machine } = world([word]);
    machine.vcpu.setGpr(3, 32n);
    expect(run(machine)).toBe(0x700);
    expect(machine.vcpu.spr(SPR.SRR1) & 0x783f0000n).toBe(0x00080000n);
  });

  it('in problem state, and tlbie in any → privileged', () => {
    const { machine, table } = world([slbie(3)]);
    map(table, { ...KERNEL, ea: 0n }, { ea: 0n, raddr: 0n, shift: 12 });
    map(table, { ...KERNEL, ea: 0n }, { ea: BigInt(START), raddr: BigInt(START), shift: 12 });
    machine.vcpu.slb.write(0, ...slbEntry({ ...KERNEL, ea: 0n }));
    machine.vcpu.msr |= MSR.PR | MSR.EE | MSR.IR | MSR.DR;
    expect(run(machine)).toBe(0x700);
    expect(machine.vcpu.spr(SPR.SRR1) & 0x783f0000n).toBe(0x00040000n);
    const other = world([tlbie(3)]).machine;
    expect(run(other)).toBe(0x700);
    expect(other.vcpu.spr(SPR.SRR1) & 0x783f0000n).toBe(0x00040000n);
  });

  // A load through the segment, then what takes it away, then the same load.
  const AWAY: readonly (readonly [string, readonly number[], number, Segment, boolean])[] = [
    ['slbie of it', [slbie(4)], POWER8, PROGRAM, true],
    ['slbie of another', [slbie(10)], POWER8, PROGRAM, false],
    ['slbie of the kernel’s', [slbie(4)], POWER8, KERNEL, true],
    ['slbia', [slbia(0)], POWER8, PROGRAM, true],
    ['slbia of class 1, its own', [slbia(3)], POWER9, PROGRAM, true],
    ['slbia of class 1, another’s', [slbia(3)], POWER9, KERNEL, false],
    ['slbia of what was derived alone', [slbia(7)], POWER9, PROGRAM, false],
    ['slbia 7, which POWER8 takes for 0', [slbia(7)], POWER8, PROGRAM, true],
    ['slbmte over it without V', [slbmte(12, 11)], POWER8, PROGRAM, true],
  ];
  it.each(AWAY)('%s', (_what, words, version, segment, gone) => {
    const { machine, table } = world([lwz(5, 4), ...words, lwz(6, 4)], version);
    const { vcpu } = machine;
    machine.ram.writeU32(0x8000, 0x600d, false);
    map(table, segment, { ea: segment.ea, raddr: 0x8000n, shift: 12 });
    vcpu.slb.write(5, ...slbEntry(segment));
    vcpu.setGpr(4, segment.ea);
    vcpu.setGpr(10, 0x2000_0000n);
    vcpu.setGpr(11, (slbEntry(segment)[0] & ~0x08000000n & ~0xfffn) | 5n);
    vcpu.msr |= MSR.DR;
    const at = run(machine);
    expect(vcpu.gpr(5)).toBe(0x600dn);
    if (gone) {
      expect(at).toBe(0x380);
      expect(vcpu.spr(SPR.DAR)).toBe(segment.ea);
    } else expect(vcpu.gpr(6)).toBe(0x600dn);
  });

  it('an entry that is removed or protected → its translations go, those of its neighbour stay', () => {
    const { machine, table } = world([lwz(5, 4), lwz(6, 7), stw(5, 4), ATTN, lwz(8, 7), stw(5, 4)]);
    const { vcpu } = machine;
    const first = map(table, KERNEL, { ea: KERNEL.ea, raddr: 0x8000n, shift: 12 });
    map(table, KERNEL, { ea: KERNEL.ea + 0x1000n, raddr: 0x9000n, shift: 12 });
    vcpu.slb.write(0, ...slbEntry(KERNEL));
    vcpu.setGpr(4, KERNEL.ea);
    vcpu.setGpr(7, KERNEL.ea + 0x1000n);
    vcpu.msr |= MSR.DR;
    expect(run(machine)).toBe(START + 12);
    table.write(first, 0, 0, 0, 0);
    vcpu.nia = BigInt(START + 16);
    expect(run(machine)).toBe(0x300);
    expect(vcpu.spr(SPR.SRR0)).toBe(BigInt(START + 20));
    expect(vcpu.spr(SPR.DSISR)).toBe(0x42000000n);
  });

  it('AMR: a key denied and given back takes effect at once', () => {
    const { machine, table } = world([lwz(5, 4), mtspr(SPR.AMR, 9), lwz(6, 4)]);
    const { vcpu } = machine;
    map(table, KERNEL, { ea: KERNEL.ea, raddr: 0x8000n, shift: 12, flags: 0x12n | (5n << 9n) });
    vcpu.slb.write(0, ...slbEntry(KERNEL));
    vcpu.setGpr(4, KERNEL.ea);
    vcpu.setGpr(9, 1n << BigInt(2 * (31 - 5)));
    vcpu.msr |= MSR.DR;
    expect(run(machine)).toBe(0x300);
    expect(vcpu.spr(SPR.DSISR)).toBe(0x00200000n);
    expect(vcpu.spr(SPR.SRR0)).toBe(BigInt(START + 8));
  });
});

describe('what POWER8 lacks', () => {
  const NEW: readonly (readonly [string, number])[] = [
    ['addpcis', ((19 << 26) | (3 << 21) | (2 << 1)) >>> 0],
    ['modud', xForm(3, 4, 5, 265)],
    ['darn', xForm(3, 0, 0, 755)],
    ['cnttzd', xForm(3, 4, 0, 570)],
    ['scv', 0x44000001],
    ['slbsync', xForm(0, 0, 0, 338)],
  ];
  it.each(NEW)('%s → illegal there, an instruction on POWER9', (name, word) => {
    expect(decode(word)?.mnemonic).toBe(name);
    expect(decode(word, '2.07')).toBeUndefined();
    const { machine } = world([word]);
    expect(run(machine)).toBe(0x700);
    expect(machine.vcpu.spr(SPR.SRR1) & 0x783f0000n).toBe(0x00080000n);
  });

  it('a word whose reserved bits ISA 3.0 gave a meaning → what it was before', () => {
    const mffsl = ((63 << 26) | (3 << 21) | (24 << 16) | (583 << 1)) >>> 0;
    expect(decode(mffsl)?.mnemonic).toBe('mffsl');
    expect(decode(mffsl, '2.07')?.mnemonic).toBe('mffs');
  });

  it('the decrementer has 32 bits: no sign where it is read, negative from bit 32 on', () => {
    const { machine } = world([mtspr(SPR.DEC, 3), mfspr(4, SPR.DEC)]);
    machine.vcpu.setGpr(3, 0x1_ffff_ff00n);
    machine.vcpu.msr |= MSR.EE;
    expect(run(machine)).toBe(0x900);
    const quiet = world([mtspr(SPR.DEC, 3), mfspr(4, SPR.DEC)]).machine;
    quiet.vcpu.setGpr(3, 0x1_ffff_ff00n);
    run(quiet);
    expect(quiet.vcpu.gpr(4)).toBe(0xffff_ff00n);
    const large = world([mtspr(SPR.DEC, 3), mfspr(4, SPR.DEC)], POWER9).machine;
    large.vcpu.setGpr(3, -0x100n);
    run(large);
    expect(large.vcpu.gpr(4)).toBe(0xffff_ffff_ffff_ff00n);
  });

  it('XER has neither OV32 nor CA32; ASDR is not there, and on POWER9 the hypervisor’s', () => {
    const words = [mtspr(SPR.XER, 3), mfspr(4, SPR.XER), li(5, 7), mfspr(5, SPR.ASDR)];
    for (const [version, xer] of [
      [POWER8, 0xe0000000n],
      [POWER9, 0xe00c0000n],
    ] as const) {
      const { machine } = world(words, version);
      machine.vcpu.setGpr(3, 0xe00c0000n);
      run(machine);
      expect(machine.vcpu.gpr(4)).toBe(xer);
      // A register that is not there, or not the kernel's, leaves its target alone: Book III §4.4.4.
      expect(machine.vcpu.gpr(5)).toBe(7n);
    }
  });

  it('the same in little-endian order', () => {
    const { machine } = world([xForm(3, 4, 5, 265)], POWER8, 'little');
    machine.vcpu.msr |= MSR.LE;
    expect(run(machine)).toBe(0x700);
  });
});
