/** Defines the report that compares an ordinary kexec's image at load, at T1 and at T2 (docs/fidelity.md). Plain JSON, in the trace. */

import type { WriterFact } from './fidelity-report.ts';
import type { SegmentRole } from './segment-role.ts';

/** Where a change is: in a segment, or else whose memory it is. */
export type Place = SegmentRole | 'low-64k' | 'rtas' | 'hypervisor' | 'elsewhere';

/** Bytes that differ between T1 and T2 within one page; `span`: from the first to the last, where others lie between. */
export type HandoverChange = {
  readonly raddr: string;
  readonly bytes: number;
  readonly span?: number;
  readonly place: Place;
  readonly writer: WriterFact;
};

/** Pages are of 4 KiB; addresses are real, 16 hex digits. */
export type HandoverReport = {
  readonly segments: readonly {
    readonly role: SegmentRole;
    readonly mem: string;
    readonly pages: number;
    readonly asLoadedAtT1: number;
    /** Absent: memory was not kept at T2. */
    readonly asLoadedAtT2?: number;
  }[];
  /** The first pages that were not as loaded at T1: damaged before, or copied wrongly. */
  readonly notAsLoaded: readonly { readonly raddr: string; readonly role: SegmentRole }[];
  /** What changed from T1 to T2, the first of `changedPlaces`; absent: memory was not kept at T2. */
  readonly changed?: readonly HandoverChange[];
  readonly changedPlaces?: number;
};
