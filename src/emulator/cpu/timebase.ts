/** Nanoseconds of the partition's clock to ticks of the timebase, and back. */

import { TIMEBASE_HZ } from '../../base/power.ts';

/** {@link TIMEBASE_HZ} in ticks a microsecond, so that both conversions are exact for integers. */
const TICKS_PER_MICROSECOND = BigInt(TIMEBASE_HZ) / 1_000_000n;
const NS_PER_MICROSECOND = 1000n;

/** The timebase at an instant: the whole ticks that have passed. */
export function timebaseAt(nanoseconds: number): bigint {
  return (BigInt(nanoseconds) * TICKS_PER_MICROSECOND) / NS_PER_MICROSECOND;
}
/** The first nanosecond at which the timebase shows `ticks`. */
export function nanosecondsAt(ticks: bigint): number {
  return Number((ticks * NS_PER_MICROSECOND + TICKS_PER_MICROSECOND - 1n) / TICKS_PER_MICROSECOND);
}
