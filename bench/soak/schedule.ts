/** The plan of a soak: which fault comes when, by the seed alone. */

import { below, seededRandom } from '../../test/support/seeded-random.ts';
import type { Fault } from '../../test/support/shim/control.ts';
import { HOSTILE_NAMES } from './hostile-images.ts';

export type Step =
  | { readonly kind: 'kill' | 'terminate' | 'flip' | 'import' }
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

/** Of each hundred faults. */
const SHARES = { kill: 25, terminate: 15, full: 20, broken: 15, flip: 15, import: 10 } as const;

function nextFault(random: () => number): Step {
  let at = below(
    random,
    Object.values(SHARES).reduce((sum, share) => sum + share, 0),
  );
  for (const [kind, share] of Object.entries(SHARES) as [keyof typeof SHARES, number][]) {
    at -= share;
    if (at >= 0) continue;
    return kind === 'full' || kind === 'broken' ? diskFault(kind, random) : { kind };
  }
  throw new Error('the shares are counted wrongly');
}

function diskFault(kind: 'full' | 'broken', random: () => number): Step {
  const ms = 1000 + 4000 * random();
  const at = Math.ceil(200 ** random());
  const fault: Fault =
    kind === 'full'
      ? { error: 'ENOSPC', calls: ['create', 'write', 'truncate'], at, onwards: true }
      : { error: 'EIO', calls: ['write', 'sync', 'read'], at, onwards: random() < 0.5 };
  return { kind: 'disk', fault, ms };
}
