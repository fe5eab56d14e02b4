/** Random numbers from a seed: the same in every run (mulberry32, 32 bits of state). */

/** @returns numbers from 0 (included) to 1 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An integer from 0 (included) to `end`. */
export function below(random: () => number, end: number): number {
  return Math.floor(random() * end);
}
