/** The clock as a processor shows it: 512 MHz, as of POWER8 and POWER9. */

/** Nanoseconds to ticks of the timebase, exactly for integers. */
export function timebaseAt(nanoseconds: number): bigint {
  return (BigInt(nanoseconds) * 512n) / 1000n;
}
/** The first nanosecond at which the timebase shows `ticks`. */
export function nanosecondsAt(ticks: bigint): number {
  return Number((ticks * 1000n + 511n) / 512n);
}
