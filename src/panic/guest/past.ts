/**
 * Remembers what came to a guest from outside since power-on, beside what the crash itself sends: what a repetition has to give again, and
 * what keeps it from being a repetition. The rest of a run follows from the image, the machine and the seed.
 */

import type { InputTaken } from '../../emulator/host/index.ts';
import type { TypedInput } from '../contract/index.ts';

/** Of a user who types more than this, nothing is kept: a record has its limits. */
const MOST_BYTES = 4096;
const MOST_PIECES = 512;

export class Past {
  readonly #typed: TypedInput[] = [];
  readonly #obstacles = new Set<string>();
  #bytes = 0;
  #ways = 0;
  /** Guest seconds at which the guest was first ready; undefined: it has not been. */
  readySeconds: number | undefined;

  /** A user typed. */
  typed(taken: InputTaken, vty: 0 | 1, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const { insn, slice, resting, held } = taken;
    this.#bytes += bytes.length;
    if (this.#bytes > MOST_BYTES || this.#typed.length >= MOST_PIECES) {
      this.#typed.length = 0;
      this.hinder(
        `more was typed on its terminals than is kept (${MOST_BYTES} bytes in ${MOST_PIECES} pieces)`,
      );
      return;
    }
    if (held === true) this.hinder('something was typed while an image was being loaded');
    if (resting && this.readySeconds === undefined)
      this.hinder('something was typed while it rested before it was ready');
    const text = Buffer.from(bytes).toString('latin1');
    this.#typed.push({ insn, slice, vty, text, ...(resting ? { resting } : {}) });
  }

  /** The guest is asked to leave its kernel. */
  asked(): void {
    if (++this.#ways > 1) this.hinder('it was asked to leave its kernel before, in the same power cycle');
  }

  /** Something that cannot be given again. */
  hinder(why: string): void {
    this.#obstacles.add(why);
  }

  /** In order; none where it is not all of it. */
  get input(): readonly TypedInput[] {
    return this.#typed;
  }
  /** Why the run cannot be repeated; none: it can. */
  get obstacles(): readonly string[] {
    return [...this.#obstacles];
  }
}
