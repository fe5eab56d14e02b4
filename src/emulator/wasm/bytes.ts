/** Bytes of a module as they are written, with LEB128 integers: WebAssembly Core Specification 2.0, §5.2.2. */

const UTF_8 = new TextEncoder();

export class Bytes {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param expected how many there will be, about */
  constructor(expected = 256) {
    this.#bytes = new Uint8Array(expected);
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  /** Unsigned, of a number below 2^53. */
  unsigned(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  /** Signed, of a number in 32-bit two's complement range. */
  signed32(value: number): void {
    let rest = value;
    while (rest < -0x40 || rest >= 0x40) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  /** Signed, of a value in 64-bit two's complement range. */
  signed64(value: bigint): void {
    let rest = value;
    while (BigInt.asIntN(32, rest) !== rest) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.signed32(Number(rest));
  }

  /** The number of bytes, then the bytes. */
  vector(bytes: Bytes): void {
    this.unsigned(bytes.length);
    this.append(bytes);
  }

  /** A name's length, then its bytes. */
  text(value: string): void {
    const bytes = UTF_8.encode(value);
    this.unsigned(bytes.length);
    this.raw(bytes);
  }

  append(other: Bytes): void {
    this.raw(other.#bytes.subarray(0, other.#length));
  }

  raw(bytes: ArrayLike<number>): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A copy of what was written. */
  taken(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(more: number): void {
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
