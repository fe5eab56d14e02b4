/** Draws the chosen event in full, and the table of all events. */

import type { ReadonlySignal, Signal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Trace, TraceEvent, TraceEventKind } from '../../../src/panic/trace/index.ts';
import { formatExact } from '../model/format.ts';
import { fieldsOf, whereOf } from './event-fields.ts';
import { outline, styleOf } from './kinds.ts';

/** An event's instruction count from T0 on. */
export function sinceT0(trace: Trace, event: TraceEvent): string {
  const t0 = trace.instants.t0?.insn;
  if (t0 === undefined) return formatExact(event.insn);
  return `T0 ${event.insn < t0 ? '−' : '+'} ${formatExact(Math.abs(event.insn - t0))}`;
}

export function Glyph({ kind }: { readonly kind: TraceEventKind }): JSX.Element {
  const { shape, colour } = styleOf(kind);
  return (
    <svg class="glyph" width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true">
      <path d={outline(shape, 5)} fill={colour} />
    </svg>
  );
}

type DetailsProps = { readonly trace: Trace; readonly chosen: Signal<number | null> };

export function EventDetails({ trace, chosen }: DetailsProps): JSX.Element {
  const at = trace.events.findIndex((event) => event.n === chosen.value);
  const event = trace.events[at];
  return (
    <div class="event-details" aria-live="polite">
      {event === undefined ? (
        <p class="faint">
          Choose an event for its registers. Arrow keys walk through them; Ctrl and the wheel zoom, dragging
          moves.
        </p>
      ) : (
        <>
          <div class="event-head">
            <Glyph kind={event.kind} />
            <strong>{styleOf(event.kind).label}</strong>
            <span>
              event {event.n} {event.cpu < 0 ? 'of a device' : `on CPU ${event.cpu}`}
            </span>
            <span class="mono">{sinceT0(trace, event)}</span>
            <span class="grow" />
            <button
              type="button"
              class="tool"
              aria-label="Event before"
              disabled={at === 0}
              onClick={() => {
                chosen.value = trace.events[at - 1]?.n ?? null;
              }}
            >
              ‹
            </button>
            <button
              type="button"
              class="tool"
              aria-label="Event after"
              disabled={at === trace.events.length - 1}
              onClick={() => {
                chosen.value = trace.events[at + 1]?.n ?? null;
              }}
            >
              ›
            </button>
          </div>
          {event.text === '' ? null : <p>{event.text}</p>}
          <dl class="facts">
            <Fact name="instruction" value={formatExact(event.insn)} />
            <Fact name="timebase" value={event.tb} />
            {fieldsOf(event).map(([name, value]) => (
              <Fact key={name} name={name} value={value} />
            ))}
          </dl>
        </>
      )}
    </div>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="mono">{value}</dd>
    </div>
  );
}

const TABLE_ROWS = 500;

type TableProps = DetailsProps & {
  readonly hiddenKinds: ReadonlySignal<ReadonlySet<TraceEventKind>>;
  readonly evidence: ReadonlySignal<ReadonlySet<number> | null>;
};

export function EventTable({ trace, chosen, hiddenKinds, evidence }: TableProps): JSX.Element {
  const shown = trace.events.filter(
    (event) => !hiddenKinds.value.has(event.kind) && (evidence.value === null || evidence.value.has(event.n)),
  );
  return (
    <details class="events-table" open>
      <summary>
        {evidence.value === null ? 'All events' : 'Events of this rule'} ({shown.length})
      </summary>
      <div class="table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">n</th>
              <th scope="col">CPU</th>
              <th scope="col">kind</th>
              <th scope="col">instruction</th>
              <th scope="col">where</th>
              <th scope="col">what</th>
            </tr>
          </thead>
          <tbody>
            {shown.slice(0, TABLE_ROWS).map((event) => (
              <tr key={event.n} class={event.n === chosen.value ? 'picked' : ''}>
                <td class="num">
                  <button
                    type="button"
                    class="link"
                    onClick={() => {
                      chosen.value = event.n;
                    }}
                  >
                    {event.n}
                  </button>
                </td>
                <td class="num">{event.cpu < 0 ? 'device' : event.cpu}</td>
                <td class="nowrap">
                  <Glyph kind={event.kind} /> {styleOf(event.kind).label}
                </td>
                <td class="num mono nowrap">{sinceT0(trace, event)}</td>
                <td class="mono">{whereOf(event)}</td>
                <td>{event.text}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {shown.length > TABLE_ROWS ? (
          <p class="faint">The first {TABLE_ROWS}; hide kinds above to see others, or download the trace.</p>
        ) : null}
      </div>
    </details>
  );
}
