/**
 * `registers-saved`: one NT_PRSTATUS for each CPU that answered, equal to what the emulator saw: secondaries at interrupt
 * delivery; the master's fault frame, or its registers at the save.
 * Source: handoff contract; Linux 6.1 kernel/crash_core.c, kernel/kexec_core.c (crash_save_cpu); src/panic/fidelity/registers.ts.
 */

import type { TraceEvent } from '../trace/index.ts';
import { WATCH } from '../watch/index.ts';
import { fidelityOf, isJudgement } from './fidelity-input.ts';
import { handoffEvents, masterOf, type Rule, verdict } from './input.ts';
import { isStop } from './stop-reached.ts';

const NAMED = 3;

export const registersSaved: Rule = {
  name: 'registers-saved',
  paths: ['crash'],
  judge: (input) => {
    const report = fidelityOf(input);
    if (isJudgement(report)) return report;
    const { instants } = input;
    const { registers } = report;
    if (registers === undefined) return verdict('not-reached', 'there is no dump to look at', [instants.t1]);
    const events = handoffEvents(input);
    const answered = (cpu: number): boolean =>
      cpu === masterOf(input)?.index || events.some((event) => event.cpu === cpu && isStop(event));
    const saves = events.filter(
      ({ kind, detail }) => kind === 'store' && detail?.startsWith(WATCH.note(0).slice(0, -1)),
    );
    const saveOf = (cpu: number): TraceEvent | undefined =>
      saves.find(({ detail }) => detail === WATCH.note(cpu));
    const faults: string[] = [];
    const told: string[] = [];
    for (const { cpu, source, differing } of registers) {
      if (source === 'missing') {
        if (saveOf(cpu) !== undefined) faults.push(`CPU ${cpu} saved its registers, and the dump has none`);
        else if (answered(cpu)) faults.push(`CPU ${cpu} answered, and the dump has no registers of it`);
        else told.push(`CPU ${cpu} did not answer`);
      } else if (differing.length > 0) {
        const more = differing.length > NAMED ? ` and ${differing.length - NAMED} more` : '';
        faults.push(`CPU ${cpu} (${source}): ${differing.slice(0, NAMED).join(', ')}${more}`);
      } else told.push(source === 'unseen' ? `CPU ${cpu}: nothing to compare with` : `CPU ${cpu}: ${source}`);
    }
    const evidence = [instants.t0, ...saves, instants.t1];
    if (faults.length > 0) return verdict('broken', faults.join('; '), evidence);
    return verdict('held', told.join(', '), evidence);
  },
};
