/**
 * Rule `restart-shares-shutdown`: an ordinary restart runs the same machine_shutdown as a kexec does (docs/handoff.md;
 * Linux 6.1 arch/powerpc/kernel/setup-common.c). After a crash the crash kernel restarts when its dump is done. Where no
 * kernel restarted, or a panic did without being asked, there is nothing to judge.
 */

import {
  type CallEvent,
  calls,
  type EventSort,
  type FunctionName,
  type HandoffPath,
  KERNEL_PLACES,
  type TraceEvent,
} from '../../trace/index.ts';
import { notKept } from '../shared/dropped.ts';
import { type Judgement, pathOf, type RuleInput } from '../shared/input.ts';
import type { Stretch } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

const REQUEST: FunctionName = 'kernel_restart';
const RESTART: FunctionName = 'machine_restart';
const SHUTDOWN: FunctionName = 'machine_shutdown';
const FIRMWARE = 'system-reboot';
const WHOLE: Stretch = { from: 0, to: Number.POSITIVE_INFINITY };
const NO_RESTART: Readonly<Record<Exclude<HandoffPath, 'restart'>, string>> = {
  crash: 'the guest crashed, and no kernel restarted after that',
  kexec: 'the guest was left by an ordinary kexec, and no kernel restarted after that',
};

export function restartSharesShutdown(input: RuleInput): Judgement {
  const { events, instants } = input;
  const restarts = events.filter((event) => runs(event, RESTART));
  if (restarts.length === 0) {
    const path = pathOf(input);
    const hidden = notKept(input, WHOLE, (sort) => runs(sort, RESTART));
    if (hidden !== undefined) return hidden;
    return path === 'restart'
      ? verdict('not-reached', `${RESTART} was not seen`, [instants.t0])
      : verdict('not-applicable', NO_RESTART[path]);
  }
  const evidence: TraceEvent[] = [];
  const emergencies: CallEvent[] = [];
  for (const restart of restarts) {
    const firmware = events.find(
      (event) => event.kind === 'rtas' && event.name === FIRMWARE && event.n > restart.n,
    );
    // Linux has it at the beginning of machine_restart, another kernel may have it just before.
    const asked = events.findLast(
      (event) => runs(event, REQUEST) && event.cpu === restart.cpu && event.n < restart.n,
    );
    const way: Stretch = { from: (asked ?? restart).n + 1, to: firmware?.n ?? WHOLE.to };
    const isShutdown = (event: EventSort): boolean => runs(event, SHUTDOWN) && event.cpu === restart.cpu;
    const shutdown = events.find((event) => event.n >= way.from && event.n < way.to && isShutdown(event));
    // A panic restarts at once, without anything before (Linux 6.1 kernel/panic.c: emergency_restart): that is no ordinary restart.
    if (shutdown === undefined && asked === undefined && input.image.probes.includes(REQUEST)) {
      emergencies.push(restart);
      continue;
    }
    if (shutdown === undefined)
      return notKept(input, way, isShutdown) ?? withoutShutdown(input, restart, firmware);
    evidence.push(restart, shutdown, ...(firmware === undefined ? [] : [firmware]));
  }
  if (evidence.length === 0)
    return (
      notKept(input, WHOLE, (sort) => runs(sort, REQUEST) || runs(sort, SHUTDOWN)) ??
      verdict(
        'not-applicable',
        `no restart was requested by ${REQUEST}: ${RESTART} ran for a panic`,
        emergencies,
      )
    );
  const whose = restarts.every(({ mark }) => mark.in === 'production') ? '' : ' of the crash kernel';
  return verdict('held', `${RESTART}${whose} ran ${SHUTDOWN}`, evidence);
}

function withoutShutdown(
  { image }: RuleInput,
  restart: CallEvent,
  firmware: TraceEvent | undefined,
): Judgement {
  if (firmware === undefined)
    return verdict('not-reached', `${RESTART} had not come to ${SHUTDOWN} when the trace ended`, [restart]);
  return image.shutdownCompiledIn === true
    ? verdict('held', `${RESTART} has the body of ${SHUTDOWN} compiled in`, [restart, firmware])
    : verdict('broken', `CPU ${restart.cpu} restarted without ${SHUTDOWN}`, [restart, firmware]);
}

/** In whatever kernel it is. */
function runs(event: TraceEvent, name: FunctionName): event is CallEvent;
function runs(event: EventSort, name: FunctionName): boolean;
function runs(event: EventSort, name: FunctionName): boolean {
  return calls(event, name, KERNEL_PLACES);
}
