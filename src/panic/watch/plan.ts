/**
 * Makes the plan of what the machine reports during a handoff. The plan is made once, for both kernels, before anything begins: a plan
 * that was exchanged during a crash would make the trace depend on the host's speed. Until a crash begins it sleeps. Only rules about
 * named functions need the probes on functions.
 */

import { MSR, VECTOR } from '../../base/power.ts';
import type { HcallName, MarkId, ObservePlan, SleepPlan } from '../../emulator/contract/index.ts';
import { type KexecImage, RUN_AT_LOAD_OFFSET } from '../facts/index.ts';
import { functionEntry, type KernelSymbols, type ReadMemory, realOf } from '../facts/symbols/index.ts';
import {
  CRASH_FUNCTIONS,
  EARLY_FUNCTIONS,
  FUNCTIONS,
  type FunctionName,
  type HandoffPath,
  JOINING_FUNCTIONS,
  LEAVE_FUNCTIONS,
  LOAD_HOOKS,
  MACHINE_KEXEC_FUNCTIONS,
  type Mark,
  PANIC_FUNCTIONS,
  RESTART_FUNCTIONS,
  SAVE_FUNCTIONS,
  STORAGE_VECTORS,
} from '../trace/index.ts';
import { instantPlans, matchesOf } from './instants.ts';
import { idOfMark } from './mark-ids.ts';

/** Functions that are probed in the production kernel. Those of a starting kernel are probed in the next kernel. */
const PRODUCTION_FUNCTIONS: readonly FunctionName[] = FUNCTIONS.filter(
  (name) => !EARLY_FUNCTIONS.includes(name) && !JOINING_FUNCTIONS.includes(name),
);
const inProduction = (name: FunctionName): MarkId => idOfMark({ at: 'function', name, in: 'production' });

/** Marks at which the state of all other CPUs is recorded: when crash kexec begins, and when the old kernel is left. */
const CENSUS: readonly MarkId[] = [...CRASH_FUNCTIONS.map(inProduction), idOfMark({ at: 'entry' })];
/** Marks at which a CPU's registers are recorded: where the master enters crash kexec with its fault's frame, and where registers are saved. */
const FRAMES: readonly MarkId[] = [...CRASH_FUNCTIONS, ...SAVE_FUNCTIONS].map(inProduction);

const LOW_BYTES = 0x100;
/** Where secondaries enter the copy at 0. */
const SECONDARY_ENTRY = 0x60;
/** The first address above the vectors. A kernel that copies only its vectors to 0 does not write here; one that moves itself to 0 does. */
const ABOVE_VECTORS = 0x10000;
const BOOT_CPU_OFFSET = 28;
/** The word that ends the wait of secondaries (Linux 6.1 arch/powerpc/kernel/misc_64.S, kexec_wait). */
const RELEASE_SYMBOL = 'kexec_flag';
/** Reports for each watched place. Where an ordinary image goes, other code may execute or write before; a crash image has the reservation to itself. */
const ENTRY_LIMIT: Readonly<Record<HandoffPath, number>> = { crash: 4, kexec: 64, restart: 64 };
/** Hooks of kexec_load: most runs of each that are reported. */
const HOOKS: readonly FunctionName[] = Object.values(LOAD_HOOKS);
const HOOK_LIMIT = 64;
/** What is reported of a kernel in which no crash has begun: what it does with images, and that it leaves. */
const BEFORE_CRASH: readonly MarkId[] = [
  ...HOOKS,
  ...Object.values(LEAVE_FUNCTIONS).flat(),
  ...MACHINE_KEXEC_FUNCTIONS,
].map(inProduction);
/** A crash has begun, and the image was entered. */
const SLEEP: SleepPlan = {
  wakes: matchesOf('t0', 'crash'),
  stays: matchesOf('t1', 'crash'),
  reports: BEFORE_CRASH,
};
/** Reports of stores to the kernel's first bytes: purgatory's copy, and later stores. */
const HEAD_LIMIT = 96;
const VECTORS: readonly number[] = [VECTOR.systemReset, VECTOR.machineCheck, VECTOR.program];
/** Hypercalls that are not reported: console, idling, interrupts, I/O. There are thousands, and no rule needs them. H_EOI is an event of its own. */
const NOISE: readonly HcallName[] = [
  'H_PUT_TERM_CHAR',
  'H_GET_TERM_CHAR',
  'H_CEDE',
  'H_PROD',
  'H_CONFER',
  'H_EOI',
  'H_XIRR',
  'H_XIRR_X',
  'H_IPOLL',
  'H_RANDOM',
  'H_LOGICAL_CI_LOAD',
  'H_LOGICAL_CI_STORE',
  'H_RTAS',
  'H_GET_TCE',
  'H_PUT_TCE',
  'H_PUT_TCE_INDIRECT',
  'H_STUFF_TCE',
];

export type PlanInput = {
  /** Default: a crash. */
  readonly path?: HandoffPath;
  readonly read: ReadMemory;
  readonly production: KernelSymbols;
  readonly image?: KexecImage;
  /** Of the crash kernel in its segment. */
  readonly crash?: KernelSymbols;
  /** The machine stands still whenever an image was loaded. */
  readonly holds?: boolean;
};

type Probe = ObservePlan['probes'][number];

