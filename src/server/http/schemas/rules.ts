/** The rules of the handoff as the service judges by them: the contract in words, without any trace. */

import { type TSchema, Type } from 'typebox';
import type { Rule } from '../../../panic/index.ts';
import type { Agrees } from './agrees.ts';

/** A rule without its judge. */
export type RuleText = Omit<Rule, 'judge'>;

const ruleText = Type.Object({
  name: Type.String(),
  chapter: Type.Enum(['ways in', 'load time', 'T0 to T1', 'T1 to T4'], {
    description: 'Of the handoff, in the order in which it goes',
  }),
  asks: Type.String({ description: 'What must hold, in one sentence' }),
  paths: Type.Array(Type.Enum(['crash', 'kexec', 'restart']), {
    description: 'The ways out of the old kernel that the rule is about',
  }),
  source: Type.String({ description: 'Who says so' }),
});

const agreements: readonly true[] = [true satisfies Agrees<RuleText, typeof ruleText>];
void agreements;

export const RULE_ANSWERS: Readonly<Record<'RuleText', TSchema>> = { RuleText: ruleText };
