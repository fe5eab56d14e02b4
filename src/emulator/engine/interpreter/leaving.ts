/** How a region's function leaves, where it is not with an exit code of the instruction at its record (cpu/exit.ts). */

type Leaving = 'plain' | 'near' | 'far' | 'refill';

export const LEAVING: Readonly<Record<Leaving, number>> = {
  /** The instruction at the record has not been executed: its handler does it. */
  plain: 0,
  /** It continues at the record. */
  near: 64,
  /** It continues at NIA; LEFT is what is left. */
  far: 65,
  /** It continues at the record, and the portion is used up. */
  refill: 66,
};
