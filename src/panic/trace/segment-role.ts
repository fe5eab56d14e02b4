/** What a segment of a kexec image is for. `data`: none of the others, or not recognised. */
export const SEGMENT_ROLES = [
  'purgatory',
  'kernel',
  'tree',
  'elfcorehdr',
  'backup',
  'initrd',
  'data',
] as const;
export type SegmentRole = (typeof SEGMENT_ROLES)[number];
