/**
 * Counts in a bitmap of pages: which pages are in it, how many come before one, and the runs of set bits.
 * Bit 0 is the least significant of byte 0 (makedumpfile's set_bitmap).
 */

const BLOCK = 512;
const POPCOUNT: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
});

export class PageBitmap {
  /** Bits that are known: a cut dump may have fewer than it has pages. */
  readonly known: number;
  readonly #bytes: Uint8Array;
  /** Set bits before each block of 512 bytes. Doubles: there may be more than 2^32. */
  readonly #before: Float64Array;

  /** @param size pages that the bitmap is for; bits beyond `size` do not count. */
  constructor(bytes: Uint8Array, size: number) {
    this.known = Math.min(size, bytes.length * 8);
    const used = Math.ceil(this.known / 8);
    this.#bytes = new Uint8Array(bytes.subarray(0, used));
    if (this.known % 8 !== 0)
      this.#bytes[used - 1] = (this.#bytes[used - 1] ?? 0) & ((1 << (this.known % 8)) - 1);
    this.#before = new Float64Array(Math.floor(used / BLOCK) + 1);
    let count = 0;
    for (let i = 0; i < used; i++) {
      if (i % BLOCK === 0) this.#before[i / BLOCK] = count;
      count += POPCOUNT[this.#bytes[i] ?? 0] ?? 0;
    }
    if (used % BLOCK === 0) this.#before[used / BLOCK] = count;
  }

  has(pfn: number): boolean {
    return pfn < this.known && (((this.#bytes[Math.floor(pfn / 8)] ?? 0) >>> (pfn % 8)) & 1) === 1;
  }

  /** Set bits below `pfn`. */
  rank(pfn: number): number {
    const end = Math.min(pfn, this.known);
    const byte = Math.floor(end / 8);
    const block = Math.floor(byte / BLOCK);
    let count = this.#before[block] ?? 0;
    for (let i = block * BLOCK; i < byte; i++) count += POPCOUNT[this.#bytes[i] ?? 0] ?? 0;
    if (end % 8 !== 0) count += POPCOUNT[(this.#bytes[byte] ?? 0) & ((1 << (end % 8)) - 1)] ?? 0;
    return count;
  }

  /** The first page at or above `pfn` whose bit is `value`; {@link known} when there is none. */
  next(pfn: number, value: boolean): number {
    const skip = value ? 0 : 0xff;
    for (let at = pfn; at < this.known; ) {
      if (at % 8 === 0 && this.#bytes[at / 8] === skip) at += 8;
      else if (this.has(at) === value) return at;
      else at++;
    }
    return this.known;
  }
}
