/**
 * Lists functions by their part in a handoff. The plan watches these lists, the recorder finds instants by them, and rules
 * look for their calls. Sources of the functions: see mark.ts.
 */

import { VECTOR } from '../../base/power.ts';
import type { LeavePath } from './handoff-path.ts';
import type { FunctionName } from './mark.ts';

/** A panic begins in one of these. */
export const PANIC_FUNCTIONS: readonly FunctionName[] = ['sysrq_handle_crash', 'panic', 'nmi_panic', 'die'];

/** Crash kexec begins here. */
export const CRASH_FUNCTIONS: readonly FunctionName[] = ['__crash_kexec'];

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
