/** Keeps values that are costly to make, up to a number: the one that was not used for the longest goes first. */
export class LastUsed<K, V> {
  readonly #most: number;
  /** Used last: listed last. */
  readonly #values = new Map<K, V>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The value that is kept for a key, or else a new one. */
  get(key: K, make: () => V): V {
    const value = this.#values.has(key) ? (this.#values.get(key) as V) : make();
    this.#values.delete(key);
    this.#values.set(key, value);
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= this.#most) break;
      this.#values.delete(oldest);
    }
    return value;
  }

  delete(key: K): void {
    this.#values.delete(key);
  }
}
