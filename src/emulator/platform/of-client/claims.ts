/**
 * The memory that firmware gives to its client: what is claimed, by whom, and what is left.
 *
 * Source: IEEE 1275-1994 §6.3.2.4 (claim and release). Real mode: addresses are physical, and only memory that firmware
 * itself can address in real mode is given: `[0, limit)`, in whole bytes, as the client asks.
 */

/** `[start, end)`. */
export type ClaimedRange = { readonly start: number; readonly end: number };

/** Claims at once, many times what Linux makes; every call looks at them all, and lists what is left. */
const MOST_CLAIMS = 256;

export class Claims {
  /** In ascending order, without overlap. */
  #claimed: ClaimedRange[] = [];
  /** Firmware's own, which a client cannot release. */
  readonly #own: ClaimedRange[] = [];
  readonly #limit: number;

  /** @param limit The first address that is not given. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes memory for firmware itself. @returns whether it was free. */
  keep(start: number, size: number): boolean {
    if (!this.#take(start, size)) return false;
    this.#own.push({ start, end: start + size });
    return true;
  }

  /**
   * @param align 0: exactly `[start, start + size)`; otherwise `start` does not count, and the lowest free range on a
   *   multiple of `align` is taken.
   * @returns where it lies; undefined when it cannot be had.
   */
  claim(start: number, size: number, align: number): number | undefined {
    if (align === 0) return this.#take(start, size) ? start : undefined;
    for (const gap of this.free()) {
      const base = Math.ceil(gap.start / align) * align;
      if (base + size <= gap.end) return this.#take(base, size) ? base : undefined;
    }
    return undefined;
  }

  /** Gives claimed memory back, whole claims or a part. @returns whether all of it was claimed and the client's. */
  release(start: number, size: number): boolean {
    const end = start + size;
    if (size <= 0 || this.#own.some((each) => each.start < end && start < each.end)) return false;
    const covered = this.#claimed
      .map((each) => Math.max(0, Math.min(each.end, end) - Math.max(each.start, start)))
      .reduce((sum, part) => sum + part, 0);
    if (covered !== size) return false;
    const rest = this.#claimed.flatMap((each) => {
      if (each.end <= start || each.start >= end) return [each];
      const left = { start: each.start, end: start };
      const right = { start: end, end: each.end };
      return [left, right].filter((part) => part.start < part.end);
    });
    // What is given back out of the middle of a claim leaves two.
    if (rest.length > MOST_CLAIMS) return false;
    this.#claimed = rest;
    return true;
  }

  /** What is not claimed, ascending. */
  free(): ClaimedRange[] {
    const gaps: ClaimedRange[] = [];
    let at = 0;
    for (const { start, end } of this.#claimed) {
      if (start > at) gaps.push({ start: at, end: start });
      at = end;
    }
    if (at < this.#limit) gaps.push({ start: at, end: this.#limit });
    return gaps;
  }

  #take(start: number, size: number): boolean {
    const end = start + size;
    if (size <= 0 || start < 0 || end > this.#limit) return false;
    if (this.#claimed.length >= MOST_CLAIMS) return false;
    if (this.#claimed.some((each) => each.start < end && start < each.end)) return false;
    this.#claimed.push({ start, end });
    this.#claimed.sort((a, b) => a.start - b.start);
    return true;
  }
}
