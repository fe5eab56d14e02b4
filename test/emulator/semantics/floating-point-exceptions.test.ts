/**
 * Enabled floating-point exceptions, which QEMU's user mode cannot show: results kept, scaled or written, FPSCR, and the
 * program interrupt. Power ISA 3.0B, Book I §4.4 and §7.4; Book III §6.5.9. Expected values are worked out by hand.
 */

import { describe, expect, it } from 'vitest';
import { MSR } from '../../../src/base/power.ts';
import { FPSCR, vsrOffset } from '../../../src/emulator/cpu/layout.ts';
import { SPR } from '../../../src/emulator/cpu/spr.ts';
import { BareMachine } from '../../../src/emulator/partition/bare-machine.ts';

const ATTN = 0x200;
const START = 0x1000;
const PROGRAM_INTERRUPT = 0x700n;
const FP_ENABLED = 0x100000n;

/** FPSCR bits. */
const [FX, FEX, VX, OX, UX, ZX, XX] = [
  0x80000000n,
  0x40000000n,
  0x20000000n,
  0x10000000n,
  0x8000000n,
  0x4000000n,
  0x2000000n,
];
const [VXSNAN, VXISI, VXZDZ, FR, FI] = [0x1000000n, 0x800000n, 0x200000n, 0x40000n, 0x20000n];
const [VE, OE, UE, ZE, XE] = [0x80n, 0x40n, 0x20n, 0x10n, 0x08n];
const FPRF_NORMAL = 0x4000n;
const FPRF_INFINITY = 0x5000n;
const QNAN_CLASS = 0x11000n;

/** f3 ← f1 op f2, and their VSX forms. */
const FADD = 0xfc61102a;
const FADDS = 0xec61102a;
const FDIV = 0xfc611024;
const FDIV_RECORD = 0xfc611025;
const FMUL = 0xfc6100b2;
const XVDIVDP = 0xf06113c0;
const XVADDSP = 0xf0611200;
/** fcmpo cr3,f1,f2; mtfsb1 7 (VXSNAN); mtfsb1 24 (VE). */
const FCMPO = 0xfd811040;
const MTFSB1_VXSNAN = 0xfce0004c;
const MTFSB1_VE = 0xff00004c;

const ONE = 0x3ff0000000000000n;
const INFINITY = 0x7ff0000000000000n;
const SNAN = 0x7ff4000000000000n;
const OLD = 0x1234567812345678n;

type Options = { readonly a?: bigint; readonly b?: bigint; readonly fpscr?: bigint; readonly mode?: bigint };

/** Runs words with f1 = a, f2 = b, f3 = OLD. Both the code's end and the interrupt vector hold `attn`. */
function run(words: readonly number[], { a = 0n, b = 0n, fpscr = 0n, mode = MSR.FE0 | MSR.FE1 }: Options) {
  const machine = new BareMachine({ memory: 0x20000, endian: 'big', processorVersion: 0x4e1200 });
  const { vcpu, ram } = machine;
  [...words, ATTN].forEach((word, i) => {
    ram.writeU32(START + 4 * i, word, false);
  });
  ram.writeU32(Number(PROGRAM_INTERRUPT), ATTN, false);
  vcpu.nia = BigInt(START);
  vcpu.msr |= MSR.FP | MSR.VEC | MSR.VSX | mode;
  [a, b, OLD].forEach((value, i) => {
    vcpu.set64(vsrOffset(i + 1) + 8, value);
    vcpu.set64(vsrOffset(i + 1), value);
  });
  vcpu.set64(FPSCR, fpscr);
  expect(machine.run(100)).toBe('attn');
  return {
    interrupted: vcpu.nia === PROGRAM_INTERRUPT,
    returnTo: vcpu.spr(SPR.SRR0),
    status: vcpu.spr(SPR.SRR1) & 0x783f0000n,
    result: vcpu.get64(vsrOffset(3) + 8),
    second: vcpu.get64(vsrOffset(3)),
    fpscr: vcpu.get64(FPSCR),
    cr: vcpu.cr >>> 0,
  };
}

