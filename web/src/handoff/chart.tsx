/** Draws the handoff as one lane for each CPU. The page holds the chosen and highlighted events; the chart holds its view. */

import { type ReadonlySignal, type Signal, useComputed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Trace, TraceEventKind } from '../../../src/panic/trace/index.ts';
import { formatCount } from '../model/format.ts';
import { Axis } from './axis.tsx';
import type { Hover } from './hover.ts';
import { LANE_HEIGHT, LaneRow } from './lane.tsx';
import { lanesOf } from './lanes.ts';
import {
  type Axis as AxisLayout,
  layAxis,
  orderPositions,
  pan,
  positionOf,
  type View,
  viewAround,
  WHOLE,
  zoom,
} from './scale.ts';
import { Tooltip } from './tooltip.tsx';

const AXIS_HEIGHT = 56;
const GUTTER = 118;
const RIGHT = 14;

export type ChartProps = {
  readonly trace: Trace;
  readonly hiddenKinds: ReadonlySignal<ReadonlySet<TraceEventKind>>;
  readonly evidence: ReadonlySignal<ReadonlySet<number> | null>;
  readonly chosen: Signal<number | null>;
  readonly byOrder: ReadonlySignal<boolean>;
};

export function HandoffChart({ trace, hiddenKinds, evidence, chosen, byOrder }: ChartProps): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const width = useSignal(900);
  const view = useSignal<View>(WHOLE);
  const hover = useSignal<Hover | null>(null);
  const drag = useRef<{ x: number; view: View } | null>(null);
  const axis = useComputed<AxisLayout>(() => layAxis(trace));
  const positions = useComputed<readonly number[]>(() =>
    byOrder.value
      ? orderPositions(trace.events)
      : trace.events.map((event) => positionOf(axis.value, event.insn)),
  );

  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      width.value = Math.max(320, element.clientWidth);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // Evidence that lies outside the view is brought into it.
  useEffect(
    () =>
      evidence.subscribe((numbers) => {
        if (numbers === null || numbers.size === 0) return;
        const at = trace.events.flatMap((event, i) =>
          numbers.has(event.n) ? [positions.value[i] ?? 0] : [],
        );
        const seen = at.every((u) => u >= view.value.from && u <= view.value.to);
        if (at.length > 0 && !seen) view.value = viewAround(at, 0.02);
      }),
    [trace],
  );
  useEffect(
    () =>
      byOrder.subscribe(() => {
        view.value = WHOLE;
      }),
    [trace],
  );

  const plot = width.value - GUTTER - RIGHT;
  const toX = (u: number): number =>
    GUTTER + ((u - view.value.from) / (view.value.to - view.value.from)) * plot;
  const toU = (x: number): number =>
    view.value.from + ((x - GUTTER) / plot) * (view.value.to - view.value.from);
  const lanes = lanesOf(trace);
  const height = AXIS_HEIGHT + lanes.length * LANE_HEIGHT + 6;

  const onWheel = (event: WheelEvent): void => {
    // Without a modifier the wheel scrolls the page, as everywhere.
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
    event.preventDefault();
    const delta = event.deltaY === 0 ? event.deltaX : event.deltaY;
    if (event.shiftKey) view.value = pan(view.value, delta / 1000);
    else view.value = zoom(view.value, Math.exp(delta / 400), toU(event.offsetX));
  };
  useEffect(() => {
    const element = frame.current;
    // Preact adds wheel listeners as passive ones, which may not keep the page from scrolling.
    element?.addEventListener('wheel', onWheel, { passive: false });
    return () => element?.removeEventListener('wheel', onWheel);
  });

  const step = (by: number): void => {
    const shown = trace.events.filter((event) => !hiddenKinds.value.has(event.kind));
    const at = shown.findIndex((event) => event.n === chosen.value);
    const next =
      shown[Math.min(shown.length - 1, Math.max(0, at < 0 ? (by > 0 ? 0 : shown.length - 1) : at + by))];
    if (next === undefined) return;
    chosen.value = next.n;
    const u = positions.value[trace.events.indexOf(next)] ?? 0;
    if (u < view.value.from || u > view.value.to) {
      const half = (view.value.to - view.value.from) / 2;
      view.value = pan({ from: u - half, to: u + half }, 0);
    }
  };
  /** Keys and buttons zoom about the chosen event, where it is in view. */
  const zoomBy = (factor: number): void => {
    const at = trace.events.findIndex((event) => event.n === chosen.value);
    const u = positions.value[at];
    const inView = u !== undefined && u >= view.value.from && u <= view.value.to;
    view.value = zoom(view.value, factor, inView ? u : (view.value.from + view.value.to) / 2);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const keys: Record<string, () => void> = {
      ArrowRight: () => step(1),
      ArrowLeft: () => step(-1),
      '+': () => zoomBy(0.5),
      '=': () => zoomBy(0.5),
      '-': () => zoomBy(2),
      '0': () => {
        view.value = WHOLE;
      },
      Escape: () => {
        chosen.value = null;
      },
    };
    const act = keys[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };

  const zoomed = view.value.to - view.value.from < 1;
  return (
    <div class="chart" ref={frame}>
      <div class="chart-tools" role="toolbar" aria-label="Zoom">
        <button type="button" class="tool" aria-label="Zoom in" onClick={() => zoomBy(0.5)}>
          +
        </button>
        <button type="button" class="tool" aria-label="Zoom out" disabled={!zoomed} onClick={() => zoomBy(2)}>
          −
        </button>
        <button
          type="button"
          class="tool wide"
          disabled={!zoomed}
          onClick={() => {
            view.value = WHOLE;
          }}
        >
          Fit
        </button>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: a drawing that takes keys has no element of its own */}
      <svg
        class="lanes"
        width={width.value}
        height={height}
        viewBox={`0 0 ${width.value} ${height}`}
        role="group"
        aria-roledescription="timeline"
        aria-label={`Handoff of ${trace.machine.cpus.length} CPUs, ${trace.events.length} events. Left and right choose an event, plus and minus zoom, 0 shows all.`}
        tabindex={0}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          if (
            event.button !== 0 ||
            (event.target instanceof Element && event.target.closest('.event, .segment-head') !== null)
          )
            return;
          drag.current = { x: event.clientX, view: view.value };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          const from = drag.current;
          if (from === null) return;
          view.value = pan(from.view, (from.x - event.clientX) / plot);
        }}
        onPointerUp={() => {
          drag.current = null;
        }}
        onPointerCancel={() => {
          drag.current = null;
        }}
        onDblClick={(event) => {
          view.value = zoom(view.value, 0.33, toU(event.offsetX));
        }}
      >
        <defs>
          <clipPath id="plot">
            <rect x={GUTTER - 8} y="0" width={plot + 8 + RIGHT} height={height} />
          </clipPath>
        </defs>
        <Axis
          axis={axis.value}
          byOrder={byOrder.value}
          trace={trace}
          positions={positions.value}
          view={view.value}
          plot={plot}
          toX={toX}
          top={AXIS_HEIGHT}
          bottom={height - 6}
          onSegment={(from, to) => {
            view.value = { from, to };
          }}
        />
        {lanes.map((lane, i) => (
          <LaneRow
            key={lane.cpu}
            trace={trace}
            lane={lane}
            top={AXIS_HEIGHT + i * LANE_HEIGHT}
            left={GUTTER}
            right={GUTTER + plot}
            positions={positions.value}
            hiddenKinds={hiddenKinds.value}
            evidence={evidence.value}
            chosen={chosen.value}
            toX={toX}
            onChoose={(n) => {
              chosen.value = chosen.value === n ? null : n;
            }}
            onCluster={(events) => {
              const at = events.map((event) => positions.value[trace.events.indexOf(event)] ?? 0);
              view.value = viewAround(at, (view.value.to - view.value.from) / 20);
            }}
            onHover={(value) => {
              hover.value = value;
            }}
          />
        ))}
      </svg>
      <TrueScale axis={axis.value} />
      <Tooltip hover={hover} trace={trace} width={width.value} />
    </div>
  );
}

/** The same stretches at one scale, to say what the axis above does. */
function TrueScale({ axis }: { readonly axis: AxisLayout }): JSX.Element {
  const first = axis.segments[0]?.from ?? 0;
  const last = axis.segments.at(-1)?.to ?? 1;
  const share = (insn: number): string => `${((insn - first) / Math.max(1, last - first)) * 100}%`;
  return (
    <div class="true-scale" style={{ marginLeft: `${GUTTER}px`, marginRight: `${RIGHT}px` }}>
      <div class="true-bar" aria-hidden="true">
        {axis.segments.map((segment, i) => (
          <span
            key={segment.name}
            class={`stretch seg-${i % 4}`}
            title={`${segment.name}: ${formatCount(segment.to - segment.from)}`}
            style={{
              left: share(segment.from),
              width: `max(2px, calc(${share(segment.to)} - ${share(segment.from)}))`,
            }}
          />
        ))}
      </div>
      <p class="faint">
        The bar shows the stretches at one scale ({formatCount(last - first)} instructions in all); above,
        each has a scale of its own.
      </p>
    </div>
  );
}
