/** Compares the dump and the machine's memory with what the emulator kept at T0 and T1 (docs/fidelity.md). */

export type { Examination, ExaminedPartition } from './examine.ts';
export { examineApart, warmExamination } from './examine-apart.ts';
export type { LoadedSegment } from './handover.ts';
export { compareHandover, digestSegments } from './handover.ts';

export { findOwners } from './owners.ts';
export { instantFacts } from './records.ts';

export type { FidelitySummary } from './summary.ts';
export { summarise } from './summary.ts';
