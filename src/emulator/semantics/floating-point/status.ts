/**
 * The floating-point status and control register's own instructions: Power ISA 3.0B, Book I §4.6.10; and CR1.
 *
 *     mffs        FRT ← FPSCR
 *     mffsce      FRT ← FPSCR; enables ← 0
 *     mffscrn     FRT ← DRN, enables, NI, RN; RN ← (FRB); mffscrni: RN ← RM
 *     mffscdrn    FRT ← DRN, enables, NI, RN; DRN ← (FRB); mffscdrni: DRN ← DRM
 *     mffsl       FRT ← the same, and FR, FI, FPRF
 *     mcrfs       CR field BF ← FPSCR field BFA; its exception bits ← 0
 *     mtfsfi      FPSCR field BF ← U
 *     mtfsf       the FPSCR fields that FLM names, or all, ← those of (FRB)
 *     mtfsb0 mtfsb1  FPSCR[BT] ← 0, 1; an exception bit that becomes 1 sets FX
 *
 * VX and FEX always follow from the other bits. Record forms: CR1 ← FX ‖ FEX ‖ VX ‖ OX.
 */

import { MSR } from '../../../base/power.ts';
import * as fpscr from '../../cpu/fpscr.ts';
import * as layout from '../../cpu/layout.ts';
import { type I32, type I64, i32, i32c, i64, i64c } from '../../wasm/index.ts';
import type { Ops, Semantics } from '../ops/ops.ts';

const low = (o: Ops): I32 => o.state32(layout.FPSCR);

/** CR1 in record forms: FX, FEX, VX, OX. */
export function recordCr1(o: Ops): void {
  if (o.record) o.setCrField(1, i32.shrU(low(o), i32c(28)));
}

/** The interrupt for an enabled exception, in any of the modes but "ignore". The last thing that an instruction does. */
export function trapEnabled(o: Ops): void {
  const summary = i32.and(low(o), i32c(fpscr.FEX));
  const mode = i32.wrap(i64.and(o.state64(layout.MSR), i64c(MSR.FE0 | MSR.FE1)));
  o.if(summary, () => o.trapIf('fpEnabled', mode));
}

/** Stores FPSCR with VX and FEX computed from the rest. */
function store(o: Ops, value: I64): void {
  const raw = o.let(i64.and(value, i64c(fpscr.WRITABLE)));
  const word = o.let(i32.wrap(raw));
  const invalid = i32.ne(i32.and(word, i32c(fpscr.VX_ALL)), i32c(0));
  const withVx = o.let(i32.or(word, i32.select(i32c(fpscr.VX), i32c(0), invalid)));
  const enables = fpscr.VE | fpscr.OE | fpscr.UE | fpscr.ZE | fpscr.XE;
  const enabled = i32.and(i32.and(i32.shrU(withVx, i32c(fpscr.ENABLE_DISTANCE)), withVx), i32c(enables));
  const summary = i32.select(i32c(fpscr.FEX), i32c(0), i32.ne(enabled, i32c(0)));
  o.setState64(layout.FPSCR, i64.or(raw, i64.extendU(i32.or(withVx, summary))));
}

const notBits = (mask: I64): I64 => i64.xor(mask, i64c(-1n));

/** Moves from `value` where `mask` has ones. */
function replace(o: Ops, mask: I64, value: I64): void {
  const chosen = o.let(mask);
  store(o, i64.or(i64.and(o.state64(layout.FPSCR), notBits(chosen)), i64.and(value, chosen)));
}

const ENABLES = BigInt(fpscr.VE | fpscr.OE | fpscr.UE | fpscr.ZE | fpscr.XE);
const CONTROL = fpscr.DRN | ENABLES | BigInt(fpscr.NI | fpscr.RN);

/** mffs and its kin: part of FPSCR to FRT, then a change. */
function moveFrom(visible: bigint, change?: (o: Ops) => void): Semantics {
  return (o) => {
    // The new mode may come from the register that receives the old one.
    const old = o.let(i64.and(o.state64(layout.FPSCR), i64c(visible)));
    change?.(o);
    o.setFpr('FRT', old);
    recordCr1(o);
  };
}
const ALL = (1n << 64n) - 1n;
const RN = BigInt(fpscr.RN);
const DRN_SHIFT = 32;

function moveToBit(set: boolean): Semantics {
  return (o) => {
    const bit = o.let(i64.shl(i64c(1), o.imm64('FBIT')));
    const old = o.let(o.state64(layout.FPSCR));
    if (set) {
      // An exception bit that changes to 1 raises FX as the exception itself would.
      const raised = i64.and(i64.and(bit, notBits(old)), i64c(fpscr.EXCEPTIONS));
      const fx = i64.select(i64c(0), i64c(fpscr.FX), i64.eqz(raised));
      store(o, i64.or(i64.or(old, bit), fx));
    } else store(o, i64.and(old, notBits(bit)));
    recordCr1(o);
    trapEnabled(o);
  };
}

// biome-ignore format: related entries share a line
export const FLOATING_POINT_STATUS: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ['mffs', moveFrom(ALL)],
  ['mffsce', moveFrom(ALL, (o) => replace(o, i64c(ENABLES), i64c(0)))],
  ['mffscrn', moveFrom(CONTROL, (o) => replace(o, i64c(RN), o.fpr('FRB')))],
  ['mffscrni', moveFrom(CONTROL, (o) => replace(o, i64c(RN), o.imm64('RM2')))],
  ['mffscdrn', moveFrom(CONTROL, (o) => replace(o, i64c(fpscr.DRN), o.fpr('FRB')))],
  ['mffscdrni', moveFrom(CONTROL, (o) => replace(o, i64c(fpscr.DRN), i64.shl(o.imm64('DRM'), i64c(DRN_SHIFT))))],
  ['mffsl', moveFrom(CONTROL | BigInt(fpscr.FR | fpscr.FI | fpscr.FPRF))],
  ['mcrfs', (o) => {
    const field = o.let(i64.shl(i64c(15), o.imm64('FSHIFT')));
    o.setCrField('BF', i32.and(i32.shrU(low(o), o.imm('FSHIFT')), i32c(15)));
    const clears = BigInt(fpscr.EXCEPTIONS) | BigInt(fpscr.FX);
    store(o, i64.and(o.state64(layout.FPSCR), notBits(i64.and(field, i64c(clears)))));
  }],
  ['mtfsfi', (o) => {
    const value = i64.shl(o.imm64('FIVALUE'), i64.shl(i64.sub(i64c(15), o.imm64('FIFIELD')), i64c(2)));
    replace(o, o.imm64('FIMASK'), value);
    recordCr1(o);
    trapEnabled(o);
  }],
  ['mtfsf', (o) => {
    replace(o, o.imm64('FLMMASK'), o.fpr('FRB'));
    recordCr1(o);
    trapEnabled(o);
  }],
  ['mtfsb0', moveToBit(false)],
  ['mtfsb1', moveToBit(true)],
]);
