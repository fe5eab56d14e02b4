/** Draws one lane: its name, the time from its CPU's first event to its last, and its events. */

import type { JSX } from 'preact';
import type { Trace, TraceEvent, TraceEventKind } from '../../../src/panic/trace/index.ts';
import type { Hover } from './hover.ts';
import { outline, styleOf } from './kinds.ts';
import type { Lane } from './lanes.ts';
import { placeEvents } from './layout.ts';

const ROWS = 3;
const ROW_HEIGHT = 19;
const RADIUS = 5.5;
export const LANE_HEIGHT = 76;

type LaneProps = {
  readonly trace: Trace;
  readonly lane: Lane;
  readonly top: number;
  readonly left: number;
  readonly right: number;
  /** Of each event of the trace, on the whole axis. */
  readonly positions: readonly number[];
  readonly hiddenKinds: ReadonlySet<TraceEventKind>;
  readonly evidence: ReadonlySet<number> | null;
  readonly chosen: number | null;
  readonly toX: (u: number) => number;
  readonly onChoose: (n: number) => void;
  readonly onCluster: (events: readonly TraceEvent[]) => void;
  readonly onHover: (hover: Hover | null) => void;
};

export function LaneRow(props: LaneProps): JSX.Element {
  const { trace, lane, top, left, right, positions, hiddenKinds, evidence, chosen, toX } = props;
  const middle = top + LANE_HEIGHT / 2;
  const own = trace.events.flatMap((event, i) =>
    event.cpu === lane.cpu ? [{ event, u: positions[i] ?? 0 }] : [],
  );
  const seen = own.map(({ u }) => toX(u));
  const from = Math.max(left, Math.min(...seen));
  const to = Math.min(right, Math.max(...seen));
  const inView = own
    .filter(({ event }) => !hiddenKinds.has(event.kind))
    .map(({ event, u }) => ({ event, x: toX(u) }))
    .filter(({ x }) => x >= left - 6 && x <= right + 10);
  const placed = placeEvents(inView, { gap: 13, clusterGap: 25, rows: ROWS });
  const yOf = (row: number): number => middle + ([0, -1, 1][row] ?? 0) * ROW_HEIGHT;

  return (
    <g>
      <line class="lane-edge" x1={0} x2={right + 14} y1={top} y2={top} />
      <text class="lane-name" x={0} y={middle - 3}>
        {lane.name}
        {lane.isMaster ? <tspan class="lane-master"> master</tspan> : null}
      </text>
      <text class="lane-thread" x={0} y={middle + 14}>
        {lane.below}
      </text>
      <g clip-path="url(#plot)">
        <line class="lane-rest" x1={left} x2={right} y1={middle} y2={middle} />
        {to > from ? <line class="lane-seen" x1={from} x2={to} y1={middle} y2={middle} /> : null}
        {placed.map((item) => {
          const y = yOf(item.row);
          const events = item.kind === 'event' ? [item.event] : item.events;
          const first = events[0];
          if (first === undefined) return null;
          const lit = evidence !== null && events.some((event) => evidence.has(event.n));
          const picked = events.some((event) => event.n === chosen);
          const style = styleOf(first.kind);
          const act = (): void => (item.kind === 'event' ? props.onChoose(first.n) : props.onCluster(events));
          return (
            // biome-ignore lint/a11y/noStaticElementInteractions: the chart itself takes the keys, and the table below lists all
            <g
              key={`${first.n}`}
              class={`event${evidence !== null && !lit ? ' dim' : ''}${lit ? ' lit' : ''}${picked ? ' picked' : ''}`}
              transform={`translate(${item.x} ${y})`}
              data-event={first.n}
              onClick={act}
              onPointerEnter={() => props.onHover({ events, x: item.x, y })}
              onPointerLeave={() => props.onHover(null)}
            >
              <circle class="event-halo" r={10} />
              {item.kind === 'cluster' ? (
                <>
                  <circle class="cluster" r={events.length > 99 ? 11 : 9} />
                  <text class="cluster-count" text-anchor="middle" y={3.5}>
                    {events.length > 99 ? '99+' : events.length}
                  </text>
                </>
              ) : (
                <path d={outline(style.shape, RADIUS)} fill={style.colour} />
              )}
            </g>
          );
        })}
      </g>
    </g>
  );
}
