/** Draws the tooltip of the events under the pointer. The details of a chosen event show the same in full. */

import type { ReadonlySignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Trace } from '../../../src/panic/trace/index.ts';
import { sinceT0 } from './details.tsx';
import { fieldsOf, whereOf } from './event-fields.ts';
import type { Hover } from './hover.ts';
import { styleOf } from './kinds.ts';

const WIDTH = 320;
const SHOWN = 6;
const LONGEST = 64;

type TooltipProps = {
  readonly hover: ReadonlySignal<Hover | null>;
  readonly trace: Trace;
  readonly width: number;
};

export function Tooltip({ hover, trace, width }: TooltipProps): JSX.Element | null {
  const at = hover.value;
  if (at === null) return null;
  const left = Math.max(0, Math.min(width - WIDTH, at.x - WIDTH / 2));
  return (
    <div
      class="tooltip"
      aria-hidden="true"
      style={{ left: `${left}px`, top: `${at.y + 58}px`, width: `${WIDTH}px` }}
    >
      {at.events.slice(0, SHOWN).map((event) => (
        <div key={event.n} class="tooltip-event">
          <div class="tooltip-head">
            <strong>{styleOf(event.kind).label}</strong>
            <span class="faint mono">{sinceT0(trace, event)}</span>
          </div>
          {event.text === '' ? null : <div>{event.text}</div>}
          {at.events.length > 1 ? (
            <div class="mono faint">{whereOf(event)}</div>
          ) : (
            fieldsOf(event).map(([name, value]) => (
              <div key={name} class="mono faint">
                {name.padEnd(12)} {shortened(value)}
              </div>
            ))
          )}
        </div>
      ))}
      {at.events.length > SHOWN ? (
        <div class="faint">and {at.events.length - SHOWN} more: click to zoom in</div>
      ) : null}
    </div>
  );
}

/** A tooltip is narrow: of long bytes it shows the first. */
function shortened(value: string): string {
  return value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value;
}
