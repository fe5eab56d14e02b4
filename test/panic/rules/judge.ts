/** One rule's result for a handoff that a test has changed. */

import { assert } from '../../../src/base/errors.ts';
import { judgeRules, type RuleInput, type RuleName } from '../../../src/panic/rules/index.ts';
import type { RuleResult } from '../../../src/panic/trace/index.ts';
import { goodHandoff, type Handoff, inputOf } from '../../synth/rule-input.ts';

export function judged(rule: RuleName, change: (handoff: Handoff) => void = () => undefined): RuleResult {
  const handoff = goodHandoff();
  change(handoff);
  return judgedOf(rule, inputOf(handoff));
}

export function judgedOf(rule: RuleName, input: RuleInput): RuleResult {
  const result = judgeRules(input).find(({ name }) => name === rule);
  assert(result !== undefined, `there is a rule ${rule}`);
  return result;
}

export function onlyOneCpu(handoff: Handoff): void {
  handoff.cpus.shift();
  for (const name of ['signal', 'reset', 'save', 'down-0', 'park', 'wait', 'slave'])
    handoff.steps.delete(name);
}
