/**
 * Rule `thread-identity`: teardown per thread uses the hardware thread id, never `secondary ? 1 : 0`; each thread once, and
 * a second call does no harm (docs/handoff.md). The evidence are the calls by which a CPU undoes what the firmware keeps
 * for it (shared/teardowns.ts).
 */

import type { EventSort } from '../../trace/index.ts';
import { nameCpu } from '../shared/cpus.ts';
import { notKept } from '../shared/dropped.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { eventsIn, type Stretch, untilEntry } from '../shared/stretches.ts';
import { isTeardown, mayBeTeardown, nameTeardown, type Teardown, targetOf } from '../shared/teardowns.ts';
import { verdict } from '../shared/verdict.ts';

export function threadIdentity(input: RuleInput): Judgement {
  const { instants, machine } = input;
  const { t0, t1 } = instants;
  if (t0 === undefined) return verdict('not-reached', 'no CPU left the old kernel');
  const teardowns = eventsIn(input, untilEntry(input)).filter((event) => isTeardown(event));
  const hidden = notKept(input, untilEntry(input), mayBeTeardown);
  if (teardowns.length === 0)
    return (
      hidden ??
      (t1 === undefined
        ? verdict('not-reached', 'nothing was torn down', [t0])
        : verdict('not-applicable', 'no call names a thread: the guest keeps nothing with the firmware', [
            t1,
          ]))
    );
  for (const event of teardowns) {
    const target = targetOf(event);
    const cpu = machine.cpus.find(({ index }) => index === event.cpu);
    if (cpu === undefined || target === BigInt(cpu.hardwareId)) continue;
    return verdict(
      'broken',
      `${nameCpu(cpu)} named thread ${target} in ${event.name} (${nameTeardown(event)})`,
      [event],
    );
  }
  const again = repeated(teardowns);
  const harm = again.find((event) => isStuck(input, event));
  const doubt = harm === undefined ? undefined : notKept(input, after(harm), ({ cpu }) => cpu === harm.cpu);
  if (harm !== undefined && doubt === undefined)
    return verdict('broken', `CPU ${harm.cpu} did not continue after its second teardown`, [harm]);
  const open = doubt ?? hidden;
  if (open !== undefined) return open;
  const twice =
    again.length === 0
      ? ''
      : `; a second call (${again.map((event) => `${nameTeardown(event)} of CPU ${event.cpu}, status ${statusOf(event)}`).join(', ')}) did no harm`;
  const what = [...new Set(teardowns.map(nameTeardown))].join(', ');
  return verdict('held', `each CPU named its own hardware thread: ${what}${twice}`, teardowns);
}

/** Silencing an interrupt is the same each time; unregistering and emptying are once. */
function repeated(teardowns: readonly Teardown[]): readonly Teardown[] {
  const seen = new Set<string>();
  return teardowns.filter((event) => {
    if (event.name === 'H_IPI') return false;
    const key = `${event.cpu} ${nameTeardown(event)}`;
    return seen.has(key) || seen.add(key).size === 0;
  });
}

/** A CPU that does nothing more, though the image was entered by another one. */
function isStuck(input: RuleInput, { cpu, n }: EventSort & { readonly n: number }): boolean {
  return input.instants.t1 !== undefined && !input.events.some((event) => event.cpu === cpu && event.n > n);
}

function after({ n }: Teardown): Stretch {
  return { from: n + 1, to: Number.POSITIVE_INFINITY };
}

function statusOf({ status }: Teardown): bigint {
  return BigInt.asIntN(64, BigInt(status ?? 0));
}
