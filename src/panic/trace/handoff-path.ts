/** The ways out of a production kernel. */

/**
 * `crash`: a panic enters the crash kernel. `kexec`: an ordinary kexec enters a kernel that was loaded by hand.
 * `restart`: a plain restart, which ends in the firmware.
 */
export const HANDOFF_PATHS = ['crash', 'kexec', 'restart'] as const;
export type HandoffPath = (typeof HANDOFF_PATHS)[number];
/** The orderly ways: the guest is asked to leave its kernel, and does not crash. */
export type LeavePath = Exclude<HandoffPath, 'crash'>;
