/**
 * Lists functions by their part in a handoff. The plan watches these lists, the recorder finds instants by them, and rules
 * look for their calls. Sources of the functions: see mark.ts.
 */

import { VECTOR } from '../../base/power.ts';
import type { LeavePath } from './handoff-path.ts';
import type { FunctionName } from './mark.ts';

/** A panic begins in one of these. */
export const PANIC_FUNCTIONS: readonly FunctionName[] = ['sysrq_handle_crash', 'panic', 'nmi_panic', 'die'];

/** Crash kexec is tried here. It returns where no image is loaded, or another CPU holds the kexec lock, as one that loads an image does. */
export const CRASH_FUNCTIONS: readonly FunctionName[] = ['__crash_kexec'];

/** Crash kexec has its image and the lock, and begins here (Linux 6.1 kernel/kexec_core.c __crash_kexec). */
export const CRASH_SHUTDOWN_FUNCTIONS: readonly FunctionName[] = [
  'machine_crash_shutdown',
  'default_machine_crash_shutdown',
];

/**
 * CPUs are stopped for a crash dump: in the crash shutdown or, with crash_kexec_post_notifiers, before the notifiers of the panic
 * (Linux 6.1 arch/powerpc/kexec/crash.c crash_kexec_prepare).
 */
export const CRASH_STOP_FUNCTIONS: readonly FunctionName[] = [
  ...CRASH_SHUTDOWN_FUNCTIONS,
  'crash_kexec_prepare',
];

/** The orderly ways out begin here (kernel/kexec_core.c, kernel/reboot.c). */
export const LEAVE_FUNCTIONS: Readonly<Record<LeavePath, readonly FunctionName[]>> = {
  kexec: ['kernel_kexec'],
  restart: ['kernel_restart'],
};

/** An ordinary kexec does not return from here. */
export const MACHINE_KEXEC_FUNCTIONS: readonly FunctionName[] = ['machine_kexec'];

/**
 * The panic path must never execute these (Eric Biederman, linux-kernel, 20 August 2004: kexec on panic skips
 * machine_shutdown).
 */
export const SHUTDOWN_FUNCTIONS: readonly FunctionName[] = ['machine_shutdown', 'device_shutdown'];

/** A kernel restarts through these: the crash kernel does so when its dump is done. */
export const RESTART_FUNCTIONS: readonly FunctionName[] = [
  'kernel_restart',
  'machine_restart',
  'machine_shutdown',
];

/** The kernel saves a CPU's registers here, for its dump or before it. */
export const SAVE_FUNCTIONS: readonly FunctionName[] = ['crash_save_cpu', 'ppc_save_regs'];

/** A kernel executes these early: their addresses show whether it runs where it was loaded. */
export const EARLY_FUNCTIONS: readonly FunctionName[] = ['early_setup', 'start_here_common', 'start_kernel'];

/** A CPU joins a running kernel here: after an ordinary kexec all of them do. */
export const JOINING_FUNCTIONS: readonly FunctionName[] = ['start_secondary'];

/** Interrupts that an access in real mode causes where real mode does not reach (Power ISA 3.0B, Book III §6.5.3–6.5.6). */
export const STORAGE_VECTORS: readonly number[] = [
  VECTOR.dataStorage,
  VECTOR.dataSegment,
  VECTOR.instructionStorage,
  VECTOR.instructionSegment,
];

/** The architecture's hooks: one runs when an image is loaded, the other when it is dropped. */
export const LOAD_HOOKS: { readonly prepare: FunctionName; readonly cleanup: FunctionName } = {
  prepare: 'machine_kexec_prepare',
  cleanup: 'machine_kexec_cleanup',
};
