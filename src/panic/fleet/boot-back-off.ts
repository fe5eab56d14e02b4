/**
 * Decides how long a partition waits before it boots again by itself. The first boot comes at once. A guest that ends
 * again and again right after its boot waits 1, 2, 4 … 60 s, so that it cannot hold a processor with its boots.
 */

export type BackOffOptions = {
  /** Milliseconds: the first wait, the longest, and how long a guest must have been in service to count as stable. */
  readonly firstMs: number;
  readonly mostMs: number;
  readonly stableMs: number;
};

export const BACK_OFF: BackOffOptions = { firstMs: 1000, mostMs: 60_000, stableMs: 60_000 };

export class BootBackOff {
  readonly #options: BackOffOptions;
  /** Ends right after a boot, in a row. */
  #inARow = 0;

  constructor(options: BackOffOptions = BACK_OFF) {
    this.#options = options;
  }

  /** How often in a row the guest has ended right after its boot. */
  get inARow(): number {
    return this.#inARow;
  }

  /** The guest ended after `servedMs` in service. @returns milliseconds until it is to boot again */
  ended(servedMs: number): number {
    const { firstMs, mostMs, stableMs } = this.#options;
    if (servedMs >= stableMs) this.#inARow = 0;
    const waitMs = this.#inARow === 0 ? 0 : Math.min(mostMs, firstMs * 2 ** (this.#inARow - 1));
    this.#inARow++;
    return waitMs;
  }

  /** Someone started the partition by hand. */
  reset(): void {
    this.#inARow = 0;
  }
}
