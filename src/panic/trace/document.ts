/** The trace document: what a handoff leaves as JSON (docs/trace.md). It is the ground of src/panic: rules, store, REST and the page read it. */

import type { FidelityReport, InstantFacts } from './fidelity-report.ts';
import type { HandoverReport } from './handover-report.ts';

export type Verdict = 'held' | 'broken' | 'not-reached' | 'not-applicable' | 'not-evaluated';

/** How a rule of the handoff fared. `evidence` are event numbers of the trace. */
export type RuleResult = {
  readonly name: string;
  readonly verdict: Verdict;
  readonly evidence?: readonly number[];
  readonly note?: string;
};

/** One event of a trace, as JSON shows it. 64-bit values are 16-digit hex strings. */
export type TraceEvent = {
  readonly n: number;
  readonly cpu: number;
  readonly insn: number;
  readonly tb: string;
  readonly kind: string;
  readonly addr?: string;
  readonly symbol?: string;
  readonly regs?: Readonly<Record<string, string>>;
  readonly detail?: string;
};

/** An instant of the handoff: the event that marks it. */
export type Instant = {
  readonly event: number;
  readonly insn: number;
  readonly tb: string;
  readonly cpu: number;
};

export type Trace = {
  readonly version: 1;
  readonly machine: {
    readonly processor: string;
    readonly mmu: string;
    /** `online`: whether it ran when the trigger came; absent in traces that do not say. */
    readonly cpus: readonly {
      readonly index: number;
      readonly hardwareId: number;
      readonly online?: boolean;
    }[];
  };
  readonly image: Readonly<Record<string, unknown>>;
  readonly instants: {
    readonly t0?: Instant;
    readonly t1?: Instant;
    readonly t2?: Instant;
    readonly t3?: Instant;
    readonly t4?: Instant;
  };
  readonly events: readonly TraceEvent[];
  /** The machine at instants; absent in traces that did not keep it. */
  readonly records?: { readonly t0?: InstantFacts; readonly t1?: InstantFacts };
  /** The dump and memory against what the emulator saw; absent where T1 did not come (docs/fidelity.md). */
  readonly fidelity?: FidelityReport;
  /** An ordinary kexec's image at T1 and T2 against what was loaded; absent where T1 did not come. */
  readonly handover?: HandoverReport;
  readonly rules: readonly RuleResult[];
};
