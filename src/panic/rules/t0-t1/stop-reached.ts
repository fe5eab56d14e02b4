/**
 * `stop-reached`: every online secondary is stopped and saves its registers once; one that is not is named with what
 * it was doing. Source: handoff contract, seed 004; Linux 6.1 arch/powerpc/kexec/crash.c, kernel/crash_core.c
 * (the note is written once for each saving).
 */

import type { TraceEvent } from '../trace/index.ts';
import { WATCH } from '../watch/index.ts';
import {
  handoffEvents,
  lastSeen,
  nameCpu,
  type Rule,
  reg,
  secondariesOf,
  verdict,
  withoutSecondaries,
} from './input.ts';

const SYSTEM_RESET = 0x100n;

export const stopReached: Rule = {
  name: 'stop-reached',
  paths: ['crash'],
  judge: (input) => {
    const { instants, image } = input;
    const alone = withoutSecondaries(input);
    if (alone !== undefined) return alone;
    if (instants.t0 === undefined) return verdict('not-reached', 'no panic was seen');
    if (image.load === undefined)
      return verdict('not-reached', 'no crash image is loaded: nothing stops CPUs for one', [instants.t0]);
    const events = handoffEvents(input);
    const faults: string[] = [];
    const evidence: TraceEvent[] = [];
    const resetByOperator = events.filter(({ kind }) => kind === 'reset');
    for (const cpu of secondariesOf(input)) {
      const own = events.filter((event) => event.cpu === cpu.index);
      const stop = own.find(isStop);
      const saves = savesOf(own, cpu.index, image.load.notes.length > 0);
      evidence.push(...(stop === undefined ? [] : [stop]), ...saves);
      if (stop === undefined && saves.length === 0)
        faults.push(`${nameCpu(cpu)} was not stopped; ${lastSeen(input, cpu.index, instants.t1?.event)}`);
      else if (saves.length === 0)
        faults.push(
          `${nameCpu(cpu)} did not save its registers; ${lastSeen(input, cpu.index, instants.t1?.event)}`,
        );
      else if (saves.length > 1) faults.push(`${nameCpu(cpu)} saved its registers ${saves.length} times`);
    }
    if (faults.length > 0) return verdict('broken', faults.join('; '), [instants.t0, ...evidence]);
    const signals = events.filter(({ kind, detail }) => kind === 'hcall' && detail === 'H_SIGNAL_SYS_RESET');
    return verdict('held', how(signals, resetByOperator), [...signals, ...resetByOperator, ...evidence]);
  },
};

/** A system reset, or the kernel's handler of its own interrupt for this. */
export function isStop({ kind, addr, detail }: TraceEvent): boolean {
  if (kind === 'interrupt') return addr !== undefined && BigInt(addr) === SYSTEM_RESET;
  return kind === 'fetch' && detail === 'crash_ipi_callback';
}

/** Where the notes' places are known, stores to them; else calls of the function that saves. */
function savesOf(own: readonly TraceEvent[], cpu: number, notesKnown: boolean): readonly TraceEvent[] {
  return own.filter(({ kind, detail }) =>
    notesKnown
      ? kind === 'store' && detail === WATCH.note(cpu)
      : kind === 'fetch' && detail === 'crash_save_cpu',
  );
}

function how(signals: readonly TraceEvent[], operator: readonly TraceEvent[]): string {
  const refused = signals.filter((event) => reg(event, 'status') !== 0n);
  if (signals.length > refused.length) return 'by H_SIGNAL_SYS_RESET';
  if (operator.length > 0) return 'by a system reset from outside';
  return 'by an interrupt through the interrupt controller';
}
