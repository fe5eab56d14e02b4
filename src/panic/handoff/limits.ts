/** Limits of a crash in seconds of the guest. */

/** The guest's own limit for a dump is less than this. */
export const DEFAULT_TIMEOUT_SECONDS = 2400;
