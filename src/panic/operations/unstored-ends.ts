/**
 * Keeps the ends of operations that could not be stored, because the disk was full or failed: they are shown from here until
 * they are stored. What is here when the process ends is lost; the next start then fails the operation as interrupted.
 */

import type { Operation } from '../contract/index.ts';

type Unstored = {
  /** As it is shown. */
  readonly operation: Operation;
  /** Stores the end. @returns null where the claim is lost: another end is stored */
  readonly store: () => Promise<Operation | null>;
};

export class UnstoredEnds {
  readonly #waiting = new Map<string, Unstored>();
  #retrying: Promise<number> | undefined;

  get size(): number {
    return this.#waiting.size;
  }

  add(operation: Operation, store: Unstored['store']): void {
    this.#waiting.set(operation.id, { operation, store });
  }

  /** The operation as it ended, where its end waits here; else as it was given. */
  shown(operation: Operation): Operation {
    return this.#waiting.get(operation.id)?.operation ?? operation;
  }

  get(id: string): Operation | undefined {
    return this.#waiting.get(id)?.operation;
  }

  /** Tries to store each again. @returns how many still wait; @throws the first error of the store, with the rest untried */
  retry(): Promise<number> {
    this.#retrying ??= this.#retry().finally(() => {
      this.#retrying = undefined;
    });
    return this.#retrying;
  }

  async #retry(): Promise<number> {
    for (const [id, { store }] of [...this.#waiting]) {
      await store();
      this.#waiting.delete(id);
    }
    return this.#waiting.size;
  }
}