describe('enabled floating-point exceptions', () => {
  it('fdiv: 0 / 0 with VE → the target stays, VXZDZ, an interrupt at the instruction', () => {
    const after = run([FDIV], { fpscr: VE });
    expect(after).toMatchObject({
      interrupted: true,
      returnTo: BigInt(START),
      status: FP_ENABLED,
      result: OLD,
    });
    expect(after.fpscr).toBe(FX | FEX | VX | VXZDZ | VE);
  });

  it('fdiv: 0 / 0 with VE and FE0 = FE1 = 0 → the same without the interrupt', () => {
    const after = run([FDIV], { fpscr: VE, mode: 0n });
    expect(after).toMatchObject({ interrupted: false, result: OLD });
    expect(after.fpscr).toBe(FX | FEX | VX | VXZDZ | VE);
  });

  it('fdiv: 0 / 0 without VE → the default NaN and its class', () => {
    const after = run([FDIV], {});
    expect(after).toMatchObject({ interrupted: false, result: 0x7ff8000000000000n });
    expect(after.fpscr).toBe(FX | VX | VXZDZ | QNAN_CLASS);
  });

  it('fdiv.: 1 / 0 with ZE → the target stays, ZX, CR1 = FX FEX', () => {
    const after = run([FDIV_RECORD], { a: ONE, fpscr: ZE });
    expect(after).toMatchObject({ interrupted: true, result: OLD });
    expect(after.fpscr).toBe(FX | FEX | ZX | ZE);
    expect((after.cr >>> 24) & 15).toBe(0xc);
  });

  it('fmul: overflow with OE → the exponent less 1536, no inexact for an exact product', () => {
    const after = run([FMUL], { a: 0x7fe0000000000000n, b: 0x4010000000000000n, fpscr: OE });
    // 2^1023 × 4 = 2^1025; 2^(1025 − 1536) = 2^-511.
    expect(after).toMatchObject({ interrupted: true, result: 0x2000000000000000n });
    expect(after.fpscr).toBe(FX | FEX | OX | FPRF_NORMAL | OE);
  });

  it('fmul: overflow without OE → infinity, OX, XX and FI', () => {
    const after = run([FMUL], { a: 0x7fe0000000000000n, b: 0x4010000000000000n });
    expect(after).toMatchObject({ interrupted: false, result: INFINITY });
    expect(after.fpscr & ~FR).toBe(FX | OX | XX | FI | FPRF_INFINITY);
  });

  it('fmul: a tiny exact product with UE → the exponent plus 1536 and UX', () => {
    const after = run([FMUL], { a: 0x0010000000000000n, b: 0x3fe0000000000000n, fpscr: UE });
    // 2^-1022 / 2 = 2^-1023; 2^(-1023 + 1536) = 2^513.
    expect(after).toMatchObject({ interrupted: true, result: 0x6000000000000000n });
    expect(after.fpscr).toBe(FX | FEX | UX | FPRF_NORMAL | UE);
  });

  it('fmul: the same without UE → a denormal number, and no exception because it is exact', () => {
    const after = run([FMUL], { a: 0x0010000000000000n, b: 0x3fe0000000000000n });
    expect(after).toMatchObject({ interrupted: false, result: 0x0008000000000000n });
    expect(after.fpscr).toBe(0x14000n);
  });

  it('fadds: overflow of a single with OE → the exponent less 192', () => {
    const largest = 0x47efffffe0000000n; // the largest single
    const after = run([FADDS], { a: largest, b: largest, fpscr: OE });
    // The sum is exact: 2 × the largest; its exponent 128 − 192 = −64.
    expect(after).toMatchObject({ interrupted: true, result: 0x3bffffffe0000000n });
    expect(after.fpscr).toBe(FX | FEX | OX | FPRF_NORMAL | OE);
  });

  it('fadd: inexact with XE → the target is written before the interrupt', () => {
    const after = run([FADD], { a: ONE, b: 0x3c90000000000000n, fpscr: XE }); // 1 + 2^-54
    expect(after).toMatchObject({ interrupted: true, result: ONE });
    expect(after.fpscr).toBe(FX | FEX | XX | FI | FPRF_NORMAL | XE);
  });

  it('fadd: rounding up an inexact sum → FR', () => {
    const after = run([FADD], { a: ONE, b: 0x3ca8000000000000n }); // 1 + 3 × 2^-54
    expect(after.result).toBe(ONE + 1n);
    expect(after.fpscr).toBe(FX | XX | FR | FI | FPRF_NORMAL);
  });

  it('fadd: ∞ − ∞ after FX was cleared and VXISI was not → FX stays clear', () => {
    const after = run([FADD], { a: INFINITY, b: INFINITY | (1n << 63n), fpscr: VX | VXISI });
    expect(after.fpscr).toBe(VX | VXISI | QNAN_CLASS);
  });

  it('fcmpo: a signaling NaN with VE → VXSNAN without VXVC, CR and FPCC written, an interrupt', () => {
    const after = run([FCMPO], { a: SNAN, b: ONE, fpscr: VE });
    expect(after.interrupted).toBe(true);
    expect((after.cr >>> 16) & 15).toBe(1);
    expect(after.fpscr).toBe(FX | FEX | VX | VXSNAN | 0x1000n | VE);
  });

  it('mtfsb1: an exception bit → FX too; then its enable → an interrupt', () => {
    const after = run([MTFSB1_VXSNAN, MTFSB1_VE], {});
    expect(after).toMatchObject({ interrupted: true, returnTo: BigInt(START + 4) });
    expect(after.fpscr).toBe(FX | FEX | VX | VXSNAN | VE);
  });

  it('xvdivdp: one element divides by zero with ZE → neither element is written, FR, FI and FPRF stay', () => {
    const after = run([XVDIVDP], { a: ONE, fpscr: ZE | FI | FPRF_NORMAL });
    expect(after).toMatchObject({ interrupted: true, result: OLD, second: OLD });
    expect(after.fpscr).toBe(FX | FEX | ZX | FI | FPRF_NORMAL | ZE);
  });

  it('xvaddsp: an inexact element with XE → nothing is written, unlike a scalar', () => {
    const ones = 0x3f8000003f800000n;
    const small = 0x3180000031800000n;
    expect(run([XVADDSP], { a: ones, b: small, fpscr: XE })).toMatchObject({
      interrupted: true,
      result: OLD,
    });
    expect(run([XVADDSP], { a: ones, b: small })).toMatchObject({ interrupted: false, result: ones });
  });
});
