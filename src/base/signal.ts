/** Waits for a condition over state whose changes are announced, without polling. */

export class Signal {
  readonly #waiters = new Set<() => void>();

  /** The state has changed: conditions are looked at again. */
  notify(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** The first result of `probe` that is not undefined: now, or after a later {@link notify}. */
  until<T>(probe: () => T | undefined): Promise<T> {
    const now = probe();
    if (now !== undefined) return Promise.resolve(now);
    return new Promise((resolve, reject) => {
      const waiter = (): void => {
        try {
          const result = probe();
          if (result === undefined) return;
          this.#waiters.delete(waiter);
          resolve(result);
        } catch (error) {
          this.#waiters.delete(waiter);
          reject(error);
        }
      };
      this.#waiters.add(waiter);
    });
  }
}
