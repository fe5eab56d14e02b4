/** Damage for hostile-input tests, and what such input may do. */

import fc from 'fast-check';
import { FormatError } from '../../src/base/errors.ts';

/** Some changes to a file: bytes set, 32-bit and 64-bit words set to edge values. */
export type Mutation = { readonly at: number; readonly bytes: readonly number[] };

const word32 = fc
  .constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x10000, 0xfffffff0)
  .map((value) => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24]);
const word64 = fc
  .constantFrom(
    [255, 255, 255, 255, 255, 255, 255, 255],
    [0, 0, 0, 0, 0, 0, 0, 128],
    [128, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 32, 0],
    [0, 32, 0, 0, 0, 0, 0, 0],
  )
  .map((bytes) => [...bytes]);

/** One to six changes within the first `reach` bytes. */
export function mutations(reach: number): fc.Arbitrary<Mutation[]> {
  const at = fc.nat(Math.max(0, reach - 1));
  const bytes = fc.oneof(fc.array(fc.nat(255), { minLength: 1, maxLength: 4 }), word32, word64);
  return fc.array(fc.record({ at, bytes }), { minLength: 1, maxLength: 6 });
}

/** A damaged copy. */
export function mutate(file: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  const copy = new Uint8Array(file);
  for (const { at, bytes } of changes)
    copy.set(bytes.slice(0, Math.max(0, copy.length - at)), Math.min(at, copy.length));
  return copy;
}

/** Runs `work`; a FormatError is an answer, anything else thrown is not. */
export function onlyFormatError(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
}

/** The code of the FormatError that `work` throws, or `no error`. Anything else thrown passes through. */
export function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof FormatError) return error.code;
    throw error;
  }
  return 'no error';
}

/** As {@link codeOf}, for promises. */
export async function asyncCodeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof FormatError) return error.code;
    throw error;
  }
  return 'no error';
}
