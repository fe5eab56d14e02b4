/** Makes objects without undefined values: under `exactOptionalPropertyTypes` an absent property is not an undefined one. */

/** Properties that may be undefined become optional; the others stay as they are. */
export type Defined<T> = {
  readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
} & { readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K] };

/** A copy of `values` without the properties that are undefined; the order of the others stays. */
export function defined<const T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
