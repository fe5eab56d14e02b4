/** Places the events of a lane: marks that would cover each other go to separate rows, and those that fit no row are counted. */

import type { TraceEvent } from '../../../src/panic/trace/index.ts';

export type Placed =
  | { readonly kind: 'event'; readonly x: number; readonly row: number; readonly event: TraceEvent }
  | {
      readonly kind: 'cluster';
      readonly x: number;
      readonly row: number;
      readonly events: readonly TraceEvent[];
    };

export type PlaceOptions = {
  /** Least distance in pixels between two marks of a row. */
  readonly gap: number;
  /** The same after a cluster, which is larger. */
  readonly clusterGap: number;
  readonly rows: number;
};

/**
 * Places one lane's events, given in ascending x. An event that fits no row joins the last mark of the bottom row,
 * which becomes a cluster.
 */
export function placeEvents(
  events: readonly { readonly x: number; readonly event: TraceEvent }[],
  { gap, clusterGap, rows }: PlaceOptions,
): readonly Placed[] {
  const lastOfRow: (Placed | undefined)[] = new Array<Placed | undefined>(rows).fill(undefined);
  const slots: Placed[][] = lastOfRow.map(() => []);
  for (const { x, event } of events) {
    const free = lastOfRow.findIndex(
      (last) => last === undefined || x - last.x >= (last.kind === 'cluster' ? clusterGap : gap),
    );
    if (free >= 0) {
      const placed: Placed = { kind: 'event', x, row: free, event };
      slots[free]?.push(placed);
      lastOfRow[free] = placed;
      continue;
    }
    const row = rows - 1;
    const last = slots[row]?.pop();
    if (last === undefined) continue;
    const joined = last.kind === 'cluster' ? last.events : [last.event];
    const cluster: Placed = { kind: 'cluster', x: last.x, row, events: [...joined, event] };
    slots[row]?.push(cluster);
    lastOfRow[row] = cluster;
  }
  return slots.flat().sort((a, b) => a.x - b.x || a.row - b.row);
}
