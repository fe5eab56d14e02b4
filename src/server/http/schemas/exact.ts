/**
 * Checks at compile time that a schema and the type that it describes are equal: a call of {@link exactly} does not compile
 * where they differ in a field, in whether a field may be absent, in a literal or in a member of a union. `readonly` does not
 * count: schemas cannot express it.
 */

import { type Static, type TSchema, type TUnsafe, Type } from 'typebox';

/** A type without `readonly`, and with intersections made one object, so that equal shapes are identical types. */
type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Plain<T[Key]> }
    : T;

/** Whether two types are identical. Assignable in both directions is not enough: optional fields would pass. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** The schema itself where it describes `Named` exactly; else a type that no schema has. */
type Describing<Named, Schema extends TSchema> =
  Same<Plain<Named>, Plain<Static<Schema>>> extends true ? Schema : { readonly doesNotDescribe: Named };

/** `exactly<Named>()(schema)`: the schema, which must describe `Named` and nothing else, with that type. */
export function exactly<Named>(): <Schema extends TSchema>(
  schema: Schema & Describing<Named, Schema>,
) => TUnsafe<Named> {
  return (schema) => Type.Unsafe<Named>(schema);
}
