/** Finds the loops of a region that WebAssembly has a form for: blocks that stand together and that control enters at the first of them alone. */

import type { Block, Region } from './region.ts';

/** Numbers of its first and its last block. */
export type Loop = { readonly first: number; readonly last: number };

/** Loops that lie apart or in each other, by their first block. */
export function loopsOf({ blocks, entries }: Region): ReadonlyMap<number, Loop> {
  const numbers = new Map(blocks.map(({ start }, i) => [start, i]));
  const edges = blocks.flatMap((block, from) =>
    successorsOf(block).flatMap((offset) => {
      const to = numbers.get(offset);
      return to === undefined ? [] : [{ from, to }];
    }),
  );
  /** Blocks that control enters from outside of the region, or from behind without a loop. */
  const entered = new Set(entries.flatMap((offset) => numbers.get(offset) ?? []));
  const loops = new Map<number, Loop>();
  for (const { from, to } of edges)
    if (to <= from) loops.set(to, { first: to, last: Math.max(from, loops.get(to)?.last ?? 0) });
  const isGood = ({ first, last }: Loop): boolean => {
    const isInside = (block: number): boolean => block > first && block <= last;
    if ([...entered].some(isInside)) return false;
    if (edges.some(({ from, to }) => isInside(to) && from !== first && !isInside(from))) return false;
    return ![...loops.values()].some(
      (other) => other.first < first && other.last >= first && other.last < last,
    );
  };
  // A loop that is given up is entered from behind: others that it lies in are to be looked at again.
  for (let bad = [...loops.values()].find((loop) => !isGood(loop)); bad !== undefined; ) {
    loops.delete(bad.first);
    entered.add(bad.first);
    bad = [...loops.values()].find((loop) => !isGood(loop));
  }
  return loops;
}

/** Offsets at which control continues behind a block. */
function successorsOf(block: Block): readonly number[] {
  const last = block.instructions.at(-1);
  return [last?.target, block.next].filter((offset) => offset !== undefined);
}
