/**
 * The module of helpers: each as a function of WebAssembly, `helper_NAME`, for compiled code to call without passing through
 * JavaScript. Where the ordinary cases of one are compiled, it does those; everything else it leaves to the helper of the same
 * name in TypeScript, which it imports.
 */

import { assert } from '../../../../base/errors.ts';
import {
  call,
  FunctionBody,
  type FunctionRef,
  localGet,
  ModuleBuilder,
  type ValueType,
} from '../../../wasm/index.ts';
import { HELPERS } from '../index.ts';
import { HelperCode, type Ordinary, SLOW } from './helper-code.ts';
import { SCALAR_HELPERS } from './scalar.ts';
import { VECTOR_HELPERS } from './vector.ts';
import { VECTOR_CONVERT_HELPERS } from './vector-convert.ts';
import { VECTOR_FACILITY_HELPERS } from './vector-facility.ts';

/** The helpers whose ordinary cases are compiled. */
export const COMPILED: ReadonlyMap<string, Ordinary> = new Map([
  ...SCALAR_HELPERS,
  ...VECTOR_HELPERS,
  ...VECTOR_CONVERT_HELPERS,
  ...VECTOR_FACILITY_HELPERS,
]);

/** The name of a helper's function, imported and exported. */
export function helperFunction(name: string): string {
  return `helper_${name}`;
}

export type HelperSignature = {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ['i32'];
};
/** What a helper's function takes and answers. */
export function helperSignature(name: string): HelperSignature {
  const helper = HELPERS.get(name);
  assert(helper !== undefined, `there is a helper ${name}`);
  return { parameters: new Array<'i32'>(helper.arity).fill('i32'), results: ['i32'] };
}

/** The module's bytes. */
export function buildHelpers(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder('helpers');
  const names = [...HELPERS.keys()];
  const inTypeScript = names.map((name) => module.import(helperFunction(name), helperSignature(name)));
  names.forEach((name, i) => {
    const ref = module.declare(helperFunction(name), helperSignature(name), true);
    module.define(ref, helperBody(COMPILED.get(name), inTypeScript[i] as FunctionRef));
  });
  return module.encode(1);
}

function helperBody(ordinary: Ordinary | undefined, inTypeScript: FunctionRef): FunctionBody {
  const count = inTypeScript.signature.parameters.length;
  const body = new FunctionBody(count);
  if (ordinary !== undefined) {
    body.block(SLOW);
    body.return(ordinary(new HelperCode(body), localGet('i32', 0)));
    body.end(SLOW);
  }
  const parameters = Array.from({ length: count }, (_, i) => localGet('i32', i));
  body.effect(call('i32', inTypeScript, parameters));
  return body;
}
