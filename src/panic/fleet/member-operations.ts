/** Operations of the fleet's members: submitted at once, run when their turn at the member comes. */

import type { Operation } from '../contract/index.ts';
import { type OperationBook, RunningOperation } from '../operations/operation-book.ts';
import { failureOf } from '../operations/operation-failure.ts';
import type { FleetMember } from './member.ts';

export type MemberOperationsOptions = {
  readonly book: OperationBook;
  /** The service goes down: whatever fails now was interrupted. */
  readonly isClosing: () => boolean;
  readonly onError: (error: Error) => void;
};

export class MemberOperations {
  readonly #options: MemberOperationsOptions;
  /** Operations that wait for their turn. */
  readonly #queued = new Set<string>();

  constructor(options: MemberOperationsOptions) {
    this.#options = options;
  }

  /** Takes an operation out of the queue. @returns false where it is not queued (any more). */
  dequeue(id: string): boolean {
    return this.#queued.delete(id);
  }

  /** Submits an operation and runs it when its turn comes. */
  async run(
    member: FleetMember,
    kind: Operation['kind'],
    work: (running: RunningOperation) => Promise<void>,
    key?: string,
  ): Promise<Operation> {
    const before = member.state;
    let submitted: { readonly operation: Operation; readonly isNew: boolean };
    try {
      submitted = await this.#options.book.submit(kind, member.record.id, key);
    } catch (error) {
      if (isOfReadyGuest(kind)) member.show('ready');
      throw error;
    }
    const { operation, isNew } = submitted;
    if (!isNew) {
      // A request of before a restart, repeated: its operation stands, and nothing is done again.
      if (isOfReadyGuest(kind) && before === 'busy') member.show('ready');
      return operation;
    }
    this.#queued.add(operation.id);
    member
      .enqueue(() => this.#execute(member, operation, work))
      .catch((error: Error) => this.#options.onError(error));
    return operation;
  }

  async #execute(
    member: FleetMember,
    operation: Operation,
    work: (running: RunningOperation) => Promise<void>,
  ): Promise<void> {
    if (!this.#queued.delete(operation.id)) {
      // Cancelled before its turn: what is done to a ready guest leaves all as it was, the others had begun to switch off.
      if (isOfReadyGuest(operation.kind)) member.show('ready');
      else await member.halt();
      return;
    }
    const running = new RunningOperation(this.#options.book, operation);
    running.move({ state: 'running' });
    try {
      await work(running);
      running.move({ state: 'succeeded' });
    } catch (error) {
      running.move({ state: 'failed', error: failureOf(error, this.#options.isClosing()) });
    }
    await running.settle();
  }
}

/** Done to a guest that is ready; until its turn comes nothing has been done. */
function isOfReadyGuest(kind: Operation['kind']): boolean {
  return kind === 'panic' || kind === 'kexec' || kind === 'restart';
}
