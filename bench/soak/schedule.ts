/** The plan of a soak: which fault comes when, by the seed alone. */

import { below, seededRandom } from '../../test/support/seeded-random.ts';
import type { Fault } from '../../test/support/shim/control.ts';
import { HOSTILE_NAMES } from './hostile-images.ts';

export type Step =
  | { readonly kind: 'kill' | 'terminate' }
  | { readonly kind: 'disk'; readonly fault: Fault; readonly ms: number }
  /** One hostile guest takes the place of the one before. */
  | { readonly kind: 'hostile'; readonly name: string };

/** `rest`: milliseconds between the end of the step and the next one. */
export type Planned = { readonly step: Step; readonly rest: number };

/** Steps enough for so many milliseconds. A hostile guest comes first, and every one of them in turn. */
export function planSoak(seed: number, ms: number): readonly Planned[] {
  const random = seededRandom(seed);
  const plan: Planned[] = [];
  let hostile = below(random, HOSTILE_NAMES.length);
  for (let planned = 0; planned < ms; ) {
    const step = plan.length % 2 === 0 ? nextHostile(hostile++) : nextFault(random);
    const rest = step.kind === 'hostile' ? 8000 + 10_000 * random() : 4000 + 14_000 * random();
    plan.push({ step, rest });
    planned += rest;
  }
  return plan;
}

function nextHostile(n: number): Step {
  return { kind: 'hostile', name: HOSTILE_NAMES[n % HOSTILE_NAMES.length] ?? '' };
}

function nextFault(random: () => number): Step {
  const choice = random();
  if (choice < 0.35) return { kind: 'kill' };
  if (choice < 0.5) return { kind: 'terminate' };
  const isFull = choice < 0.8;
  return {
    kind: 'disk',
    ms: 1000 + 4000 * random(),
    fault: isFull
      ? {
          error: 'ENOSPC',
          calls: ['create', 'write', 'truncate'],
          at: Math.ceil(200 ** random()),
          onwards: true,
        }
      : {
          error: 'EIO',
          calls: ['write', 'sync', 'read'],
          at: Math.ceil(200 ** random()),
          onwards: random() < 0.5,
        },
  };
}
