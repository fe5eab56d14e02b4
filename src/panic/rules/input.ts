/**
 * What rules are judged from: a trace without its rules. Everything in it comes from machine events and from memory;
 * rules are pure functions of it, so that a stored trace can be judged again.
 */

import type { Instant, RuleResult, Trace, TraceEvent, Verdict } from '../contract.ts';
import type { ImageFacts } from '../recorder/index.ts';

export type RuleInput = Omit<Trace, 'rules' | 'version' | 'image'> & { readonly image: ImageFacts };

/** A rule: its name in the handoff contract and how it is judged. */
export type Rule = { readonly name: string; readonly judge: (input: RuleInput) => Judgement };

export type Judgement = Omit<RuleResult, 'name'>;

type Cpu = Trace['machine']['cpus'][number];

export const MSR_IR = 0x20n;
export const MSR_DR = 0x10n;
export const MSR_LE = 0x1n;

/** A verdict with its evidence and a note. */
export function verdict(
  what: Verdict,
  note: string,
  evidence: readonly (TraceEvent | Instant | undefined)[] = [],
): Judgement {
  const numbers = evidence.flatMap((each) =>
    each === undefined ? [] : ['event' in each ? each.event : each.n],
  );
  const unique = [...new Set(numbers)].sort((a, b) => a - b);
  return { verdict: what, ...(unique.length === 0 ? {} : { evidence: unique }), note };
}

/** The CPU that runs the crash: who entered the image, or, before that, who panicked. */
export function masterOf(input: RuleInput): Cpu | undefined {
  const index = (input.instants.t1 ?? input.instants.t0)?.cpu;
  return input.machine.cpus.find((cpu) => cpu.index === index);
}

/** All others that were online when the trigger came. */
export function secondariesOf(input: RuleInput): readonly Cpu[] {
  const master = masterOf(input);
  return input.machine.cpus.filter((cpu) => cpu.index !== master?.index && cpu.online !== false);
}

/** Events from T0 (the whole trace, where there is none) to T1 or, where the image was never entered, to the end. */
export function handoffEvents(input: RuleInput): readonly TraceEvent[] {
  const from = input.instants.t0?.event ?? 0;
  const to = input.instants.t1?.event ?? Number.POSITIVE_INFINITY;
  return input.events.filter(({ n }) => n >= from && n < to);
}

/** A register of an event, or undefined. */
export function reg(event: TraceEvent | undefined, name: string): bigint | undefined {
  const text = event?.regs?.[name];
  return text === undefined ? undefined : BigInt(text);
}

/** Whether the MSR value has translation off for instructions and data. */
export function isRealMode(msr: bigint | undefined): boolean {
  return msr !== undefined && (msr & (MSR_IR | MSR_DR)) === 0n;
}

/** `CPU 1` and its hardware id, as notes name it. */
export function nameCpu(cpu: Cpu): string {
  return `CPU ${cpu.index} (hardware id ${cpu.hardwareId})`;
}

/** What a CPU was last seen doing before `before`. */
export function lastSeen(input: RuleInput, cpu: number, before: number = Number.POSITIVE_INFINITY): string {
  const event = input.events.findLast((each) => each.cpu === cpu && each.n < before);
  if (event === undefined) return 'it was not seen since the trigger';
  const where = event.symbol ?? event.addr;
  return `last seen: ${event.kind} ${event.detail ?? ''}${where === undefined ? '' : ` at ${where}`}`.replace(
    '  ',
    ' ',
  );
}

/** For rules about other CPUs: why they do not apply. */
export function withoutSecondaries(input: RuleInput): Judgement | undefined {
  if (input.machine.cpus.length === 1) return verdict('not-applicable', 'single CPU');
  const secondaries = secondariesOf(input);
  return secondaries.length === 0 ? verdict('not-applicable', 'no other CPU was online') : undefined;
}
