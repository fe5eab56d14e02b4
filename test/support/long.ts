/**
 * Long tests run only with KDUMPD_LONG=1: hours of crashes, millions of random instructions. Every long test has a
 * short sibling that runs always.
 */

import { describe, it } from 'vitest';

/** Whether long tests were asked for. */
export const runsLong: boolean = process.env.KDUMPD_LONG === '1';

/** `describe` for a group of long tests. */
export const describeLong: typeof describe = (runsLong ? describe : describe.skip) as typeof describe;

/** `it` for one long test. */
export const itLong: typeof it = (runsLong ? it : it.skip) as typeof it;

/** A count that is `long` with KDUMPD_LONG=1 and `short` otherwise. */
export function longOr(long: number, short: number): number {
  return runsLong ? long : short;
}
