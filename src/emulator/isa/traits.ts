/**
 * What the engine has to know of an instruction beyond its encoding, row by row: what it touches, how often a kernel
 * executes it, which processors have it. Every row names its effect; the others are absent where they do not apply.
 */

/** Versions of the architecture: Power ISA 2.07 (POWER8) and 3.0B (POWER9). */
export type Isa = '2.07' | '3.0';

/**
 * What an instruction touches.
 * - `registers`: registers alone, of those that the ISA lets its state use; it may trap.
 * - `branch`: the next instruction, and LR, CTR.
 * - `load`, `store`: storage, and registers.
 * - `touch-load`, `touch-store`: a block of storage that it names and that nothing happens to here: hints, flushes. Tracing
 *   counts it as a load or a store.
 * - `order`: nothing here: barriers, and hints without an address.
 * - `linkage`: it leaves for another state or ends the program; it is never traced.
 * - `system`: anything else: MSR, translation, special purpose registers, other processors.
 */
export type Effect =
  | 'registers'
  | 'branch'
  | 'load'
  | 'store'
  | 'touch-load'
  | 'touch-store'
  | 'order'
  | 'linkage'
  | 'system';

export type Traits = {
  readonly effect: Effect;
  /** A stock kernel executes it much: its code stands in the interpreter's main function. */
  readonly hot?: true;
  /** Loops that only wait may contain it: executed again with the same registers and storage, it changes nothing. */
  readonly spins?: true;
  /** Its code needs the address of the instruction or the place in the slice, which the main function has. */
  readonly positional?: true;
  /** The special handler that does all of it, or what its code leaves (engine/specials.ts). */
  readonly special?: string;
  /** The version that brought it; absent: both have it. Source: Power ISA 3.0B, appendices F and G, column "version". */
  readonly since?: '3.0';
  /** The last version that has it; absent: both have it. Source: Power ISA 3.0B, preface, "Summary of changes". */
  readonly until?: '2.07';
};
