/** Who is who: the master, its secondaries, and how notes name a CPU. */

import type { Trace } from '../../trace/index.ts';
import { type Judgement, pathOf, type RuleInput } from './input.ts';
import { verdict } from './verdict.ts';

type Cpu = Trace['machine']['cpus'][number];

/** The CPU that entered the image, or, before that, the one that panicked. */
export function masterOf(input: RuleInput): Cpu | undefined {
  const index = (input.instants.t1 ?? input.instants.t0)?.cpu;
  return input.machine.cpus.find((cpu) => cpu.index === index);
}

/**
 * All others that were online when the trigger came. For an ordinary kexec Linux brings offline CPUs up again (6.1
 * arch/powerpc/kexec/core_64.c wake_offline_cpus): they are secondaries as well. One that is with the firmware at T1 is none,
 * whatever was known of it before.
 */
export function secondariesOf(input: RuleInput): readonly Cpu[] {
  const master = masterOf(input);
  return input.machine.cpus.filter((cpu) => cpu.index !== master?.index && isOnline(input, cpu));
}

/** Whether the old kernel had the CPU. */
export function isOnline(input: RuleInput, { index, online }: Cpu): boolean {
  const then = input.records?.t1?.cpus.find((cpu) => cpu.index === index)?.state;
  if (then === 'stopped') return false;
  const isWoken = pathOf(input) === 'kexec' && then !== undefined;
  return isWoken || online !== false;
}

/** `CPU 1` and its hardware id. */
export function nameCpu(cpu: Cpu): string {
  return `CPU ${cpu.index} (hardware id ${cpu.hardwareId})`;
}

/** The last event of a CPU before the event `before`, in words. */
export function lastSeen(input: RuleInput, cpu: number, before: number = Number.POSITIVE_INFINITY): string {
  const event = input.events.findLast((each) => each.cpu === cpu && each.n < before);
  if (event === undefined) return 'it was not seen since the trigger';
  const symbol = 'symbol' in event ? event.symbol : undefined;
  const where = symbol ?? ('addr' in event ? event.addr : undefined);
  return `last seen: ${event.text}${where === undefined ? '' : ` at ${where}`}`;
}

/** The reason why a rule about other CPUs does not apply. */
export function withoutSecondaries(input: RuleInput): Judgement | undefined {
  if (input.machine.cpus.length === 1) return verdict('not-applicable', 'single CPU');
  const secondaries = secondariesOf(input);
  return secondaries.length === 0 ? verdict('not-applicable', 'no other CPU was online') : undefined;
}
