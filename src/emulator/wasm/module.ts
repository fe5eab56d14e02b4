/**
 * A WebAssembly module with one imported memory. Source: WebAssembly Core Specification 2.0, §5.5, and §7.4 for its names and
 * those of its functions, which profiles and stacks show.
 */

import { type FunctionBody, VALUE_TYPE_CODES } from './body.ts';
import type { Expr, ValueType } from './expr.ts';
import { unsignedLeb } from './leb128.ts';

export type Signature = { readonly parameters: readonly ValueType[]; readonly results: readonly ValueType[] };

/** A function that can be called: its index in the module's function space. */
export type FunctionRef = { readonly name: string; readonly index: number; readonly signature: Signature };

const UTF_8 = new TextEncoder();

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
    const code = [...args.flatMap((each) => each.code), ...index.code];
    return { type, code: [...code, 0x11, ...unsignedLeb(this.#typeOf(signature)), 0] };
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
    const out: number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
    section(out, 1, vector(this.#typeCodes));
    const imports = this.#imports.map((each) => [
      ...text('env'),
      ...text(each.name),
      0x00,
      ...unsignedLeb(each.type),
    ]);
    imports.push([...text('env'), ...text('memory'), 0x02, 0x00, ...unsignedLeb(minimumPages)]);
    if (this.#table !== undefined) imports.push([...text('env'), ...text(this.#table), 0x01, 0x70, 0x00, 0]);
    section(out, 2, vector(imports));
    section(out, 3, vector(this.#functions.map((each) => unsignedLeb(each.type))));
    const exported = this.#functions.flatMap((each, i) =>
      each.exported ? [[...text(each.name), 0x00, ...unsignedLeb(this.#imports.length + i)]] : [],
    );
    section(out, 7, vector(exported));
    section(
      out,
      10,
      vector(
        this.#functions.map((each) => {
          if (each.body === undefined) throw new Error(`${each.name} has no body`);
          return each.body.encode();
        }),
      ),
    );
    section(out, 0, [...text('name'), ...this.#names()]);
    return Uint8Array.from(out);
  }

  /** Subsections 0 and 1: the module's name, and those of its own functions. */
  #names(): number[] {
    const out: number[] = [];
    section(out, 0, text(this.#name));
    const first = this.#imports.length;
    section(out, 1, vector(this.#functions.map(({ name }, i) => [...unsignedLeb(first + i), ...text(name)])));
    return out;
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
  return { type, code: [...args.flatMap((each) => each.code), 0x10, ...unsignedLeb(ref.index)] };
}

/** A call for its effect only. */
export function callVoid(ref: FunctionRef, args: readonly Expr[]): number[] {
  return [...args.flatMap((each) => each.code), 0x10, ...unsignedLeb(ref.index)];
}

function text(value: string): number[] {
  const bytes = UTF_8.encode(value);
  return [...unsignedLeb(bytes.length), ...bytes];
}

function vector(items: readonly (readonly number[])[]): number[] {
  const out = unsignedLeb(items.length);
  for (const item of items) for (const byte of item) out.push(byte);
  return out;
}

function section(out: number[], id: number, content: readonly number[]): void {
  out.push(id, ...unsignedLeb(content.length));
  for (const byte of content) out.push(byte);
}
