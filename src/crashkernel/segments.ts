/** Defines the segments of a kexec_load: the purpose of each, and its destination. */

export const SEGMENT_ROLES = ['kernel', 'backup', 'elfcorehdr', 'purgatory', 'initrd', 'tree'] as const;
export type SegmentRole = (typeof SEGMENT_ROLES)[number];

/** `bytes` go to real address `mem`; the rest up to `memsz`, a multiple of 64 KiB, is zero. */
export type PlanSegment = {
  readonly role: SegmentRole;
  readonly mem: number;
  readonly memsz: number;
  readonly bytes: Uint8Array;
};
