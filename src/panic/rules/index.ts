/**
 * The rules of the handoff (docs/rules.md), in the contract's order. Those that are not judged yet are listed all the
 * same, so that nobody takes silence for a promise kept.
 */

import type { Capture } from '../contract/index.ts';
import type { HandoffPath, RuleResult } from '../trace/index.ts';
import { backup64k } from './backup-64k.ts';
import { bootCpuRecorded } from './boot-cpu-recorded.ts';
import { claimsKept } from './claims-kept.ts';
import { copyInVirtual } from './copy-in-virtual.ts';
import { cpuDownOrder } from './cpu-down-order.ts';
import { crashElsewhere } from './crash-elsewhere.ts';
import { digestOk } from './digest-ok.ts';
import { entryLayout } from './entry-layout.ts';
import { flagIsPlaceOnly } from './flag-is-place-only.ts';
import { hooksPaired } from './hooks-paired.ts';
import { hvQuiet } from './hv-quiet.ts';
import type { Judgement, Rule, RuleInput } from './input.ts';
import { pathOf } from './input.ts';
import { interruptsQuiet } from './interrupts-quiet.ts';
import { loadAnywhere } from './load-anywhere.ts';
import { loadInReservation } from './load-in-reservation.ts';
import { loadNoOverlap } from './load-no-overlap.ts';
import { masterEntry } from './master-entry.ts';
import { memory64Bit } from './memory-64bit.ts';
import { memoryIntact } from './memory-intact.ts';
import { pageTablesCleared } from './page-tables-cleared.ts';
import { panicSkipsShutdown } from './panic-skips-shutdown.ts';
import { pathPanic } from './path-panic.ts';
import { pathReboot } from './path-reboot.ts';
import { payloadAny } from './payload-any.ts';
import { purgatoryPatched } from './purgatory-patched.ts';
import { registersSaved } from './registers-saved.ts';
import { restartSharesShutdown } from './restart-shares-shutdown.ts';
import { runAtLoadOldAbi } from './run-at-load-old-abi.ts';
import { runAtLoadSet } from './run-at-load-set.ts';
import { secondariesParked } from './secondaries-parked.ts';
import { slavesAt0x60 } from './slaves-at-0x60.ts';
import { slavesFirst256 } from './slaves-first-256.ts';
import { slavesNoticed } from './slaves-noticed.ts';
import { staticOnly } from './static-only.ts';
import { staysPut } from './stays-put.ts';
import { stopReached } from './stop-reached.ts';
import { threadIdentity } from './thread-identity.ts';
import { treeCarriesAll } from './tree-carries-all.ts';
import { vmcoreComplete } from './vmcore-complete.ts';

export type { RuleInput } from './input.ts';

const JUDGED: readonly Rule[] = [
  vmcoreComplete,
  registersSaved,
  pageTablesCleared,
  memoryIntact,
  interruptsQuiet,
  hvQuiet,
  backup64k,
  pathPanic,
  panicSkipsShutdown,
  runAtLoadSet,
  pathReboot,
  restartSharesShutdown,
  hooksPaired,
  loadNoOverlap,
  loadInReservation,
  loadAnywhere,
  payloadAny,
  crashElsewhere,
  memory64Bit,
  runAtLoadOldAbi,
  flagIsPlaceOnly,
  entryLayout,
  purgatoryPatched,
  treeCarriesAll,
  claimsKept,
  cpuDownOrder,
  threadIdentity,
  staticOnly,
  copyInVirtual,
  slavesNoticed,
  digestOk,
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
    return rule === undefined ? { name, verdict: 'not-evaluated' } : { name, ...judge(rule, input) };
  });
}

/** Why a rule says nothing of another way out of the kernel than its own. */
const OTHER_PATHS: Readonly<Record<HandoffPath, string>> = {
  crash: 'the guest crashed',
  kexec: 'the guest was left by an ordinary kexec',
  restart: 'the guest restarted through firmware',
};

function judge(rule: Rule, input: RuleInput): Judgement {
  const path = pathOf(input);
  return rule.paths === undefined || rule.paths.includes(path)
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
  };
}
