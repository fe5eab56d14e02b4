/** Operations of the fleet: written down before they start, and told as they move. */

import type { Operation, ServiceEvent } from '../contract/index.ts';
import type { MetadataStore } from '../store/index.ts';

export type OperationBookOptions = {
  readonly metadata: Pick<MetadataStore, 'createOperation' | 'updateOperation'>;
  readonly emit: (event: ServiceEvent) => void;
  readonly now: () => Date;
  readonly newId: (prefix: string) => string;
};

type Change = Partial<Pick<Operation, 'state' | 'phase' | 'captureId' | 'traced' | 'error'>>;

export class OperationBook {
  readonly #options: OperationBookOptions;

  constructor(options: OperationBookOptions) {
    this.#options = options;
  }

  /** A new operation, queued; or the earlier one that was submitted with the same key. */
  async submit(
    kind: Operation['kind'],
    partitionId: string,
    key?: string,
  ): Promise<{ readonly operation: Operation; readonly isNew: boolean }> {
    const at = this.#options.now().toISOString();
    const operation: Operation = {
      id: this.#options.newId('o'),
      kind,
      state: 'queued',
      phase: 'queued',
      partitionId,
      createdAt: at,
      updatedAt: at,
    };
    const stored = await this.#options.metadata.createOperation(operation, key);
    const isNew = stored.id === operation.id;
    if (isNew) this.#tell(operation);
    return { operation: stored, isNew };
  }

  /** Writes a change down and tells it. @returns the operation as it is now. */
  async move(operation: Operation, change: Change): Promise<Operation> {
    const moved: Operation = { ...operation, ...change, updatedAt: this.#options.now().toISOString() };
    if (await this.#options.metadata.updateOperation(moved)) this.#tell(moved);
    return moved;
  }

  #tell({ id, state, phase }: Operation): void {
    this.#options.emit({ kind: 'operation', id, state, phase });
  }
}

/** A running operation whose changes are written one after another. */
export class RunningOperation {
  readonly #book: OperationBook;
  #operation: Operation;
  #writing: Promise<void> = Promise.resolve();

  constructor(book: OperationBook, operation: Operation) {
    this.#book = book;
    this.#operation = operation;
  }

  get id(): string {
    return this.#operation.id;
  }

  /** Queues a change. The first failure to write is thrown by {@link settle}. */
  move(change: Change): void {
    this.#writing = this.#writing.then(async () => {
      this.#operation = await this.#book.move(this.#operation, change);
    });
    // Whoever waits learns of it; nobody has to wait at once.
    this.#writing.catch(() => undefined);
  }

  async settle(): Promise<void> {
    await this.#writing;
  }
}
