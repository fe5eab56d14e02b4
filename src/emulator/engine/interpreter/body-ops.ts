/** What Ops are the same for, wherever operands come from: code of a function's body, and storage accesses. */

import type { LoadKind, Ops, StoreWidth, Trap, XerBit } from '../../semantics/index.ts';
import {
  type Expr,
  type FunctionBody,
  type I32,
  type I64,
  i32,
  i32c,
  i64,
  i64c,
  type V128,
  type ValueType,
} from '../../wasm/index.ts';
import type { StorageCode } from './storage-code.ts';

type BodyPart =
  | 'let'
  | 'variable'
  | 'if'
  | 'repeatWhile'
  | 'load'
  | 'store'
  | 'loadVector'
  | 'storeVector'
  | 'loadReserve'
  | 'storeConditional'
  | 'zeroBlock'
  | 'trapIf'
  | 'recordCr0';

export abstract class BodyOps implements Pick<Ops, BodyPart> {
  readonly #body: FunctionBody;
  readonly #storage: StorageCode;

  constructor(body: FunctionBody, storage: StorageCode) {
    this.#body = body;
    this.#storage = storage;
  }

  abstract readonly mode64: boolean;
  abstract setCrField(operand: string | number, value: I32): void;
  abstract xer(bit: XerBit): I32;
  abstract trap(trap: Trap): void;

  let<T extends ValueType>(value: Expr<T>): Expr<T> {
    return this.#body.let(value);
  }
  variable<T extends ValueType>(
    initial: Expr<T>,
  ): { readonly get: () => Expr<T>; readonly set: (value: Expr<T>) => void } {
    const local = this.#body.local(initial.type as T);
    this.#body.set(local, initial);
    return { get: () => this.#body.get(local), set: (value) => this.#body.set(local, value) };
  }
  if(condition: I32, then: () => void, otherwise?: () => void): void {
    this.#body.if(condition, then, otherwise);
  }
  repeatWhile(body: () => I32): void {
    this.#body.loop('repeat');
    this.#body.brIf('repeat', body());
    this.#body.end('repeat');
  }

  load(kind: LoadKind, ea: I64, reversed = false): I64 {
    return this.#storage.load(kind, ea, reversed);
  }
  store(width: StoreWidth, ea: I64, value: I64, reversed = false): void {
    this.#storage.store(width, ea, value, reversed);
  }
  loadVector(ea: I64): V128 {
    return this.#storage.loadVector(ea);
  }
  storeVector(ea: I64, value: V128): void {
    this.#storage.storeVector(ea, value);
  }
  loadReserve(kind: 'u8' | 'u16' | 'u32' | 'u64', ea: I64): I64 {
    return this.#storage.loadReserve(kind, ea);
  }
  storeConditional(width: StoreWidth, ea: I64, value: I64): I32 {
    return this.#storage.storeConditional(width, ea, value);
  }
  zeroBlock(ea: I64): void {
    this.#storage.zeroBlock(ea);
  }

  recordCr0(value: I64): void {
    const v = this.let(this.mode64 ? value : i64.extend32(value));
    const order = i32.or(
      i32.shl(i64.ltS(v, i64c(0)), i32c(3)),
      i32.or(i32.shl(i64.gtS(v, i64c(0)), i32c(2)), i32.shl(i64.eqz(v), i32c(1))),
    );
    this.setCrField(0, i32.or(order, this.xer('SO')));
  }
  trapIf(trap: Trap, condition: I32): void {
    this.if(condition, () => this.trap(trap));
  }
}
