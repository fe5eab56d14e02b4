/**
 * Holds a terminal to its limits (contract/limits.ts). A guest that prints faster than the pace finds the terminal busy, as on
 * hardware whose buffer is full (LoPAR, H_PUT_TERM_CHAR: H_Busy; Linux 6.1 hvc_vio.c and hvc_console.c print again). One
 * that prints without end has its power cycle ended.
 */

import type { Allowance, TerminalLimits } from '../../contract/limits.ts';
import { Bucket } from './bucket.ts';

const LINE_FEED = 0x0a;

export type TerminalUse = {
  /** Bytes printed. */
  readonly bytes: number;
  /** Calls that were answered busy. */
  readonly refused: number;
};

export class TerminalBudget {
  readonly #pace: Bucket;
  readonly #most: Bucket;
  readonly #lines: Bucket | undefined;
  readonly #exceeded: () => void;
  #bytes = 0;
  #refused = 0;

  /**
   * @param lines absent: the terminal is not cut into lines
   * @param exceeded called when the power cycle has to end
   */
  constructor(limits: TerminalLimits, lines: Allowance | undefined, now: () => number, exceeded: () => void) {
    this.#pace = new Bucket(limits.pace, now);
    this.#most = new Bucket(limits.most, now);
    this.#lines = lines === undefined ? undefined : new Bucket(lines, now);
    this.#exceeded = exceeded;
  }

  get use(): TerminalUse {
    return { bytes: this.#bytes, refused: this.#refused };
  }

  /** Whether the guest has to print again later. Each busy answer is counted. */
  isBusy(): boolean {
    if (!this.#pace.isEmpty && this.#lines?.isEmpty !== true) return false;
    this.#refused++;
    this.#charge(1);
    return true;
  }

  printed(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    this.#pace.take(bytes.length);
    if (this.#lines !== undefined) for (const byte of bytes) if (byte === LINE_FEED) this.#lines.take(1);
    this.#charge(bytes.length);
  }

  #charge(amount: number): void {
    this.#most.take(amount);
    if (this.#most.isEmpty) this.#exceeded();
  }
}
