/** Rules of the handoff in words, and the verdict of one on a capture. */

import { type TUnsafe, Type } from 'typebox';
import { CHAPTERS, type Rule as NamedRule } from '../../../panic/rules/index.ts';
import { HANDOFF_PATHS, type RuleResult } from '../../../panic/trace/index.ts';
import { exactly } from './exact.ts';
import { closed, count } from './scalars.ts';

/** A rule without its judge. */
export type RuleTextAnswer = Omit<NamedRule, 'judge'>;

export const RuleText: TUnsafe<RuleTextAnswer> = exactly<RuleTextAnswer>()(
  Type.Object(
    {
      name: Type.String(),
      chapter: Type.Enum(CHAPTERS, { description: 'Of the handoff, in the order in which it goes' }),
      asks: Type.String({ description: 'What must hold, in one sentence' }),
      paths: Type.Array(Type.Enum(HANDOFF_PATHS), {
        description: 'The ways out of the old kernel that the rule is about',
      }),
      source: Type.String({ description: 'Who says so' }),
    },
    closed,
  ),
);

export const Rule: TUnsafe<RuleResult> = exactly<RuleResult>()(
  Type.Object(
    {
      name: Type.String(),
      verdict: Type.Enum(['held', 'broken', 'not-reached', 'not-applicable', 'not-evaluated']),
      evidence: Type.Optional(Type.Array(count, { description: 'Numbers of events of the trace' })),
      note: Type.Optional(Type.String()),
    },
    closed,
  ),
);
