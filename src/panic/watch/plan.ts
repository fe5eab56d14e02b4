/**
 * What to look out for in a handoff. The plan is made once, while the partition rests before the trigger, for both
 * kernels: exchanging it in mid-crash would make what is seen depend on how fast the host is.
 * Functions are named by where Linux 6.1 has them (kernel/panic.c, kernel/kexec_core.c, kernel/reboot.c,
 * arch/powerpc/kexec, arch/powerpc/kernel/{traps,smp}.c, arch/powerpc/platforms/pseries); what a kernel lacks is
 * left out. Rules need none of them but those that say that a function was not executed.
 */

import type { ObservePlan } from '../../emulator/host/index.ts';
import { type KexecImage, RUN_AT_LOAD_OFFSET } from '../facts/kexec-image.ts';
import { HOOKS } from '../facts/load-log.ts';
import type { KernelSymbols, ReadMemory } from '../facts/symbols/index.ts';
import { functionEntry } from '../facts/symbols/index.ts';
import type { HandoffPath, LeavePath } from '../trace/index.ts';

/** Where a panic begins, whatever it came through. */
export const PANIC_FUNCTIONS: readonly string[] = ['sysrq_handle_crash', 'panic', 'nmi_panic', 'die'];
/** Crash kexec has begun. */
export const CRASH_FUNCTIONS: readonly string[] = ['__crash_kexec'];
/** Where the other ways out begin (kernel/kexec_core.c, kernel/reboot.c), and where an ordinary kexec leaves for good. */
export const LEAVE_FUNCTIONS: Readonly<Record<LeavePath, readonly string[]>> = {
  kexec: ['kernel_kexec'],
  restart: ['kernel_restart'],
};
export const MACHINE_KEXEC_FUNCTIONS: readonly string[] = ['machine_kexec'];
/** What the panic path must never execute (seed 002). */
export const SHUTDOWN_FUNCTIONS: readonly string[] = ['machine_shutdown', 'device_shutdown'];
/** The rest of the way: for people who read the trace. */
const WAY_FUNCTIONS: readonly string[] = [
  'system_reset_exception',
  'smp_handle_nmi_ipi',
  'oops_end',
  'crash_kexec',
  'machine_crash_shutdown',
  'default_machine_crash_shutdown',
  'crash_smp_send_stop',
  'crash_kexec_prepare',
  'crash_kexec_secondary',
  'crash_ipi_callback',
  'crash_save_cpu',
  'ppc_save_regs',
  'kexec_prepare_cpus',
  'kexec_smp_down',
  'machine_kexec_mask_interrupts',
  'pseries_kexec_cpu_down',
  'xics_kexec_teardown_cpu',
  'kexec_smp_wait',
  'kexec_wait',
  'machine_kexec',
  'default_machine_kexec',
  'pseries_disable_reloc_on_exc',
  'kexec_sequence',
  'kexec_copy_flush',
  'kernel_restart',
  'kernel_restart_prepare',
  'fadump_cleanup',
  'kernel_kexec',
  'migrate_to_reboot_cpu',
  'machine_restart',
  'emergency_restart',
  ...Object.values(HOOKS),
];
/** Early in a kernel's life: at these offsets it is seen whether it runs where it was loaded. */
const EARLY_FUNCTIONS: readonly string[] = ['early_setup', 'start_here_common', 'start_kernel'];

/** Where a CPU joins a kernel that runs already: only an ordinary kexec starts them all again. */
const JOINING_FUNCTIONS: readonly string[] = ['start_secondary'];

/** How a kernel that was entered leaves again: it restarts when its dump is done. */
export const RESTART_FUNCTIONS: readonly string[] = ['kernel_restart', 'machine_restart', 'machine_shutdown'];

/** Names of watches and probes that rules look for in `detail`. */
export const WATCH = {
  entry: 'entry',
  low: 'low 0x100',
  runAtLoad: 'run at load',
  bootCpu: 'boot cpu',
  aboveVectors: 'above the vectors',
  note: (cpu: number): string => `note of cpu ${cpu}`,
  kernelHead: 'head of the kernel',
  segment: (role: string): string => `segment ${role}`,
  copied: (role: string): string => `copy of ${role}`,
  crashKernel: (name: string): string => `crash kernel: ${name}`,
  movedKernel: (name: string): string => `at address 0: ${name}`,
} as const;

/** Where it is also noted what the other CPUs are doing: when crash kexec begins, and when the old kernel is left. */
const CENSUS: readonly string[] = [...CRASH_FUNCTIONS, WATCH.entry];

/** Where a CPU's registers are kept: where the kernel saves them, for its dump or before. */
export const SAVE_FUNCTIONS: readonly string[] = ['crash_save_cpu', 'ppc_save_regs'];
/** And where the master has the frame by which it came, before it waits and may be reset again. */
const FRAME_FUNCTIONS: readonly string[] = [...CRASH_FUNCTIONS, ...SAVE_FUNCTIONS];
/** T0 and T1, as far as they can be told before the event is looked at: a machine check has no function of its own. */
const INSTANTS: NonNullable<ObservePlan['instants']> = [
  { name: 't0', at: [...PANIC_FUNCTIONS, 'reset', 'interrupt 0x200'] },
  { name: 't1', at: [WATCH.entry] },
];
/** An ordinary kexec leaves no dump to compare with memory at T0. */
const LEAVE_INSTANTS: NonNullable<ObservePlan['instants']> = [
  { name: 't1', at: [WATCH.entry] },
  { name: 't2', at: [WATCH.segment('kernel')] },
];

