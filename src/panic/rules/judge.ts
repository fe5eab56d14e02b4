/** Judges a trace by every rule. */

import type { Capture } from '../contract/index.ts';
import type { HandoffPath, RuleResult } from '../trace/index.ts';
import { type Judgement, pathOf, type RuleInput } from './shared/input.ts';
import type { Rule } from './shared/rule.ts';
import { RULES } from './table.ts';

/** In the order of the contract. */
export function judgeRules(input: RuleInput): readonly RuleResult[] {
  return RULES.map((rule): RuleResult => ({ name: rule.name, ...judge(rule, input) }));
}

/**
 * Every rule, where there is no trace to judge.
 * @param why the reason for that, where one is known
 */
export function unjudgedRules(why: string | undefined): readonly RuleResult[] {
  const note = why === undefined ? 'there is no record' : `there is no record: ${why}`;
  return RULES.map(({ name }) => ({ name, verdict: 'not-evaluated', note }));
}

/** The reason why a rule about another way out of the kernel does not apply. */
const OTHER_PATHS: Readonly<Record<HandoffPath, string>> = {
  crash: 'the guest crashed',
  kexec: 'the guest was left by an ordinary kexec',
  restart: 'the guest restarted through firmware',
};

function judge(rule: Rule, input: RuleInput): Judgement {
  const path = pathOf(input);
  return rule.paths.includes(path)
    ? rule.judge(input)
    : { verdict: 'not-applicable', note: OTHER_PATHS[path] };
}

/** How many rules fared how, as a capture shows it. */
export function countRules(rules: readonly RuleResult[]): Capture['rules'] {
  const count = (verdict: RuleResult['verdict']): number =>
    rules.filter((rule) => rule.verdict === verdict).length;
  return {
    held: count('held'),
    broken: count('broken'),
    notReached: count('not-reached'),
    notApplicable: count('not-applicable'),
    notEvaluated: count('not-evaluated'),
  };
}
