/** The handoff of a capture: legend, lanes, details, and the rules beside them. */

import { useComputed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Trace, TraceEventKind } from '../../../src/panic/trace/index.ts';
import { EVENT_KINDS } from '../../../src/panic/trace/index.ts';
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
