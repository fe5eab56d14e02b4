/**
 * The time-of-day clock: a start date and the partition's clock.
 * Source: QEMU 7.2 hw/ppc/spapr_rtc.c (UTC, nanoseconds).
 * Left out: set-time-for-power-on, leap seconds.
 */

import type { Clock } from './contract.ts';

/** The date on which a partition starts by default: 2024-01-01T00:00:00Z, in ms since 1970. */
export const DEFAULT_START_DATE_MS: number = Date.UTC(2024, 0, 1);

export type TimeOfDay = {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
};

export class Rtc {
  readonly #clock: Clock;
  /** Nanoseconds since 1970 at power-on: past 2^53, hence bigint. */
  #epochNs: bigint;

  /** @param startMs The date at power-on in ms since 1970. */
  constructor(clock: Clock, startMs: number = DEFAULT_START_DATE_MS) {
    this.#clock = clock;
    this.#epochNs = BigInt(startMs) * 1_000_000n;
  }

  get(): TimeOfDay {
    const ns = this.#epochNs + BigInt(this.#clock.now());
    const date = new Date(Number(ns / 1_000_000n));
    return {
      year: date.getUTCFullYear(),
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
      second: date.getUTCSeconds(),
      nanosecond: Number(ns % 1_000_000_000n),
    };
  }

  /** @returns false, changing nothing, when there is no such date from 1970 to 9999. */
  set(time: TimeOfDay): boolean {
    const { year, month, day, hour, minute, second, nanosecond } = time;
    if (year < 1970 || year > 9999 || nanosecond >= 1_000_000_000) return false;
    const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
    // A field out of range carries into the next: the date then reads back as another.
    const same =
      date.getUTCFullYear() === year &&
      date.getUTCMonth() === month - 1 &&
      date.getUTCDate() === day &&
      date.getUTCHours() === hour &&
      date.getUTCMinutes() === minute &&
      date.getUTCSeconds() === second;
    if (!same) return false;
    this.#epochNs = BigInt(date.getTime()) * 1_000_000n + BigInt(nanosecond) - BigInt(this.#clock.now());
    return true;
  }
}
