/**
 * Defines the trace document, version 2: the JSON record of a handoff (docs/trace.md). Rules, store, REST and the page read
 * it, and all of src/panic builds on it. Version 1 is in version-1.ts.
 */

import type { UnsupportedUse } from '../contract/index.ts';
import type { MoreEvents, TraceEvent } from './event.ts';
import type { FidelityReport, InstantFacts } from './fidelity-report.ts';
import type { HandoverReport } from './handover-report.ts';
import type { ImageFacts } from './image-facts.ts';

export type Verdict = 'held' | 'broken' | 'not-reached' | 'not-applicable' | 'not-evaluated';

/** How a rule of the handoff fared. `evidence` are event numbers of the trace. */
export type RuleResult = {
  readonly name: string;
  readonly verdict: Verdict;
  readonly evidence?: readonly number[];
  readonly note?: string;
};

/** The instants of a handoff (docs/handoff.md). */
export const TRACE_INSTANTS = ['t0', 't1', 't2', 't3', 't4'] as const;
export type TraceInstant = (typeof TRACE_INSTANTS)[number];

/** An instant of the handoff: the event that marks it. */
export type Instant = {
  readonly event: number;
  readonly insn: number;
  readonly tb: string;
  readonly cpu: number;
};

export type Trace = {
  readonly version: 2;
  readonly machine: {
    readonly processor: 'power8' | 'power9';
    readonly mmu: 'hash' | 'radix';
    /** `online`: whether it ran when the trigger came; absent in traces that do not say. */
    readonly cpus: readonly {
      readonly index: number;
      readonly hardwareId: number;
      readonly online?: boolean;
    }[];
  };
  readonly image: ImageFacts;
  readonly instants: Readonly<Partial<Record<TraceInstant, Instant>>>;
  readonly events: readonly TraceEvent[];
  /** What was seen and not kept, by place or call; absent: everything was kept. */
  readonly more?: readonly MoreEvents[];
  /** The machine at instants; absent in traces that did not keep it. */
  readonly records?: { readonly t0?: InstantFacts; readonly t1?: InstantFacts };
  /** The dump and memory against what the emulator saw; absent where T1 did not come (docs/fidelity.md). */
  readonly fidelity?: FidelityReport;
  /** An ordinary kexec's image at T1 and T2 against what was loaded; absent where T1 did not come. */
  readonly handover?: HandoverReport;
  /** What the guest used since power-on that the machine lacks; absent: nothing, or a trace of an earlier release. */
  readonly unsupported?: readonly UnsupportedUse[];
  readonly rules: readonly RuleResult[];
};
