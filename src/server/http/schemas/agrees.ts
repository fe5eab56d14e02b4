/** Shapes that a type names elsewhere are held to it at compile time, so that neither can move alone. */

import type { Static, TSchema } from 'typebox';

type DeepReadonly<T> = T extends readonly (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;
/** `true satisfies Agrees<…>` fails to compile when a schema and its named type part. */
export type Agrees<Named, S extends TSchema> = [Named] extends [DeepReadonly<Static<S>>]
  ? [DeepReadonly<Static<S>>] extends [Named]
    ? true
    : false
  : false;
