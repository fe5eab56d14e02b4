/** Every rule with its judge. A rule of the contract without a judge does not compile. */

import { RULE_TEXTS, type RuleName } from './contract.ts';
import { claimsKept } from './loading/claims-kept.ts';
import { crashElsewhere } from './loading/crash-elsewhere.ts';
import { entryLayout } from './loading/entry-layout.ts';
import { flagIsPlaceOnly } from './loading/flag-is-place-only.ts';
import { loadAnywhere } from './loading/load-anywhere.ts';
import { loadInReservation } from './loading/load-in-reservation.ts';
import { loadNoOverlap } from './loading/load-no-overlap.ts';
import { memory64bit } from './loading/memory-64bit.ts';
import { payloadAny } from './loading/payload-any.ts';
import { purgatoryPatched } from './loading/purgatory-patched.ts';
import { runAtLoadOldAbi } from './loading/run-at-load-old-abi.ts';
import { runAtLoadSet } from './loading/run-at-load-set.ts';
import { treeCarriesAll } from './loading/tree-carries-all.ts';
import type { Judge } from './shared/input.ts';
import { type Rule, SOURCES } from './shared/rule.ts';
import { copyInVirtual } from './t0-t1/copy-in-virtual.ts';
import { cpuDownOrder } from './t0-t1/cpu-down-order.ts';
import { hvQuiet } from './t0-t1/hv-quiet.ts';
import { interruptsQuiet } from './t0-t1/interrupts-quiet.ts';
import { masterEntry } from './t0-t1/master-entry.ts';
import { pageTablesCleared } from './t0-t1/page-tables-cleared.ts';
import { secondariesParked } from './t0-t1/secondaries-parked.ts';
import { slavesAt0x60 } from './t0-t1/slaves-at-0x60.ts';
import { slavesFirst256 } from './t0-t1/slaves-first-256.ts';
import { slavesNoticed } from './t0-t1/slaves-noticed.ts';
import { staticOnly } from './t0-t1/static-only.ts';
import { stopReached } from './t0-t1/stop-reached.ts';
import { threadIdentity } from './t0-t1/thread-identity.ts';
import { backup64k } from './t1-t4/backup-64k.ts';
import { bootCpuRecorded } from './t1-t4/boot-cpu-recorded.ts';
import { digestOk } from './t1-t4/digest-ok.ts';
import { memoryIntact } from './t1-t4/memory-intact.ts';
import { registersSaved } from './t1-t4/registers-saved.ts';
import { staysPut } from './t1-t4/stays-put.ts';
import { vmcoreComplete } from './t1-t4/vmcore-complete.ts';
import { hooksPaired } from './ways-in/hooks-paired.ts';
import { panicSkipsShutdown } from './ways-in/panic-skips-shutdown.ts';
import { pathPanic } from './ways-in/path-panic.ts';
import { pathReboot } from './ways-in/path-reboot.ts';
import { restartSharesShutdown } from './ways-in/restart-shares-shutdown.ts';

const JUDGES: Readonly<Record<RuleName, Judge>> = {
  'path-panic': pathPanic,
  'path-reboot': pathReboot,
  'panic-skips-shutdown': panicSkipsShutdown,
  'restart-shares-shutdown': restartSharesShutdown,
  'hooks-paired': hooksPaired,
  'load-no-overlap': loadNoOverlap,
  'load-in-reservation': loadInReservation,
  'load-anywhere': loadAnywhere,
  'payload-any': payloadAny,
  'crash-elsewhere': crashElsewhere,
  'memory-64bit': memory64bit,
  'run-at-load-set': runAtLoadSet,
  'run-at-load-old-abi': runAtLoadOldAbi,
  'flag-is-place-only': flagIsPlaceOnly,
  'entry-layout': entryLayout,
  'purgatory-patched': purgatoryPatched,
  'tree-carries-all': treeCarriesAll,
  'claims-kept': claimsKept,
  'stop-reached': stopReached,
  'interrupts-quiet': interruptsQuiet,
  'cpu-down-order': cpuDownOrder,
  'thread-identity': threadIdentity,
  'secondaries-parked': secondariesParked,
  'static-only': staticOnly,
  'copy-in-virtual': copyInVirtual,
  'slaves-first-256': slavesFirst256,
  'slaves-at-0x60': slavesAt0x60,
  'slaves-noticed': slavesNoticed,
  'page-tables-cleared': pageTablesCleared,
  'hv-quiet': hvQuiet,
  'master-entry': masterEntry,
  'digest-ok': digestOk,
  'boot-cpu-recorded': bootCpuRecorded,
  'backup-64k': backup64k,
  'stays-put': staysPut,
  'memory-intact': memoryIntact,
  'registers-saved': registersSaved,
  'vmcore-complete': vmcoreComplete,
};

/** In the order of the contract. */
export const RULES: readonly Rule<RuleName>[] = RULE_TEXTS.map(({ sources, ...text }) => ({
  ...text,
  source: sources.map((source) => SOURCES[source]).join('; '),
  judge: JUDGES[text.name],
}));

export const RULE_NAMES: readonly RuleName[] = RULES.map(({ name }) => name);
