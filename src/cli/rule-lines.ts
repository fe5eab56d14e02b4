/** Prints verdicts of rules: a line each, with the reason of one that did not hold. */

import type { ReportedRule } from '../panic/index.ts';
import { oneLine } from './one-line.ts';

export function ruleLines(rules: readonly ReportedRule[]): string {
  const [first] = rules;
  // Nothing was recorded: it is said once.
  if (first?.verdict === 'not-evaluated' && rules.every(({ note }) => note === first.note))
    return `  not-evaluated   every rule${because(first)}\n`;
  return rules
    .map(
      (rule) => `  ${rule.verdict.padEnd(15)} ${rule.name}${rule.verdict === 'held' ? '' : because(rule)}\n`,
    )
    .join('');
}

function because({ note }: ReportedRule): string {
  return note === undefined ? '' : `: ${oneLine(note)}`;
}