const MSR_IR = 0x20n;
const MSR_DR = 0x10n;
const LOW_BYTES = 0x100;
/** Where secondaries enter the copy at 0 (seed 003). */
const SECONDARY_ENTRY = 0x60;
/** Vectors go to 0 up to here at most; a kernel that moves itself to 0 writes here, too. */
const ABOVE_VECTORS = 0x10000;
const BOOT_CPU_OFFSET = 28;
/** A crash image's place is its own; where an ordinary image goes, others may execute or write before. */
const ENTRY_LIMIT: Readonly<Record<HandoffPath, number>> = { crash: 4, kexec: 64, restart: 64 };
/** A copy of the kernel's first bytes, and what is stored there after it. */
const HEAD_LIMIT = 96;
/** System reset, machine check, program. */
const VECTORS: readonly number[] = [0x100, 0x200, 0x700];
/** What real mode cannot reach: data and instruction storage and segment interrupts. */
export const STORAGE_VECTORS: readonly number[] = [0x300, 0x380, 0x400, 0x480];
/** The console, idling and interrupts: thousands that say nothing of the handoff. */
const NOISE: readonly string[] = [
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
};

/** @returns the plan, and the production kernel's functions that it looks out for. */
export async function makePlan(input: PlanInput): Promise<{ plan: ObservePlan; probes: readonly string[] }> {
  const { read, production, image, crash, path = 'crash' } = input;
  const probes: { raddr: number; name: string; limit?: number }[] = [];
  const armed: string[] = [];
  for (const name of [...PANIC_FUNCTIONS, ...CRASH_FUNCTIONS, ...SHUTDOWN_FUNCTIONS, ...WAY_FUNCTIONS]) {
    const raddr = await functionEntry(read, production, name);
    if (raddr === undefined) continue;
    probes.push({ raddr, name });
    armed.push(name);
  }
  if (crash !== undefined) {
    for (const name of path === 'crash' ? EARLY_FUNCTIONS : [...EARLY_FUNCTIONS, ...JOINING_FUNCTIONS]) {
      const raddr = await functionEntry(read, crash, name);
      if (raddr === undefined) continue;
      probes.push({ raddr, name: WATCH.crashKernel(name), limit: 2 });
      // The same place in a kernel that has moved to 0. The production kernel is long past its own.
      if (crash.base !== 0)
        probes.push({ raddr: raddr - crash.base, name: WATCH.movedKernel(name), limit: 2 });
    }
    for (const name of RESTART_FUNCTIONS) {
      const raddr = await functionEntry(read, crash, name);
      if (raddr !== undefined) probes.push({ raddr, name: WATCH.crashKernel(name), limit: 2 });
    }
  }
  if (image !== undefined) {
    // A kernel whose vectors run at 0 has been in that page before: coming there again is told by a probe alone.
    probes.push({ raddr: SECONDARY_ENTRY, name: WATCH.low, limit: ENTRY_LIMIT[path] });
    probes.push({ raddr: image.load.entry, name: WATCH.entry, limit: ENTRY_LIMIT[path] });
    // Until it is copied there, an ordinary image's place is somebody else's memory: only its first word is looked at.
    if (path !== 'crash' && image.kernel !== undefined)
      probes.push({ raddr: image.kernel.mem, name: WATCH.segment('kernel'), limit: ENTRY_LIMIT[path] });
  }
  return {
    plan: {
      probes: withoutRepeats(probes),
      stores: image === undefined ? [] : storesOf(image, path),
      executes:
        image === undefined
          ? []
          : [
              { raddr: 0, length: LOW_BYTES, name: WATCH.low },
              ...(path === 'crash' ? image.segments : []).map(({ role, mem, memsz }) => ({
                raddr: mem,
                length: memsz,
                name: WATCH.segment(role),
                limit: 2,
              })),
            ],
      msrMask: MSR_IR | MSR_DR,
      vectors: VECTORS,
      realModeVectors: STORAGE_VECTORS,
      hcallsExcept: NOISE,
      census: CENSUS,
      ...(path === 'crash' ? { instants: INSTANTS, frames: FRAME_FUNCTIONS } : {}),
      ...(path === 'kexec' ? { instants: LEAVE_INSTANTS } : {}),
    },
    probes: armed,
  };
}

function storesOf(image: KexecImage, path: HandoffPath): ObservePlan['stores'] {
  const { kernel, tree, notes } = image;
  const limit = ENTRY_LIMIT[path];
  return [
    ...copiesOf(image, limit),
    { raddr: 0, length: LOW_BYTES, name: WATCH.low, limit: 96 },
    { raddr: ABOVE_VECTORS, length: 16, name: WATCH.aboveVectors, limit: 4 },
    ...(kernel === undefined
      ? []
      : [{ raddr: kernel.mem + RUN_AT_LOAD_OFFSET, length: 4, name: WATCH.runAtLoad, limit }]),
    ...(tree === undefined
      ? []
      : [{ raddr: tree.mem + BOOT_CPU_OFFSET, length: 4, name: WATCH.bootCpu, limit }]),
    ...(kernel === undefined
      ? []
      : [{ raddr: kernel.mem, length: LOW_BYTES, name: WATCH.kernelHead, limit: HEAD_LIMIT }]),
    // The note's first word is written once each time registers are saved.
    ...notes.map((raddr, cpu) => ({ raddr, length: 4, name: WATCH.note(cpu), limit: 8 })),
  ];
}

/** What is copied into a segment begins with its first doubleword. */
function copiesOf(image: KexecImage, limit: number): ObservePlan['stores'] {
  return image.segments.map(({ role, mem }) => ({
    raddr: mem,
    length: 8,
    name: WATCH.copied(role),
    limit,
  }));
}

/** One address has one probe: the first one named. */
function withoutRepeats<T extends { readonly raddr: number }>(probes: readonly T[]): T[] {
  const seen = new Set<number>();
  return probes.filter(({ raddr }) => !seen.has(raddr) && seen.add(raddr).size > 0);
}
