/** Pages that nothing has written: read as zeros without being made, and seen to change once they are. */

import { describe, expect, it } from 'vitest';
import { BareMachine } from '../../../src/emulator/partition/bare-machine.ts';

const PAGE = 4096;
const ATTN = 0x00000200;
const D_FORM = (opcode: number, rt: number, ra: number, d: number): number =>
  ((opcode << 26) | (rt << 21) | (ra << 16) | (d & 0xffff)) >>> 0;
const ld = (rt: number, ra: number, d: number): number => D_FORM(58, rt, ra, d);
const std = (rs: number, ra: number, d: number): number => D_FORM(62, rs, ra, d);
const addis = (rt: number, ra: number, si: number): number => D_FORM(15, rt, ra, si);
const addi = (rt: number, ra: number, si: number): number => D_FORM(14, rt, ra, si);
const X_FORM = (rt: number, ra: number, rb: number, xo: number, rc = 0): number =>
  ((31 << 26) | (rt << 21) | (ra << 16) | (rb << 11) | (xo << 1) | rc) >>> 0;

function machine(program: readonly number[]): BareMachine {
  const made = new BareMachine({ memory: 0x100000, endian: 'big', processorVersion: 0x4e1200 });
  program.forEach((word, i) => {
    made.ram.writeU32(0x1000 + i * 4, word, false);
  });
  made.vcpu.nia = 0x1000n;
  return made;
}

describe('memory that nothing has written', () => {
  it('is read as zeros and costs nothing', () => {
    // r4 goes over 200 pages; r5 gathers what is read.
    const program = [
      addis(4, 0, 2),
      addi(6, 0, 200),
      X_FORM(6, 9, 0, 467), // mtctr r6 (SPR field swapped: 9)
      ld(7, 4, 0),
      X_FORM(5, 5, 7, 266), // add r5,r5,r7
      addi(4, 4, PAGE),
      0x4200fff4, // bdnz -12
      ATTN,
    ];
    const m = machine(program);
    m.vcpu.setGpr(5, 0n);
    const before = m.ram.resident;
    expect(m.run(10_000)).toBe('attn');
    expect(m.instructions).toBe(3 + 200 * 4);
    expect(m.vcpu.gpr(5)).toBe(0n);
    expect(m.ram.resident).toBe(before);
  });

  it('shows a store after a load of the same page, and one after a load of another', () => {
    const m = machine([
      addis(4, 0, 2),
      ld(7, 4, 8),
      ld(8, 4, PAGE),
      addi(6, 0, 77),
      std(6, 4, 8),
      ld(7, 4, 8),
      ld(8, 4, PAGE),
      std(6, 4, PAGE),
      ld(9, 4, PAGE),
      ATTN,
    ]);
    expect(m.run(100)).toBe('attn');
    expect([7, 8, 9].map((n) => m.vcpu.gpr(n))).toEqual([77n, 0n, 77n]);
  });

  it('shows a device’s write after a load', () => {
    const m = machine([addis(4, 0, 2), ld(7, 4, 8), ATTN, ld(8, 4, 8), ATTN]);
    expect(m.run(100)).toBe('attn');
    m.ram.writeU64(0x20008, 0x1234n, false);
    m.vcpu.nia = 0x100cn;
    expect(m.run(100)).toBe('attn');
    expect([m.vcpu.gpr(7), m.vcpu.gpr(8)]).toEqual([0n, 0x1234n]);
  });

  it('takes a store conditional in a loop', () => {
    const m = machine([
      addis(4, 0, 2),
      X_FORM(7, 0, 4, 84), // ldarx r7,0,r4
      addi(7, 7, 1),
      X_FORM(7, 0, 4, 214, 1), // stdcx. r7,0,r4
      0x4082fff4, // bne- -12
      ATTN,
    ]);
    expect(m.run(100)).toBe('attn');
    expect(m.ram.readU64(0x20000, false)).toBe(1n);
  });

  it('reads zeros across the border of two such pages', () => {
    const m = machine([addis(4, 0, 2), ld(7, 4, PAGE - 4), ATTN]);
    m.vcpu.setGpr(7, 5n);
    expect(m.run(100)).toBe('attn');
    expect(m.vcpu.gpr(7)).toBe(0n);
  });
});