/** @returns the plan, and the functions of the production kernel that it probes */
export async function makePlan(
  input: PlanInput,
): Promise<{ plan: ObservePlan; probes: readonly FunctionName[] }> {
  const { read, production, image, crash, path = 'crash', holds = false } = input;
  const probes: Probe[] = [];
  const armed: FunctionName[] = [];
  const arm = (raddr: number, mark: Mark, limit?: number): void => {
    probes.push({ raddr, mark: idOfMark(mark), ...(limit === undefined ? {} : { limit }) });
  };
  for (const name of PRODUCTION_FUNCTIONS) {
    const raddr = await functionEntry(read, production, name);
    if (raddr === undefined) continue;
    arm(raddr, { at: 'function', name, in: 'production' }, HOOKS.includes(name) ? HOOK_LIMIT : undefined);
    armed.push(name);
  }
  if (crash !== undefined) {
    for (const name of path === 'crash' ? EARLY_FUNCTIONS : [...EARLY_FUNCTIONS, ...JOINING_FUNCTIONS]) {
      const raddr = await functionEntry(read, crash, name);
      if (raddr === undefined) continue;
      arm(raddr, { at: 'function', name, in: 'crash' }, 2);
      // The same function once the new kernel has moved itself to 0. The production kernel no longer starts up there.
      if (crash.base !== 0) arm(raddr - crash.base, { at: 'function', name, in: 'moved' }, 2);
    }
    for (const name of RESTART_FUNCTIONS) {
      const raddr = await functionEntry(read, crash, name);
      if (raddr !== undefined) arm(raddr, { at: 'function', name, in: 'crash' }, 2);
    }
    // A kernel that an ordinary kexec entered loads images before anyone has read its symbols.
    for (const name of path === 'kexec' ? HOOKS : []) {
      const raddr = await functionEntry(read, crash, name);
      if (raddr !== undefined) arm(raddr - crash.base, { at: 'function', name, in: 'moved' }, HOOK_LIMIT);
    }
  }
  if (image !== undefined) {
    // The old kernel's vectors lie in that page, so it has been executed before: only a probe reports a new arrival.
    arm(SECONDARY_ENTRY, { at: 'low' }, ENTRY_LIMIT[path]);
    arm(image.load.entry, { at: 'entry' }, ENTRY_LIMIT[path]);
    // Until the copy, an ordinary image's destination is memory of the old kernel: only its first word is watched.
    if (path !== 'crash' && image.kernel !== undefined)
      arm(image.kernel.mem, { at: 'segment', role: 'kernel' }, ENTRY_LIMIT[path]);
  }
  return {
    plan: {
      probes: withoutRepeats(probes),
      stores: image === undefined ? [] : [...storesOf(image, path), ...releaseOf(production)],
      executes:
        image === undefined
          ? []
          : [
              { raddr: 0, length: LOW_BYTES, mark: idOfMark({ at: 'low' }) },
              ...(path === 'crash' ? image.segments : []).map(({ role, mem, memsz }) => ({
                raddr: mem,
                length: memsz,
                mark: idOfMark({ at: 'segment', role }),
                limit: 2,
              })),
            ],
      msrMask: MSR.IR | MSR.DR,
      vectors: VECTORS,
      realModeVectors: STORAGE_VECTORS,
      hcallsExcept: NOISE,
      census: CENSUS,
      instants: instantPlans(path),
      ...(path === 'crash' ? { frames: FRAMES, sleep: SLEEP } : {}),
      ...(holds ? { holdsAfterCall: true } : {}),
    },
    probes: armed,
  };
}

function storesOf(image: KexecImage, path: HandoffPath): ObservePlan['stores'] {
  const { kernel, tree, notes } = image;
  const limit = ENTRY_LIMIT[path];
  return [
    ...copiesOf(image, limit),
    { raddr: 0, length: LOW_BYTES, mark: idOfMark({ at: 'low' }), limit: 96 },
    { raddr: ABOVE_VECTORS, length: 16, mark: idOfMark({ at: 'above-vectors' }), limit: 4 },
    ...(kernel === undefined
      ? []
      : [
          { raddr: kernel.mem + RUN_AT_LOAD_OFFSET, length: 4, mark: idOfMark({ at: 'run-at-load' }), limit },
        ]),
    ...(tree === undefined
      ? []
      : [{ raddr: tree.mem + BOOT_CPU_OFFSET, length: 4, mark: idOfMark({ at: 'boot-cpu' }), limit }]),
    ...(kernel === undefined
      ? []
      : [{ raddr: kernel.mem, length: LOW_BYTES, mark: idOfMark({ at: 'kernel-head' }), limit: HEAD_LIMIT }]),
    // The note's first word is written once each time registers are saved.
    ...notes.map((raddr, cpu) => ({ raddr, length: 4, mark: idOfMark({ at: 'note', cpu }), limit: 8 })),
  ];
}

/** Watches the first doubleword of each segment: a copy begins there. */
function copiesOf(image: KexecImage, limit: number): ObservePlan['stores'] {
  return image.segments.map(({ role, mem }) => ({
    raddr: mem,
    length: 8,
    mark: idOfMark({ at: 'copy', role }),
    limit,
  }));
}

/** Watches the word that releases secondaries, where the kernel's symbols name it. */
function releaseOf({ table, base }: KernelSymbols): ObservePlan['stores'] {
  const address = table.find(RELEASE_SYMBOL);
  if (address === undefined || base !== 0) return [];
  return [{ raddr: realOf(address), length: 4, mark: idOfMark({ at: 'release' }), limit: 4 }];
}

/** Keeps the first probe of each address. */
function withoutRepeats<T extends { readonly raddr: number }>(probes: readonly T[]): T[] {
  const seen = new Set<number>();
  return probes.filter(({ raddr }) => !seen.has(raddr) && seen.add(raddr).size > 0);
}

/** Whether a crash of the kernel is seen when it begins: one of the functions in which it does has a probe. */
export function seesPanics(probes: readonly FunctionName[]): boolean {
  return probes.some((name) => PANIC_FUNCTIONS.includes(name));
}

/** Whether a mark is reported of a kernel in which no crash has begun. */
export function isBeforeCrash(mark: MarkId): boolean {
  return BEFORE_CRASH.includes(mark);
}
