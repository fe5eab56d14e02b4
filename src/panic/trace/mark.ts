/**
 * Defines the marks: the names of the places that the recorder watches. Functions have their names of Linux 6.1 (kernel/panic.c,
 * kernel/kexec_core.c, kernel/reboot.c, arch/powerpc/kexec, arch/powerpc/kernel/{traps,smp}.c,
 * arch/powerpc/platforms/pseries); a kernel that lacks one has no probe there.
 */

import type { SegmentRole } from './segment-role.ts';

/** Every function that the recorder can watch. */
export const FUNCTIONS = [
  'sysrq_handle_crash',
  'panic',
  'nmi_panic',
  'die',
  '__crash_kexec',
  'kernel_kexec',
  'kernel_restart',
  'machine_kexec',
  'machine_shutdown',
  'device_shutdown',
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
  'default_machine_kexec',
  'pseries_disable_reloc_on_exc',
  'kexec_sequence',
  'kexec_copy_flush',
  'kernel_restart_prepare',
  'fadump_cleanup',
  'migrate_to_reboot_cpu',
  'machine_restart',
  'emergency_restart',
  'machine_kexec_prepare',
  'machine_kexec_cleanup',
  'early_setup',
  'start_here_common',
  'start_kernel',
  'start_secondary',
] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/**
 * Where a function lies: in the kernel that is left (`production`), in the next kernel where it was loaded (`crash`), or
 * in the next kernel after it has moved itself to address 0 (`moved`).
 */
export const KERNEL_PLACES = ['production', 'crash', 'moved'] as const;
export type KernelPlace = (typeof KERNEL_PLACES)[number];

/** Places of which there is one. */
export const SINGLE_PLACES = [
  /** The image's entry, `image->start`. */
  'entry',
  /** Real addresses 0 to 0xff: the copy of the entry's first bytes, in which secondaries wait. */
  'low',
  /** Real address 0x10000 and on: what a kernel that moves itself to 0 writes, and vectors do not. */
  'above-vectors',
  /** The 32-bit word at 0x5c of the next kernel. */
  'run-at-load',
  /** `boot_cpuid_phys` in the header of the next kernel's tree. */
  'boot-cpu',
  /** The first 0x100 bytes of the next kernel. */
  'kernel-head',
  /** The word by which the master releases secondaries from their wait loop (`kexec_flag`). */
  'release',
] as const;
export type SinglePlace = (typeof SINGLE_PLACES)[number];

export type Mark =
  | { readonly at: SinglePlace }
  /** The first word of the note that holds a CPU's registers: it is written once each time they are saved. */
  | { readonly at: 'note'; readonly cpu: number }
  /** An instruction in a segment of the image. */
  | { readonly at: 'segment'; readonly role: SegmentRole }
  /** The first doubleword of a segment: written when the segment is copied to its place. */
  | { readonly at: 'copy'; readonly role: SegmentRole }
  | { readonly at: 'function'; readonly name: FunctionName; readonly in: KernelPlace };

export type MarkPlace = Mark['at'];
