/** Effective addresses of storage operands, in the two ways that encodings give them: Power ISA 3.0B, Book I §1.10.3. */

import { type I64, i64 } from '../../wasm/index.ts';
import type { Ops } from './ops.ts';

/** Emits an address; in 32-bit mode the access itself takes its low half. */
export type Address = (o: Ops) => I64;

/** D-, DS- and DQ-form: EA ← (ra) + d. */
export function displaced(ra: string, d: string): Address {
  return (o) => i64.add(o.gpr(ra), o.imm64(d));
}

/** X-form: EA ← (ra) + (RB). */
export function indexed(ra: string): Address {
  return (o) => i64.add(o.gpr(ra), o.gpr('RB'));
}
