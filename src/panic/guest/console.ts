/** Keeps the last output of a partition's console and passes new output to those who watch it. */

import { BoundedBytes } from '../../base/bounded-bytes.ts';

const KEPT_BYTES = 2 ** 20;

export class MemberConsole {
  readonly #watchers = new Set<(bytes: Uint8Array) => void>();
  readonly #kept = new BoundedBytes(KEPT_BYTES);

  get bytes(): Uint8Array {
    return this.#kept.bytes;
  }

  print(bytes: Uint8Array): void {
    this.#kept.push(bytes);
    for (const watcher of [...this.#watchers]) watcher(bytes);
  }

  /** @returns a function that ends the watch */
  watch(listener: (bytes: Uint8Array) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  /** Empties the console for a new power cycle; watchers stay. */
  clear(): void {
    this.#kept.clear();
  }

  close(): void {
    this.#watchers.clear();
  }
}
