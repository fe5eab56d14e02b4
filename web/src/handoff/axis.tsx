/** Draws the head of the chart: the segments between instants, round instruction counts in each, and the instants. */

import type { JSX } from 'preact';
import type { Trace, TraceInstant } from '../../../src/panic/trace/index.ts';
import { formatCount } from '../model/format.ts';
import { type Axis as AxisLayout, positionOf, ticksOf, type View } from './scale.ts';

type AxisProps = {
  readonly axis: AxisLayout;
  readonly byOrder: boolean;
  readonly trace: Trace;
  readonly positions: readonly number[];
  readonly view: View;
  readonly plot: number;
  readonly toX: (u: number) => number;
  readonly top: number;
  readonly bottom: number;
  readonly onSegment: (from: number, to: number) => void;
};

const INSTANT_TEXT: Readonly<Record<TraceInstant, string>> = {
  t0: 'the panic or the kexec begins',
  t1: 'the entry of the image is executed',
  t2: "the new kernel's first instruction",
  t3: 'the dump starts',
  t4: 'the dump is complete',
};

export function Axis(props: AxisProps): JSX.Element {
  const { axis, byOrder, trace, positions, view, plot, toX, top, bottom } = props;
  const uOf = (insn: number, event: number): number => {
    if (!byOrder) return positionOf(axis, insn);
    const at = trace.events.findIndex((e) => e.n === event);
    return positions[at] ?? 0;
  };
  const labels = spread(axis.marks.map((mark) => toX(uOf(mark.instant.insn, mark.instant.event))));
  return (
    <g clip-path="url(#plot)">
      {byOrder
        ? null
        : axis.segments.map((segment, i) => {
            const x0 = toX(segment.u0);
            const x1 = toX(segment.u1);
            const from = Math.max(x0, toX(view.from));
            const to = Math.min(x1, toX(view.to));
            if (to <= from) return null;
            const zoomTo = (): void => props.onSegment(segment.u0, segment.u1);
            const length = formatCount(segment.to - segment.from);
            return (
              <g key={segment.name}>
                {/* biome-ignore lint/a11y/useSemanticElements: no button inside a drawing */}
                <g
                  class="segment-head"
                  role="button"
                  tabindex={0}
                  aria-label={`Zoom to ${segment.name}, ${length} instructions`}
                  onClick={zoomTo}
                  onKeyDown={(event) => {
                    if (event.key !== 'Enter' && event.key !== ' ') return;
                    event.preventDefault();
                    event.stopPropagation();
                    zoomTo();
                  }}
                >
                  <rect class={`segment seg-${i % 4}`} x={from} y={20} width={to - from} height={18} />
                  {to - from > 46 ? (
                    <text class="segment-text" x={(from + to) / 2} y={33} text-anchor="middle">
                      {to - from > 130 ? `${segment.name}  ${length}` : length}
                    </text>
                  ) : null}
                </g>
                <rect
                  class={`segment-back seg-${i % 4}`}
                  x={from}
                  y={top}
                  width={to - from}
                  height={bottom - top}
                />
                {ticksOf(segment, view, plot).map((offset) => {
                  const x = toX(
                    segment.u0 + (offset / (segment.to - segment.from)) * (segment.u1 - segment.u0),
                  );
                  return (
                    <g key={offset} class="tick">
                      <line x1={x} x2={x} y1={40} y2={bottom} />
                      {x + 52 < to ? (
                        <text x={x + 3} y={50}>
                          +{formatCount(offset)}
                        </text>
                      ) : null}
                    </g>
                  );
                })}
              </g>
            );
          })}
      {axis.marks.map((mark, i) => {
        const x = toX(uOf(mark.instant.insn, mark.instant.event));
        return (
          <g key={mark.name} class="instant">
            <title>{`${mark.name.toUpperCase()}: ${INSTANT_TEXT[mark.name]}`}</title>
            <line x1={x} x2={x} y1={18} y2={bottom} />
            <text x={labels[i]} y={13} text-anchor="middle">
              {mark.name.toUpperCase()}
            </text>
          </g>
        );
      })}
    </g>
  );
}

/** Moves labels apart that would cover each other; the lines stay where they are. */
function spread(xs: readonly number[]): readonly number[] {
  const placed: number[] = [];
  for (const x of xs) placed.push(Math.max(x, (placed.at(-1) ?? Number.NEGATIVE_INFINITY) + 24));
  return placed;
}
