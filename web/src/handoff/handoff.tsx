/** Draws the handoff of a capture: legend, lanes, details, and the rules beside them. */

import { useComputed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Trace, TraceEventKind } from '../../../src/panic/trace/index.ts';
import { EVENT_KINDS, markText } from '../../../src/panic/trace/index.ts';
import { formatExact } from '../model/format.ts';
import { HandoffChart } from './chart.tsx';
import { EventDetails, EventTable, Glyph } from './details.tsx';
import { styleOf } from './kinds.ts';
import { RuleList } from './rules.tsx';

export function Handoff({ trace }: { readonly trace: Trace }): JSX.Element {
  const chosenEvent = useSignal<number | null>(null);
  const chosenRule = useSignal<string | null>(null);
  const hiddenKinds = useSignal<ReadonlySet<TraceEventKind>>(new Set());
  const byOrder = useSignal(false);
  const evidence = useComputed<ReadonlySet<number> | null>(() => {
    const rule = trace.rules.find((r) => r.name === chosenRule.value);
    return rule === undefined ? null : new Set(rule.evidence ?? []);
  });
  const present = new Set(trace.events.map((event) => event.kind));
  const kinds = EVENT_KINDS.filter((kind) => present.has(kind));
  const toggle = (kind: TraceEventKind): void => {
    const next = new Set(hiddenKinds.value);
    if (!next.delete(kind)) next.add(kind);
    hiddenKinds.value = next;
  };

  return (
    <div class="handoff">
      <section class="panel handoff-main" aria-labelledby="handoff-title">
        <div class="panel-head">
          <h2 id="handoff-title">Handoff</h2>
          <div class="legend">
            {kinds.map((kind) => (
              <button
                key={kind}
                type="button"
                class="legend-item"
                aria-pressed={!hiddenKinds.value.has(kind)}
                title={hiddenKinds.value.has(kind) ? 'Show' : 'Hide'}
                onClick={() => toggle(kind)}
              >
                <Glyph kind={kind} />
                {styleOf(kind).label}
              </button>
            ))}
          </div>
          <fieldset class="segmented">
            <legend class="hidden">Axis</legend>
            <label>
              <input
                type="radio"
                name="axis"
                checked={!byOrder.value}
                onChange={() => {
                  byOrder.value = false;
                }}
              />
              <span>by instructions</span>
            </label>
            <label>
              <input
                type="radio"
                name="axis"
                checked={byOrder.value}
                onChange={() => {
                  byOrder.value = true;
                }}
              />
              <span>by order</span>
            </label>
          </fieldset>
        </div>
        {trace.events.length === 0 ? (
          <p class="empty">The trace has no events.</p>
        ) : (
          <HandoffChart
            trace={trace}
            hiddenKinds={hiddenKinds}
            evidence={evidence}
            chosen={chosenEvent}
            byOrder={byOrder}
          />
        )}
        <EventDetails trace={trace} chosen={chosenEvent} />
        <EventTable trace={trace} chosen={chosenEvent} hiddenKinds={hiddenKinds} evidence={evidence} />
        <NotKept more={trace.more ?? []} />
      </section>
      <section class="panel handoff-rules" aria-labelledby="rules-title">
        <div class="panel-head">
          <h2 id="rules-title">Rules</h2>
          <span class="faint">choose one to see its evidence</span>
        </div>
        <RuleList rules={trace.rules} chosenRule={chosenRule} chosenEvent={chosenEvent} />
      </section>
    </div>
  );
}

/** How many events the trace does not keep, by what they were. */
function NotKept({ more }: { readonly more: NonNullable<Trace['more']> }): JSX.Element | null {
  if (more.length === 0) return null;
  const counts = new Map<string, number>();
  for (const dropped of more) counts.set(sortOf(dropped), (counts.get(sortOf(dropped)) ?? 0) + dropped.count);
  return (
    <details class="not-kept">
      <summary>Seen and not kept ({formatExact(more.reduce((sum, { count }) => sum + count, 0))})</summary>
      <p class="faint">{[...counts].map(([sort, count]) => `${sort}: ${formatExact(count)}`).join(', ')}</p>
    </details>
  );
}

function sortOf({ kind, mark, name }: NonNullable<Trace['more']>[number]): string {
  const label = kind === undefined ? 'other kinds' : styleOf(kind).label;
  const what = mark === undefined ? name : markText(mark);
  return what === undefined ? label : `${label} ${what}`;
}
