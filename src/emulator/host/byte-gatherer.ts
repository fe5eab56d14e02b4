/** Gathers bytes that come in small pieces: a terminal's come sixteen at a time. */

const LEAST = 4096;

export class ByteGatherer {
  #buffer = new Uint8Array(LEAST);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(2 * this.#buffer.length, this.#length + bytes.length));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** What was gathered, as a copy; nothing is left. */
  take(): Uint8Array {
    const taken = this.#buffer.slice(0, this.#length);
    this.#length = 0;
    if (this.#buffer.length > LEAST) this.#buffer = new Uint8Array(LEAST);
    return taken;
  }
}
