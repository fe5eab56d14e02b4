/** Reads exact lengths from a stream of pieces, as archives need it. */

/** Makes the error for an archive that ends inside of what is read. */
export type ShortArchive = (what: string, offset: number, message: string) => Error;

/** Exact reads from a stream of pieces. */
export class ChunkReader {
  /** Bytes taken so far. */
  offset = 0;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #what: string;
  readonly #tooShort: ShortArchive;
  #piece: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>, what: string, tooShort: ShortArchive) {
    this.#tooShort = tooShort;
    this.#source = chunks[Symbol.asyncIterator]();
    this.#what = what;
  }

  /** The next `length` bytes, in an array of their own. */
  async take(length: number): Promise<Uint8Array> {
    // A header may promise what the archive does not hold: a large array costs memory only where it is written.
    const bytes = new Uint8Array(length);
    let at = 0;
    await this.#consume(length, (part) => {
      bytes.set(part, at);
      at += part.length;
    });
    return bytes;
  }

  async skip(length: number): Promise<void> {
    await this.#consume(length, () => 0);
  }

  /** Reads the rest, so that the decompressor checks it to the end. */
  async drain(): Promise<void> {
    while ((await this.#source.next()).done !== true);
  }

  /** Ends the source, wherever it is: a decompressor holds memory until then. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #consume(length: number, use: (part: Uint8Array) => void): Promise<void> {
    let left = length;
    while (left > 0) {
      if (this.#piece.length === 0) {
        const next = await this.#source.next();
        if (next.done === true) throw this.#tooShort(this.#what, this.offset, 'the archive ends too early');
        this.#piece = next.value;
        continue;
      }
      const part = this.#piece.subarray(0, left);
      use(part);
      this.#piece = this.#piece.subarray(part.length);
      this.offset += part.length;
      left -= part.length;
    }
  }
}
