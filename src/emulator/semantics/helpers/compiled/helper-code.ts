/**
 * The code of a helper whose ordinary cases are compiled. What is not ordinary is left to the helper in TypeScript (float*.ts,
 * vector-float.ts): up to there the compiled code has changed nothing.
 */

import * as fpscr from '../../../cpu/fpscr.ts';
import { FPSCR, HELPER } from '../../../cpu/layout.ts';
import {
  type Expr,
  type F64,
  type FunctionBody,
  type I32,
  i8x16,
  i32,
  i32c,
  load,
  type V128,
  type ValueType,
} from '../../../wasm/index.ts';

/** Emits the ordinary cases. @returns the helper's answer; `argument` is its first */
export type Ordinary = (code: HelperCode, argument: I32) => I32;

/** FPSCR: every enable, and a rounding mode other than to nearest. */
const NOT_PLAIN = fpscr.VE | fpscr.OE | fpscr.UE | fpscr.ZE | fpscr.XE | fpscr.RN;

/** Results from the one to the other are normal singles whatever the rounding. */
export const LEAST_SINGLE: number = 2 ** -125;
export const GREATEST_SINGLE: number = 2 ** 127;

/** Whether all lanes of a mask are true. */
export const all = (mask: V128): I32 => i8x16.allTrue(mask);

/** The label behind which the helper in TypeScript is called. */
export const SLOW = 'slow';

export class HelperCode {
  readonly body: FunctionBody;

  constructor(body: FunctionBody) {
    this.body = body;
  }

  let<T extends ValueType>(value: Expr<T>): Expr<T> {
    return this.body.let(value);
  }

  /** Leaves the case to TypeScript unless the condition holds. */
  needs(condition: I32): void {
    this.body.brIf(SLOW, i32.eqz(condition));
  }
  /** The same for two conditions, of which `rare` is computed only where the other does not hold. */
  needsEither(usual: I32, rare: () => I32): void {
    this.body.if(i32.eqz(usual), () => this.needs(rare()));
  }

  /** FPSCR's low word. */
  status(): I32 {
    return load.i32(i32c(FPSCR));
  }
  /** The same, with no exception enabled and rounding to nearest. */
  plainStatus(): I32 {
    const word = this.let(this.status());
    this.body.brIf(SLOW, i32.and(word, i32c(NOT_PLAIN)));
    return word;
  }
  setStatus(word: I32): void {
    this.body.store32(i32c(FPSCR), word);
  }
  /** The exceptions of a vector instruction: `isInexact` is computed only where XX would change. */
  raiseInexact(status: I32, isInexact: () => I32): void {
    this.body.if(i32.eqz(i32.and(status, i32c(fpscr.XX))), () => {
      this.body.if(isInexact(), () => this.setStatus(i32.or(status, i32c(fpscr.XX | fpscr.FX))));
    });
  }

  double(offset: number): F64 {
    return this.let(load.f64(i32c(HELPER + offset)));
  }
  /** Operand `n` of those that stand 16 bytes apart. */
  vector(n: number): V128 {
    return this.let(load.v128(i32c(HELPER + 16 * n)));
  }
  setVector(value: V128): void {
    this.body.store128(i32c(HELPER), value);
  }
}
