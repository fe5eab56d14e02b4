/** Choices from a seed. */

import { below, seededRandom } from '../../support/seeded-random.ts';

export class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** An integer from 0 (included) to `end`. */
  below(end: number): number {
    return below(this.#random, end);
  }

  pick<T>(from: readonly T[]): T {
    const found = from[this.below(from.length)];
    if (found === undefined) throw new RangeError('there is nothing to choose from');
    return found;
  }
}
