/**
 * Finds room for segments: first fit upwards or downwards, in whole 64 KiB pages. Every ppc64 kernel accepts segments with
 * such borders (Linux 6.1 kernel/kexec_core.c: sanity_check_segment_list).
 */

import { alignUp } from '../base/bytes.ts';
import { loadError } from './errors.ts';
import { alignDown, intersectRanges, mergeRanges, PAGE, type Range, subtractRanges } from './ranges.ts';

export type PlaceOptions = {
  /** A power of two; at least {@link PAGE}. */
  readonly align?: number;
  /** Only below this address. */
  readonly below?: number;
  readonly from?: 'bottom' | 'top';
};

/** Memory that is left. */
export class Room {
  #free: Range[];

  constructor(free: readonly Range[]) {
    this.#free = mergeRanges(free);
  }

  get free(): readonly Range[] {
    return this.#free;
  }

  /** Takes `bytes`; @returns the address. @throws FormatError `load/no-room` */
  take(what: string, bytes: number, options: PlaceOptions = {}): number {
    const found = this.find(bytes, options);
    if (found === undefined)
      throw loadError('load/no-room', `there is no room for ${what}`, {
        expected: `0x${alignUp(bytes, PAGE).toString(16)} bytes in one piece${options.below === undefined ? '' : ` below 0x${options.below.toString(16)}`}`,
        actual: this.#free
          .map(({ start, end }) => `0x${start.toString(16)}–0x${end.toString(16)}`)
          .join(', '),
      });
    this.claim({ start: found, end: found + bytes });
    return found;
  }

  /** Where `bytes` would go. */
  find(bytes: number, { align = PAGE, below, from = 'bottom' }: PlaceOptions): number | undefined {
    const size = alignUp(bytes, PAGE);
    const allowed =
      below === undefined ? this.#free : intersectRanges(this.#free, [{ start: 0, end: below }]);
    const candidates = (from === 'bottom' ? allowed : [...allowed].reverse()).map(({ start, end }) => ({
      at: from === 'bottom' ? alignUp(start, align) : alignDown(end - size, align),
      start,
      end,
    }));
    return candidates.find(({ at, start, end }) => at >= start && at + size <= end)?.at;
  }

  /** Removes whole pages around `range` from what is free. */
  claim(range: Range): void {
    const pages = { start: alignDown(range.start, PAGE), end: alignUp(range.end, PAGE) };
    this.#free = subtractRanges(this.#free, [pages]);
  }
}
