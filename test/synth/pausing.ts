/** Runs a partition as a worker with no time at all would: every slice is paused wherever it can be. */

import type { Partition } from '../../src/emulator/partition/index.ts';

/**
 * As `partition.run(instructions)`, to the end of the same slice.
 * @param each called after each part
 */
export function runPausing(
  partition: Partition,
  instructions: number,
  each: () => void = () => undefined,
): ReturnType<Partition['run']> {
  const until = partition.instructions + instructions;
  for (;;) {
    // Asked before a slice the answer is no, or nothing would ever run.
    let asked = 0;
    const paused = partition.paused;
    const left = until - partition.instructions;
    if (left <= 0 && !paused) return 'ran';
    const outcome = partition.run(Math.max(1, left), () => asked++ > 0);
    each();
    if (outcome !== 'ran') return outcome;
  }
}
