/** Plans loads: makes the segments for kexec_load from a kernel and a machine's tree, and the disk that carries them. */

export { buildElfcorehdr, elfcorehdrSize } from './elfcorehdr.ts';
export type { ForcibleCheck } from './errors.ts';
export { FORCIBLE } from './errors.ts';
export type { GuestFacts } from './guest-facts.ts';

export type { LoadImage } from './image.ts';
export { HEAD_BYTES, probeImage, RUN_AT_LOAD_MARKER, RUN_AT_LOAD_OFFSET } from './image.ts';
export type { MachineFacts } from './machine-tree.ts';
export { readMachine } from './machine-tree.ts';

export type { LoadPlan, LoadReport, LoadRequest } from './plan.ts';
export { planLoad } from './plan.ts';
export type { DiskPiece, DiskPlan } from './plan-disk.ts';
export { buildPlanDisk, parsePlanDisk, planDiskBytes } from './plan-disk.ts';
export { DISK_HEADER, PLAN_ENTRY, PLAN_HEADER, PLAN_SEGMENT } from './plan-layout.ts';
export type { Purgatory, PurgatoryValues } from './purgatory.ts';
export { readPurgatory } from './purgatory.ts';
export type { Range } from './ranges.ts';
export { intersectRanges, mergeRanges, subtractRanges } from './ranges.ts';
export type { PlanSegment, SegmentRole } from './segments.ts';
export { SEGMENT_ROLES } from './segments.ts';
