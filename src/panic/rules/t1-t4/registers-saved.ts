/**
 * Rule `registers-saved`: the dump has one NT_PRSTATUS for each CPU that answered, equal to what the emulator saw:
 * secondaries at interrupt delivery; the master's fault frame, or its registers at the save (docs/handoff.md; Linux 6.1
 * kernel/crash_core.c, kernel/kexec_core.c crash_save_cpu; src/panic/fidelity/registers.ts).
 */

import { type EventSort, type StoreEvent, storesAt } from '../../trace/index.ts';
import { masterOf } from '../shared/cpus.ts';
import { notKept } from '../shared/dropped.ts';
import { fidelityOf } from '../shared/fidelity.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { isStop, mayBeStop } from '../shared/places.ts';
import { eventsIn, untilEntry } from '../shared/stretches.ts';
import { isJudgement, verdict } from '../shared/verdict.ts';

const NAMED = 3;

export function registersSaved(input: RuleInput): Judgement {
  const report = fidelityOf(input);
  if (isJudgement(report)) return report;
  const { instants } = input;
  const { registers } = report;
  if (registers === undefined) return verdict('not-reached', 'there is no dump', [instants.t1]);
  const events = eventsIn(input, untilEntry(input));
  const answered = (cpu: number): boolean =>
    cpu === masterOf(input)?.index || events.some((event) => event.cpu === cpu && isStop(event));
  const saves = events.filter((event) => storesAt(event, 'note'));
  const saveOf = (cpu: number): StoreEvent | undefined =>
    saves.find((event) => storesAt(event, { at: 'note', cpu }));
  const faults: string[] = [];
  const sources: string[] = [];
  for (const { cpu, source, differing } of registers) {
    if (source === 'missing') {
      if (saveOf(cpu) !== undefined) faults.push(`CPU ${cpu} saved its registers, and the dump has none`);
      else if (answered(cpu)) faults.push(`CPU ${cpu} answered, and the dump has no registers of it`);
      else {
        const answers = (sort: EventSort): boolean =>
          storesAt(sort, { at: 'note', cpu }) || (sort.cpu === cpu && mayBeStop(sort));
        const hidden = notKept(input, untilEntry(input), answers);
        if (hidden !== undefined) return hidden;
        sources.push(`CPU ${cpu} did not answer`);
      }
    } else if (differing.length > 0) {
      const more = differing.length > NAMED ? ` and ${differing.length - NAMED} more` : '';
      faults.push(`CPU ${cpu} (${source}): ${differing.slice(0, NAMED).join(', ')}${more}`);
    } else
      sources.push(source === 'unseen' ? `CPU ${cpu}: nothing to compare with` : `CPU ${cpu}: ${source}`);
  }
  const evidence = [instants.t0, ...saves, instants.t1];
  if (faults.length > 0) return verdict('broken', faults.join('; '), evidence);
  return verdict('held', sources.join(', '), evidence);
}
