/** Random numbers from a seed, for the differential tests: the same seed gives the same programs on every machine. */

export class RandomSource {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed any 32-bit number; different seeds give unrelated sequences. */
  constructor(seed: number) {
    this.#a = 0x9e3779b9 | 0;
    this.#b = 0x243f6a88 | 0;
    this.#c = seed | 0;
    this.#d = 1;
    for (let i = 0; i < 15; i++) this.word();
  }

  /** 32 bits, signed (the sfc32 generator of PractRand). */
  word(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    return t;
  }

  /** A number from 0 to `n` - 1. */
  below(n: number): number {
    return (this.word() >>> 0) % n;
  }

  /** True in one of `n` calls. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  /** 64 bits, unsigned, without bias. */
  uniform64(): bigint {
    return (BigInt(this.word() >>> 0) << 32n) | BigInt(this.word() >>> 0);
  }

  /**
   * 64 bits, unsigned, mostly near the places where arithmetic changes its behaviour: zero, the ends of the signed and
   * unsigned ranges of 8, 16, 32 and 64 bits, single bits, runs of ones, sign extensions, repeated bytes.
   */
  boundary64(): bigint {
    const small = (): bigint => BigInt(this.below(9) - 4);
    const bit = (): bigint => 1n << BigInt(this.below(64));
    switch (this.below(12)) {
      case 0:
        return unsigned(small());
      case 1:
        return unsigned(bit() + small());
      case 2:
        return unsigned(-bit() + small());
      case 3:
        return unsigned(
          this.pick([7n, 8n, 15n, 16n, 31n, 32n, 63n]) > 0n
            ? (1n << this.pick([7n, 8n, 15n, 16n, 31n, 32n, 63n])) + small()
            : 0n,
        );
      case 4:
        return BigInt.asUintN(64, BigInt.asIntN(32, this.uniform64()));
      case 5:
        return BigInt.asUintN(32, this.uniform64());
      case 6:
        return this.uniform64() >> BigInt(this.below(64));
      case 7:
        return (BigInt(this.below(256)) * 0x0101010101010101n) ^ (this.oneIn(2) ? 0n : bit());
      case 8: {
        // A run of ones, perhaps around the end.
        const ones = (1n << BigInt(this.below(65))) - 1n;
        const by = BigInt(this.below(64));
        return unsigned((ones << by) | (ones >> (64n - by)));
      }
      case 9:
        // Boundary halves: what 32-bit instructions must not mix.
        return (this.#half() << 32n) | this.#half();
      default:
        return this.uniform64();
    }
  }

  #half(): bigint {
    switch (this.below(4)) {
      case 0:
        return BigInt.asUintN(32, BigInt(this.below(5) - 2));
      case 1:
        return BigInt.asUintN(32, 0x80000000n + BigInt(this.below(5) - 2));
      default:
        return BigInt(this.word() >>> 0);
    }
  }
}

function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
