/** Counts an allowance (contract/limits.ts) down and refills it with the guest's time. */

import type { Allowance } from '../../contract/limits.ts';

const NS_PER_SECOND = 1e9;

export class Bucket {
  readonly #allowance: Allowance;
  readonly #now: () => number;
  #left: number;
  #at: number;

  /** @param now nanoseconds of the guest's time */
  constructor(allowance: Allowance, now: () => number) {
    this.#allowance = allowance;
    this.#now = now;
    this.#left = allowance.burst;
    this.#at = now();
  }

  get isEmpty(): boolean {
    const { burst, perSecond } = this.#allowance;
    const now = this.#now();
    this.#left = Math.min(burst, this.#left + ((now - this.#at) * perSecond) / NS_PER_SECOND);
    this.#at = now;
    return this.#left <= 0;
  }

  /** Takes `amount`, also where less is left: the rest is owed. */
  take(amount: number): void {
    this.#left -= amount;
  }
}
