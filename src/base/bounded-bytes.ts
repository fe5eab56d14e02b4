/** Keeps the last bytes of a stream that may be longer than what is worth keeping, in one buffer and in linear time. */

const LEAST = 4096;

export class BoundedBytes {
  readonly #limit: number;
  /** Half again as large as the limit at the most, so that each byte is moved twice and not once for every byte that comes. */
  #buffer = new Uint8Array(0);
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** At most the last `limit` bytes, as a copy. */
  get bytes(): Uint8Array {
    return this.#buffer.slice(Math.max(0, this.#length - this.#limit), this.#length);
  }

  push(bytes: Uint8Array): void {
    const kept = bytes.subarray(Math.max(0, bytes.length - this.#limit));
    this.#makeRoom(kept.length);
    this.#buffer.set(kept, this.#length);
    this.#length += kept.length;
  }

  clear(): void {
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
  }

  #makeRoom(bytes: number): void {
    const most = Math.ceil(1.5 * this.#limit);
    if (this.#length + bytes > most) {
      const from = Math.max(0, this.#length + bytes - this.#limit);
      this.#buffer.copyWithin(0, from, this.#length);
      this.#length -= from;
    }
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.min(most, Math.max(LEAST, needed, 2 * this.#buffer.length)));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}
