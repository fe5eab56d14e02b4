/** The rules of the handoff (docs/rules.md). */

export type { RuleName } from './contract.ts';
export { countRules, judgeRules, unjudgedRules } from './judge.ts';
export type { RuleInput } from './shared/input.ts';
export type { Rule } from './shared/rule.ts';
export { CHAPTERS } from './shared/rule.ts';
export { RULE_NAMES, RULES } from './table.ts';
