/**
 * `cpu-down-order`: ordinary path: kexec_cpu_down(0, secondary = 1) on every secondary, then (0, 0) on the master while
 * all others spin. Crash path: each secondary after the master's go-ahead; the master waits for them with a limit and
 * goes on. The order seen is recorded. Source: handoff contract, seed 004; Linux 6.1 arch/powerpc/kexec/core_64.c,
 * crash.c. A CPU's teardown is told by the platform's function for it, whose arguments say which path and who; where it
 * has no name, by the calls that undo what the firmware keeps for the CPU (thread-identity.ts). The go-ahead comes when
 * the master has saved its own registers.
 */

import type { TraceEvent } from '../trace/index.ts';
import { WATCH } from '../watch/index.ts';
import {
  handoffEvents,
  isRealMode,
  KEXEC_PATHS,
  masterOf,
  msrAfter,
  nameCpu,
  pathOf,
  type Rule,
  type RuleInput,
  reg,
  secondariesOf,
  verdict,
  withoutSecondaries,
} from './input.ts';
import { isTeardown } from './thread-identity.ts';

const CPU_DOWN = 'pseries_kexec_cpu_down';

export const cpuDownOrder: Rule = {
  name: 'cpu-down-order',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const alone = withoutSecondaries(input);
    if (alone !== undefined) return alone;
    const { t0, t1 } = input.instants;
    const master = masterOf(input);
    if (t0 === undefined || master === undefined) return verdict('not-reached', 'no CPU left the old kernel');
    const downs = downsOf(input);
    if (downs.length === 0)
      return t1 === undefined
        ? verdict('not-reached', 'no CPU was taken down', [t0])
        : verdict('broken', 'the image was entered, but no CPU was taken down', [t0, t1]);
    const own = downs.find(({ cpu }) => cpu === master.index);
    const argued = downs
      .map((down) => argumentFault(input, down, master.index))
      .find((each) => each !== undefined);
    if (argued !== undefined) return verdict('broken', argued, downs);
    const judged =
      pathOf(input) === 'crash' ? crashFault(input, downs, master.index) : ordinaryFault(input, downs, own);
    if (judged !== undefined) return verdict('broken', judged, [...downs, t1]);
    if (own === undefined && t1 === undefined)
      return verdict('not-reached', 'the master had not been taken down', downs);
    if (own === undefined) return verdict('broken', `${nameCpu(master)} was not taken down`, [...downs, t1]);
    const order = downs.map(({ cpu }) => cpu).join(', ');
    const missing = secondariesOf(input).filter(({ index }) => !downs.some(({ cpu }) => cpu === index));
    const without =
      missing.length === 0 ? '' : `; the master went on without ${missing.map(nameCpu).join(', ')}`;
    return verdict(
      'held',
      `in the order of CPUs ${order}; the master is ${nameCpu(master)}${without}`,
      downs,
    );
  },
};

/** Each CPU's first teardown, in order. */
function downsOf(input: RuleInput): readonly TraceEvent[] {
  const events = handoffEvents(input);
  const named = input.image.probes.includes(CPU_DOWN);
  const seen = new Set<number>();
  return events.filter(
    (event) =>
      (named ? event.kind === 'fetch' && event.detail === CPU_DOWN : isTeardown(event)) &&
      !seen.has(event.cpu) &&
      seen.add(event.cpu).size > 0,
  );
}

/** r3 tells a crash, r4 a secondary. */
function argumentFault(input: RuleInput, down: TraceEvent, master: number): string | undefined {
  if (down.kind !== 'fetch') return undefined;
  const crash = pathOf(input) === 'crash' ? 1n : 0n;
  const secondary = down.cpu === master ? 0n : 1n;
  const seen = [reg(down, 'r3'), reg(down, 'r4')];
  if (seen[0] === undefined || seen[1] === undefined) return undefined;
  return seen[0] === crash && seen[1] === secondary
    ? undefined
    : `CPU ${down.cpu} was taken down as (${seen[0]}, ${seen[1]}), not (${crash}, ${secondary})`;
}

function crashFault(input: RuleInput, downs: readonly TraceEvent[], master: number): string | undefined {
  const saved = handoffEvents(input).find(
    ({ kind, detail, cpu }) =>
      cpu === master &&
      ((kind === 'store' && detail === WATCH.note(master)) ||
        (kind === 'fetch' && detail === 'crash_save_cpu')),
  );
  if (saved === undefined) return undefined;
  const early = downs.find(({ cpu, n }) => cpu !== master && n < saved.n);
  return early === undefined ? undefined : `CPU ${early.cpu} was taken down before the master's go-ahead`;
}

function ordinaryFault(
  input: RuleInput,
  downs: readonly TraceEvent[],
  own: TraceEvent | undefined,
): string | undefined {
  for (const cpu of secondariesOf(input)) {
    const down = downs.find((each) => each.cpu === cpu.index);
    if (down === undefined) return `${nameCpu(cpu)} was not taken down`;
    if (own === undefined) continue;
    if (down.n > own.n) return `the master was taken down before ${nameCpu(cpu)}`;
    const last = handoffEvents(input).findLast(
      (event) => event.cpu === cpu.index && event.n < own.n && msrAfter(event) !== undefined,
    );
    if (last === undefined || !isRealMode(msrAfter(last)))
      return `${nameCpu(cpu)} did not spin in real mode when the master was taken down`;
  }
  return undefined;
}
