/** The segments that kexec_load is given: what each is for, and where it goes. */

export const SEGMENT_ROLES = ['kernel', 'backup', 'elfcorehdr', 'purgatory', 'initrd', 'tree'] as const;
export type SegmentRole = (typeof SEGMENT_ROLES)[number];

/** `bytes` go to real address `mem`; what follows up to `memsz`, a multiple of 64 KiB, is zero. */
export type PlanSegment = {
  readonly role: SegmentRole;
  readonly mem: number;
  readonly memsz: number;
  readonly bytes: Uint8Array;
};
