/** The last bytes of a stream that may be longer than what is worth keeping. */

export class BoundedBytes {
  readonly #limit: number;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** At most the last `limit` bytes. */
  get bytes(): Uint8Array {
    const all = Buffer.concat(this.#parts);
    return new Uint8Array(all.subarray(Math.max(0, all.length - this.#limit)));
  }

  push(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    // Cutting each time would copy everything for every byte printed.
    if (this.#length <= this.#limit * 2) return;
    const kept = this.bytes;
    this.#parts = [kept];
    this.#length = kept.length;
  }

  clear(): void {
    this.#parts = [];
    this.#length = 0;
  }
}
