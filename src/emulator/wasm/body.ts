/**
 * A function body under construction: locals, statements and named labels.
 * Labels are names here and relative depths in the output, so that code can be moved between nestings.
 */

import { Bytes } from './bytes.ts';
import {
  type Code,
  type Expr,
  type I32,
  type I64,
  localGet,
  type V128,
  type ValueType,
  write,
} from './expr.ts';

export const VALUE_TYPE_CODES: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

/** A local variable or parameter. */
export type Local<T extends ValueType = ValueType> = { readonly type: T; readonly index: number };

const EMPTY_BLOCK = 0x40;

export class FunctionBody {
  #code: Bytes;
  readonly #locals: ValueType[] = [];
  readonly #labels: string[] = [];
  /** Of each label in scope its places in {@link #labels}, the innermost last: the interpreter's main function has hundreds. */
  readonly #places = new Map<string, number[]>();
  readonly #parameterCount: number;
  #spare: Map<ValueType, number[]> | undefined;
  #taken: Local[] | undefined;

  /** @param expectedBytes of its code, about */
  constructor(parameterCount: number, expectedBytes?: number) {
    this.#parameterCount = parameterCount;
    this.#code = new Bytes(expectedBytes);
  }

  local<T extends ValueType>(type: T): Local<T> {
    const reused = this.#spare?.get(type)?.pop();
    const index = reused ?? this.#parameterCount + this.#locals.push(type) - 1;
    this.#taken?.push({ type, index });
    return { type, index };
  }

  /** A local that is not released with the temporaries. */
  lasting<T extends ValueType>(type: T): Local<T> {
    return { type, index: this.#parameterCount + this.#locals.push(type) - 1 };
  }

  /** Code in front of all that there is so far, for what is known last. No label is in its scope. */
  prepend(emit: () => void): void {
    const rest = this.#code;
    this.#code = new Bytes(rest.length + 1024);
    emit();
    this.#code.append(rest);
  }

  /** Locals made while `emit` runs may be used again afterwards. They start with whatever they held. */
  releaseTemporaries(emit: () => void): void {
    this.#spare ??= new Map();
    this.#taken = [];
    emit();
    for (const { type, index } of this.#taken) {
      const pool = this.#spare.get(type);
      if (pool === undefined) this.#spare.set(type, [index]);
      else pool.push(index);
    }
    this.#taken = undefined;
  }

  get<T extends ValueType>(local: Local<T>): Expr<T> {
    return localGet(local.type, local.index);
  }

  set<T extends ValueType>(local: Local<T>, value: Expr<T>): void {
    write(value, this.#code);
    this.#code.byte(0x21);
    this.#code.unsigned(local.index);
  }

  /** Evaluates once into a new local; the result may be used any number of times. */
  let<T extends ValueType>(value: Expr<T>): Expr<T> {
    const local = this.local(value.type);
    this.set(local, value);
    return this.get(local);
  }

  /** Runs code for its effect. */
  effect(code: Code): void {
    write(code, this.#code);
  }

  drop(value: Expr): void {
    write(value, this.#code);
    this.#code.byte(0x1a);
  }

  store8(address: I32, value: I32, offset = 0): void {
    this.#store(0x3a, address, value, offset);
  }
  store16(address: I32, value: I32, offset = 0): void {
    this.#store(0x3b, address, value, offset);
  }
  store32(address: I32, value: I32, offset = 0): void {
    this.#store(0x36, address, value, offset);
  }
  store64(address: I32, value: I64, offset = 0): void {
    this.#store(0x37, address, value, offset);
  }
  store128(address: I32, value: V128, offset = 0): void {
    this.#store(0xfd000b, address, value, offset);
  }

  block(label: string): void {
    this.#open(label, 0x02);
  }
  loop(label: string): void {
    this.#open(label, 0x03);
  }
  if(condition: I32, then: () => void, otherwise?: () => void): void {
    write(condition, this.#code);
    this.#open('', 0x04);
    then();
    if (otherwise !== undefined) {
      this.#code.byte(0x05);
      otherwise();
    }
    this.end();
  }
  /** Closes the innermost block, loop or if. @param expected its label, where the caller says what it closes */
  end(expected?: string): void {
    const label = this.#labels.pop();
    if (expected !== undefined && label !== expected)
      throw new Error(`closes ${expected}, but ${label} is open`);
    if (label !== undefined) this.#places.get(label)?.pop();
    this.#code.byte(0x0b);
  }

  br(label: string): void {
    this.#code.byte(0x0c);
    this.#code.unsigned(this.#depth(label));
  }
  brIf(label: string, condition: I32): void {
    write(condition, this.#code);
    this.#code.byte(0x0d);
    this.#code.unsigned(this.#depth(label));
  }
  /** Jumps to `labels[index]`, or to `fallback` past their end. */
  brTable(index: I32, labels: readonly string[], fallback: string): void {
    write(index, this.#code);
    this.#code.byte(0x0e);
    this.#code.unsigned(labels.length);
    for (const label of labels) this.#code.unsigned(this.#depth(label));
    this.#code.unsigned(this.#depth(fallback));
  }
  /** Says that no path leads here. */
  unreachable(): void {
    this.#code.byte(0x00);
  }
  return(value: Expr): void {
    write(value, this.#code);
    this.#code.byte(0x0f);
  }

  /** Writes the code entry of the binary format: size, locals, code. */
  encode(out: Bytes): void {
    const groups = new Bytes();
    let groupCount = 0;
    for (let start = 0; start < this.#locals.length; ) {
      const type = this.#locals[start] as ValueType;
      let end = start;
      while (end < this.#locals.length && this.#locals[end] === type) end++;
      groups.unsigned(end - start);
      groups.byte(VALUE_TYPE_CODES[type]);
      groupCount++;
      start = end;
    }
    const head = new Bytes();
    head.unsigned(groupCount);
    head.append(groups);
    out.unsigned(head.length + this.#code.length + 1);
    out.append(head);
    out.append(this.#code);
    out.byte(0x0b);
  }

  #store(opcode: number, address: I32, value: Expr, offset: number): void {
    write({ opcode, operands: [address, value], immediate: offset }, this.#code);
  }

  #open(label: string, opcode: number): void {
    const places = this.#places.get(label);
    if (places === undefined) this.#places.set(label, [this.#labels.length]);
    else places.push(this.#labels.length);
    this.#labels.push(label);
    this.#code.byte(opcode);
    this.#code.byte(EMPTY_BLOCK);
  }

  #depth(label: string): number {
    const at = this.#places.get(label)?.at(-1);
    if (at === undefined) throw new Error(`no label ${label} in scope`);
    return this.#labels.length - 1 - at;
  }
}
