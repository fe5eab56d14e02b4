/** Defines the faults that a request can ask for (docs/faults.md). src/panic/faults has their syntax and what each kind does to the machine. */

/**
 * When an injected fault is done. `trigger`: while the partition rests, just before the trigger; `t0`, `t1`, `t2`: right
 * after the event of that instant (docs/trace.md).
 */
export const FAULT_INSTANTS = ['trigger', 't0', 't1', 't2'] as const;

export type FaultInstant = (typeof FAULT_INSTANTS)[number];

/** What an offset counts from: real address 0, or the start of a segment of the loaded crash image. */
export const FLIP_TARGETS = [
  'memory',
  'kernel',
  'purgatory',
  'tree',
  'elfcorehdr',
  'backup',
  'initrd',
] as const;

export type FlipTarget = (typeof FLIP_TARGETS)[number];

/** What is made to go wrong on purpose (docs/faults.md; src/panic/faults has what each kind means to the machine). */
export type Fault =
  /** The byte at `offset` of `of` is inverted. `at`: default `trigger`. */
  | {
      readonly kind: 'flip';
      readonly of: FlipTarget;
      readonly offset: number;
      readonly at?: FaultInstant;
    }
  /** The CPU (logical index) hangs: it executes nothing more and takes no interrupt, not even a system reset. */
  | { readonly kind: 'wedge'; readonly cpu: number; readonly at?: FaultInstant };
