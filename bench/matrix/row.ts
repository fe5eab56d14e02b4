/** Makes a row of the matrix from the report and the trace of one crash. */

import type { CrashReport } from '../../src/panic/index.ts';
import type { RuleResult } from '../../src/panic/trace/index.ts';
import type { Combination } from './combinations.ts';

/** What a debugger made of the dump. */
export type Stacks = {
  readonly cpus: number;
  /** CPUs with a symbolic stack back to where they began; for drgn also registers. */
  readonly whole: number;
};

export type Row = Combination & {
  readonly outcome: 'captured' | 'failed';
  /** Why it failed, or why the debugger did. */
  readonly reason?: string;
  readonly held: number;
  /** Names of rules. */
  readonly broken: readonly string[];
  readonly notReached: readonly string[];
  readonly notEvaluated: readonly string[];
  /** Notes of rules that are broken, not reached or not evaluated. */
  readonly notes?: readonly { readonly name: string; readonly reason: string }[];
  readonly notApplicable: readonly { readonly name: string; readonly reason: string }[];
  /** Instructions from T0 to T4; absent where it did not get there. */
  readonly instructions?: number;
  /** Absent: no debugger was asked. */
  readonly stacks?: Stacks;
  /** Whether drgn opens the dump and reads the kernel's first page; what it said where it does not. Absent: it was not asked. */
  readonly drgn?: 'opens' | string;
  readonly kernelRelease?: string;
};

/** @param rules those of the trace, which have the reasons */
export function rowOf(
  combination: Combination,
  report: Pick<CrashReport, 'outcome' | 'reason' | 'instructions'>,
  rules: readonly RuleResult[],
): Row {
  const named = (verdict: RuleResult['verdict']): string[] =>
    rules.filter((rule) => rule.verdict === verdict).map(({ name }) => name);
  const { handoff, capture } = report.instructions;
  return {
    ...combination,
    outcome: report.outcome,
    ...(report.reason === undefined ? {} : { reason: report.reason }),
    held: named('held').length,
    broken: named('broken'),
    notReached: named('not-reached'),
    notEvaluated: named('not-evaluated'),
    notes: rules.flatMap(({ name, verdict, note }) =>
      note === undefined || verdict === 'held' || verdict === 'not-applicable'
        ? []
        : [{ name, reason: note }],
    ),
    notApplicable: rules
      .filter(({ verdict }) => verdict === 'not-applicable')
      .map(({ name, note }) => ({ name, reason: note ?? 'no reason given' })),
    ...(report.outcome === 'captured' ? { instructions: handoff + capture } : {}),
  };
}

/** A crash that was not run to its end for a reason that is not the guest's. */
export function failedRow(combination: Combination, reason: string): Row {
  return {
    ...combination,
    outcome: 'failed',
    reason,
    held: 0,
    broken: [],
    notReached: [],
    notEvaluated: [],
    notApplicable: [],
  };
}

/** Captured, every applicable rule held, and every CPU's stack is whole where a debugger was asked. */
export function isGood(row: Row): boolean {
  const { outcome, broken, notReached, notEvaluated, stacks } = row;
  const open = broken.length + notReached.length + notEvaluated.length;
  return outcome === 'captured' && open === 0 && (stacks === undefined || stacks.whole === row.cpus);
}
