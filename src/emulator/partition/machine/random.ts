/** The partition's source of random bytes: all follow from the seed, so that a run repeats (ARCHITECTURE.md, "How execution works"). */

import { createCipheriv, createHash } from 'node:crypto';

/** AES-256-CTR keyed by the seed: bytes in a fixed order, equal in every run. */
export class SeededRandom {
  readonly #cipher: ReturnType<typeof createCipheriv>;

  constructor(seed: number) {
    const key = createHash('sha256').update(`kdumpd partition seed ${seed}`).digest();
    this.#cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  }

  bytes(count: number): Uint8Array {
    return new Uint8Array(this.#cipher.update(Buffer.alloc(count)));
  }
}
