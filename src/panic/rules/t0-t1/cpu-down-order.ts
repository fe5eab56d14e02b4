/**
 * Rule `cpu-down-order`: on the ordinary path kexec_cpu_down(0, secondary = 1) runs on every secondary, then (0, 0) on the
 * master while all others spin; on the crash path each secondary is taken down after the master's go-ahead, and the master
 * waits for them with a limit. The note records the order (docs/handoff.md; Linux 6.1 arch/powerpc/kexec/core_64.c,
 * crash.c). The platform's function for it shows a CPU's teardown, and its arguments the path and who it is for; where it
 * has no name, the calls that undo what the firmware keeps for the CPU do (shared/teardowns.ts). The go-ahead comes when
 * the master has saved its own registers.
 */

import { type CallEvent, calls, type EventSort, type FunctionName, storesAt } from '../../trace/index.ts';
import { masterOf, nameCpu, secondariesOf, withoutSecondaries } from '../shared/cpus.ts';
import { notKept } from '../shared/dropped.ts';
import { type Judgement, pathOf, type RuleInput } from '../shared/input.ts';
import { eventsIn, untilEntry } from '../shared/stretches.ts';
import { isTeardown, mayBeTeardown, type Teardown } from '../shared/teardowns.ts';
import { isRealMode, lastMsr, msrAfter, msrOf } from '../shared/translation.ts';
import { verdict } from '../shared/verdict.ts';

const CPU_DOWN: FunctionName = 'pseries_kexec_cpu_down';

type Down = CallEvent | Teardown;

export function cpuDownOrder(input: RuleInput): Judgement {
  const alone = withoutSecondaries(input);
  if (alone !== undefined) return alone;
  const { t0, t1 } = input.instants;
  const master = masterOf(input);
  if (t0 === undefined || master === undefined) return verdict('not-reached', 'no CPU left the old kernel');
  const downs = downsOf(input);
  const hidden = notKept(input, untilEntry(input), (sort) =>
    isNamed(input) ? calls(sort, CPU_DOWN) : mayBeTeardown(sort),
  );
  if (hidden !== undefined) return hidden;
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
  if (typeof judged === 'string') return verdict('broken', judged, [...downs, t1]);
  if (judged !== undefined) return judged;
  if (own === undefined && t1 === undefined)
    return verdict('not-reached', 'the master had not been taken down', downs);
  if (own === undefined) return verdict('broken', `${nameCpu(master)} was not taken down`, [...downs, t1]);
  const order = downs.map(({ cpu }) => cpu).join(', ');
  const missing = secondariesOf(input).filter(({ index }) => !downs.some(({ cpu }) => cpu === index));
  const without =
    missing.length === 0 ? '' : `; the master went on without ${missing.map(nameCpu).join(', ')}`;
  return verdict('held', `in the order of CPUs ${order}; the master is ${nameCpu(master)}${without}`, downs);
}

/** Whether the guest's symbols name the platform's function. */
function isNamed({ image }: RuleInput): boolean {
  return image.probes.includes(CPU_DOWN);
}

/**
 * Each CPU's teardown, in order: the first call of the function; without it the last of its hypercalls, because a kernel ends its
 * every IPI by H_IPI with MFRR 0xff as well (Linux 6.1 arch/powerpc/sysdev/xics/icp-hv.c).
 */
function downsOf(input: RuleInput): readonly Down[] {
  const events = eventsIn(input, untilEntry(input));
  if (!isNamed(input)) {
    const all = events.filter((event) => isTeardown(event));
    return all.filter((event) => all.findLast(({ cpu }) => cpu === event.cpu) === event);
  }
  const all = events.filter((event) => calls(event, CPU_DOWN));
  return all.filter((event) => all.find(({ cpu }) => cpu === event.cpu) === event);
}

/** The function's r3 says whether it is a crash, r4 whether the CPU is a secondary. */
function argumentFault(input: RuleInput, down: Down, master: number): string | undefined {
  if (down.kind !== 'fetch') return undefined;
  const crash = pathOf(input) === 'crash' ? 1n : 0n;
  const secondary = down.cpu === master ? 0n : 1n;
  const seen = [BigInt(down.regs.r3), BigInt(down.regs.r4)];
  return seen[0] === crash && seen[1] === secondary
    ? undefined
    : `CPU ${down.cpu} was taken down as (${seen[0]}, ${seen[1]}), not (${crash}, ${secondary})`;
}

function crashFault(
  input: RuleInput,
  downs: readonly Down[],
  master: number,
): string | Judgement | undefined {
  const isSave = (event: EventSort): boolean =>
    event.cpu === master && (storesAt(event, { at: 'note', cpu: master }) || calls(event, 'crash_save_cpu'));
  const saved = eventsIn(input, untilEntry(input)).find(isSave);
  if (saved === undefined) return notKept(input, untilEntry(input), isSave);
  const early = downs.find(({ cpu, n }) => cpu !== master && n < saved.n);
  return early === undefined ? undefined : `CPU ${early.cpu} was taken down before the master's go-ahead`;
}

function ordinaryFault(
  input: RuleInput,
  downs: readonly Down[],
  own: Down | undefined,
): string | Judgement | undefined {
  for (const cpu of secondariesOf(input)) {
    const down = downs.find((each) => each.cpu === cpu.index);
    if (down === undefined) return `${nameCpu(cpu)} was not taken down`;
    if (own === undefined) continue;
    if (down.n > own.n) return `the master was taken down before ${nameCpu(cpu)}`;
    const stretch = { ...untilEntry(input), to: own.n };
    const hidden = notKept(input, stretch, msrOf(cpu.index));
    if (hidden !== undefined) return hidden;
    const last = lastMsr(eventsIn(input, stretch), cpu.index, own.n);
    if (last === undefined || !isRealMode(msrAfter(last)))
      return `${nameCpu(cpu)} did not spin in real mode when the master was taken down`;
  }
  return undefined;
}
