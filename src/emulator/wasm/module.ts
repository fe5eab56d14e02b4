/**
 * A WebAssembly module with one imported memory. Source: WebAssembly Core Specification 2.0, §5.5, and §7.4 for its names and
 * those of its functions, which profiles and stacks show.
 */

import { type FunctionBody, VALUE_TYPE_CODES } from './body.ts';
import { Bytes } from './bytes.ts';
import { type Code, type Expr, op, type ValueType } from './expr.ts';

export type Signature = { readonly parameters: readonly ValueType[]; readonly results: readonly ValueType[] };

/** A function that can be called: its index in the module's function space. */
export type FunctionRef = { readonly name: string; readonly index: number; readonly signature: Signature };

export class ModuleBuilder {
  readonly #name: string;
  readonly #types: string[] = [];
  readonly #typeCodes: number[][] = [];
  readonly #imports: { name: string; type: number }[] = [];
  readonly #functions: { name: string; type: number; exported: boolean; body: FunctionBody | undefined }[] =
    [];
  #table: string | undefined;
  #sealedImports = false;

  constructor(name: string) {
    this.#name = name;
  }

  /** Declares a function imported from `env`. All imports come before the first {@link declare}. */
  import(name: string, signature: Signature): FunctionRef {
    if (this.#sealedImports) throw new Error(`import ${name} after a function`);
    this.#imports.push({ name, type: this.#typeOf(signature) });
    return { name, index: this.#imports.length - 1, signature };
  }

  /** Declares the table of functions imported from `env`; {@link callIndirect} calls what is in it. */
  importTable(name: string): void {
    this.#table = name;
  }

  /** A call of the function at an index of the table. */
  callIndirect<T extends ValueType>(
    type: T,
    signature: Signature,
    index: Expr<'i32'>,
    args: readonly Expr[],
  ): Expr<T> {
    const immediate = new Bytes();
    immediate.unsigned(this.#typeOf(signature));
    immediate.byte(0);
    return op(type, 0x11, [...args, index], [...immediate.taken()]);
  }

  /** Reserves a function's index; its body comes with {@link define}. */
  declare(name: string, signature: Signature, exported = false): FunctionRef {
    this.#sealedImports = true;
    this.#functions.push({ name, type: this.#typeOf(signature), exported, body: undefined });
    return { name, index: this.#imports.length + this.#functions.length - 1, signature };
  }

  define(ref: FunctionRef, body: FunctionBody): void {
    const entry = this.#functions[ref.index - this.#imports.length];
    if (entry === undefined || entry.body !== undefined) throw new Error(`cannot define ${ref.name}`);
    entry.body = body;
  }

  /** The module's bytes. `env.memory` is imported with the page count given (64 KiB pages). */
  encode(minimumPages: number): Uint8Array<ArrayBuffer> {
    const out = new Bytes();
    out.raw([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    section(out, 1, this.#typeCodes, (codes, content) => content.raw(codes));
    this.#importSection(out, minimumPages);
    section(out, 3, this.#functions, ({ type }, content) => content.unsigned(type));
    const exported = this.#functions.filter((each) => each.exported);
    section(out, 7, exported, (each, content) => {
      content.text(each.name);
      content.byte(0x00);
      content.unsigned(this.#imports.length + this.#functions.indexOf(each));
    });
    section(out, 10, this.#functions, ({ name, body }, content) => {
      if (body === undefined) throw new Error(`${name} has no body`);
      body.encode(content);
    });
    this.#nameSection(out);
    return out.taken();
  }

  #importSection(out: Bytes, minimumPages: number): void {
    const functions = this.#imports.map(({ name, type }) => ({ name, kind: 0x00, immediates: [type] }));
    const memory = { name: 'memory', kind: 0x02, immediates: [0x00, minimumPages] };
    const table =
      this.#table === undefined ? [] : [{ name: this.#table, kind: 0x01, immediates: [0x70, 0x00, 0] }];
    section(out, 2, [...functions, memory, ...table], ({ name, kind, immediates }, content) => {
      content.text('env');
      content.text(name);
      content.byte(kind);
      for (const value of immediates) content.unsigned(value);
    });
  }

  /** Of the names: subsections 0 and 1, the module's and those of its own functions. */
  #nameSection(out: Bytes): void {
    const content = new Bytes();
    content.text('name');
    const ofModule = new Bytes();
    ofModule.text(this.#name);
    content.byte(0);
    content.vector(ofModule);
    const first = this.#imports.length;
    section(content, 1, [...this.#functions.entries()], ([i, { name }], names) => {
      names.unsigned(first + i);
      names.text(name);
    });
    out.byte(0);
    out.vector(content);
  }

  #typeOf(signature: Signature): number {
    const key = `${signature.parameters.join()}>${signature.results.join()}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const codes = (types: readonly ValueType[]): number[] => [
      types.length,
      ...types.map((each) => VALUE_TYPE_CODES[each]),
    ];
    this.#types.push(key);
    this.#typeCodes.push([0x60, ...codes(signature.parameters), ...codes(signature.results)]);
    return this.#types.length - 1;
  }
}

/** A call with one result. */
export function call<T extends ValueType>(type: T, ref: FunctionRef, args: readonly Expr[]): Expr<T> {
  return op(type, CALL, args, ref.index);
}

/** A call for its effect only. */
export function callVoid(ref: FunctionRef, args: readonly Expr[]): Code {
  return { opcode: CALL, operands: args, immediate: ref.index };
}
const CALL = 0x10;

/** A section that is a vector of items. */
function section<T>(out: Bytes, id: number, items: readonly T[], item: (each: T, out: Bytes) => void): void {
  const content = new Bytes();
  content.unsigned(items.length);
  for (const each of items) item(each, content);
  out.byte(id);
  out.vector(content);
}
