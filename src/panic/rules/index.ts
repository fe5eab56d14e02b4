/**
 * The rules of the handoff (docs/rules.md), in the contract's order. Those that are not judged yet are listed all the
 * same, so that nobody takes silence for a promise kept.
 */

import type { Capture, RuleResult } from '../contract.ts';
import { bootCpuRecorded } from './boot-cpu-recorded.ts';
import type { Rule, RuleInput } from './input.ts';
import { masterEntry } from './master-entry.ts';
import { panicSkipsShutdown } from './panic-skips-shutdown.ts';
import { pathPanic } from './path-panic.ts';
import { runAtLoadSet } from './run-at-load-set.ts';
import { secondariesParked } from './secondaries-parked.ts';
import { slavesAt0x60 } from './slaves-at-0x60.ts';
import { slavesFirst256 } from './slaves-first-256.ts';
import { staysPut } from './stays-put.ts';
import { stopReached } from './stop-reached.ts';

export type { RuleInput } from './input.ts';

const JUDGED: readonly Rule[] = [
  pathPanic,
  panicSkipsShutdown,
  runAtLoadSet,
  stopReached,
  secondariesParked,
  slavesFirst256,
  slavesAt0x60,
  masterEntry,
  bootCpuRecorded,
  staysPut,
];

/** Every rule's name. */
export const RULE_NAMES: readonly string[] = [
  'path-panic',
  'path-reboot',
  'panic-skips-shutdown',
  'restart-shares-shutdown',
  'hooks-paired',
  'load-no-overlap',
  'load-in-reservation',
  'load-anywhere',
  'payload-any',
  'crash-elsewhere',
  'memory-64bit',
  'run-at-load-set',
  'run-at-load-old-abi',
  'flag-is-place-only',
  'entry-layout',
  'purgatory-patched',
  'tree-carries-all',
  'claims-kept',
  'stop-reached',
  'interrupts-quiet',
  'cpu-down-order',
  'thread-identity',
  'secondaries-parked',
  'static-only',
  'copy-in-virtual',
  'slaves-first-256',
  'slaves-at-0x60',
  'slaves-noticed',
  'page-tables-cleared',
  'hv-quiet',
  'master-entry',
  'digest-ok',
  'boot-cpu-recorded',
  'backup-64k',
  'stays-put',
  'memory-intact',
  'registers-saved',
  'vmcore-complete',
];

/** Judges every rule. */
export function judgeRules(input: RuleInput): readonly RuleResult[] {
  return RULE_NAMES.map((name): RuleResult => {
    const rule = JUDGED.find((each) => each.name === name);
    return rule === undefined ? { name, verdict: 'not-evaluated' } : { name, ...rule.judge(input) };
  });
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
  };
}
