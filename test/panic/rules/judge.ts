/** One rule's result for a handoff that a test has changed. */

import { assert } from '../../../src/base/errors.ts';
import { judgeRules } from '../../../src/panic/index.ts';
import type { RuleResult } from '../../../src/panic/trace/index.ts';
import { goodHandoff, type Handoff, inputOf } from '../../synth/rule-input.ts';

export function judged(rule: string, change: (handoff: Handoff) => void = () => undefined): RuleResult {
  const handoff = goodHandoff();
  change(handoff);
  const result = judgeRules(inputOf(handoff)).find(({ name }) => name === rule);
  assert(result !== undefined, `there is a rule ${rule}`);
  return result;
}

/** The registers of a step. */
export function regsOf(handoff: Handoff, step: string): Record<string, string> {
  const regs = handoff.steps.get(step)?.regs;
  assert(regs !== undefined, `step ${step} has registers`);
  return regs;
}

export function onlyOneCpu(handoff: Handoff): void {
  handoff.cpus.shift();
  for (const name of ['signal', 'reset', 'save', 'down-0', 'park', 'wait', 'slave'])
    handoff.steps.delete(name);
}
