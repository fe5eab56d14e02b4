/**
 * What a rule is judged from, and what a judge answers. Everything in the input comes from machine events and from
 * memory; judges are pure functions of it, so that a stored trace can be judged again.
 */

import type { HandoffPath, RuleResult, Trace } from '../../trace/index.ts';

/** A trace without its rules. */
export type RuleInput = Omit<Trace, 'rules' | 'version'>;

export type Judgement = Omit<RuleResult, 'name'>;

export type Judge = (input: RuleInput) => Judgement;

/** How the old kernel was left. */
export function pathOf({ image }: RuleInput): HandoffPath {
  return image.path ?? 'crash';
}
