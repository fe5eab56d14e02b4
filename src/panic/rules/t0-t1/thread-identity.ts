/**
 * `thread-identity`: teardown per thread uses the hardware thread id, never `secondary ? 1 : 0`; each thread once
 * (teardown-idempotent: a second call does no harm). Source: handoff contract, seed 004; LoPAR, H_REGISTER_VPA (flags,
 * bits 16–18: 5 VPA, 6 dispatch trace log, 7 SLB shadow, to be unregistered), H_IPI, H_INT_SET_QUEUE_CONFIG; Linux 6.1
 * arch/powerpc/include/asm/hvcall.h, platforms/pseries/kexec.c, sysdev/xics. Judged on the calls by
 * which a CPU undoes what the firmware keeps for it: unregistering its areas, emptying its event queue, and silencing
 * its inter-processor interrupt (MFRR 0xff).
 */

import type { TraceEvent } from '../trace/index.ts';
import { handoffEvents, KEXEC_PATHS, nameCpu, type Rule, type RuleInput, reg, verdict } from './input.ts';

/** Functions of H_REGISTER_VPA that unregister. */
const UNREGISTER: Readonly<Record<string, string>> = {
  '5': 'VPA',
  '6': 'dispatch log',
  '7': 'SLB shadow',
};
const FUNCTION_SHIFT = 45n;
const LEAST_FAVOURED = 0xffn;

export const threadIdentity: Rule = {
  name: 'thread-identity',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { instants, machine } = input;
    const { t0, t1 } = instants;
    if (t0 === undefined) return verdict('not-reached', 'no CPU left the old kernel');
    const teardowns = handoffEvents(input).filter(isTeardown);
    if (teardowns.length === 0)
      return t1 === undefined
        ? verdict('not-reached', 'nothing was torn down', [t0])
        : verdict('not-applicable', 'no call names a thread: the guest keeps nothing with the firmware', [
            t1,
          ]);
    for (const event of teardowns) {
      const target = targetOf(event);
      const cpu = machine.cpus.find(({ index }) => index === event.cpu);
      if (cpu === undefined || target === BigInt(cpu.hardwareId)) continue;
      return verdict(
        'broken',
        `${nameCpu(cpu)} named thread ${target} in ${event.detail} (${nameTeardown(event)})`,
        [event],
      );
    }
    const again = repeated(teardowns);
    const harm = again.find(({ cpu, n }) => isStuck(input, cpu, n));
    if (harm !== undefined)
      return verdict('broken', `CPU ${harm.cpu} did not go on after its second teardown`, [harm]);
    const twice =
      again.length === 0
        ? ''
        : `; a second call (${again.map((event) => `${nameTeardown(event)} of CPU ${event.cpu}, status ${status(event)}`).join(', ')}) did no harm`;
    const what = [...new Set(teardowns.map(nameTeardown))].join(', ');
    return verdict('held', `each CPU named its own hardware thread: ${what}${twice}`, teardowns);
  },
};

/** Whether the event is a call that undoes what the firmware keeps for one thread. */
export function isTeardown(event: TraceEvent): boolean {
  if (event.kind !== 'hcall') return false;
  switch (event.detail) {
    case 'H_REGISTER_VPA':
      return unregistered(event) !== undefined;
    case 'H_IPI':
      return reg(event, 'r5') === LEAST_FAVOURED;
    case 'H_INT_SET_QUEUE_CONFIG':
      return reg(event, 'r7') === 0n && reg(event, 'r8') === 0n;
    default:
      return false;
  }
}

function unregistered(event: TraceEvent): string | undefined {
  return UNREGISTER[`${((reg(event, 'r4') ?? 0n) >> FUNCTION_SHIFT) & 7n}`];
}

/** The thread that the call names. */
function targetOf(event: TraceEvent): bigint | undefined {
  return event.detail === 'H_IPI' ? reg(event, 'r4') : reg(event, 'r5');
}

function nameTeardown(event: TraceEvent): string {
  if (event.detail === 'H_REGISTER_VPA') return unregistered(event) ?? 'nothing';
  if (event.detail === 'H_IPI') return 'MFRR';
  return `event queue ${reg(event, 'r6')}`;
}

/** Silencing an interrupt is the same each time; unregistering and emptying are once. */
function repeated(teardowns: readonly TraceEvent[]): readonly TraceEvent[] {
  const seen = new Set<string>();
  return teardowns.filter((event) => {
    if (event.detail === 'H_IPI') return false;
    const key = `${event.cpu} ${nameTeardown(event)}`;
    return seen.has(key) || seen.add(key).size === 0;
  });
}

/** A CPU that does nothing more, though the image was entered by another one. */
function isStuck(input: RuleInput, cpu: number, n: number): boolean {
  return input.instants.t1 !== undefined && !input.events.some((event) => event.cpu === cpu && event.n > n);
}

function status(event: TraceEvent): bigint {
  return BigInt.asIntN(64, reg(event, 'status') ?? 0n);
}
