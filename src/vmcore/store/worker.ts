/**
 * Runs the store in a worker thread, so that hashing, compression and SQLite do not block the thread that serves HTTP.
 * workerData: {@link WorkerOptions}. The conversation: worker-protocol.ts.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/errors.ts';
import type { StoredVmcore, VmcoreDraft, VmcorePart, VmcoreStore, WriteOptions } from './contract.ts';
import { openLocalVmcoreStore } from './local.ts';
import type { WorkerOptions } from './worker-client.ts';
import type { Call, Reply, Request } from './worker-protocol.ts';
import { receiveError, sendError } from './worker-protocol.ts';

assert(parentPort !== null, 'the worker runs in a thread');
const port = parentPort;

function reply(message: Reply): void {
  port.postMessage(message, message.kind === 'piece' ? [message.bytes.buffer as ArrayBuffer] : []);
}

/** Pieces that the client sends, as the store wants them: one at a time, each acknowledged. */
class Inbox implements AsyncIterable<Uint8Array> {
  readonly #op: number;
  readonly #pieces: Uint8Array[] = [];
  #ending: { readonly error?: Error } | undefined;
  #wake: (() => void) | undefined;

  constructor(op: number) {
    this.#op = op;
  }

  push(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#wake?.();
  }

  end(error?: Error): void {
    this.#ending = error === undefined ? {} : { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        yield piece;
        reply({ kind: 'piece-used', op: this.#op });
      } else if (this.#ending !== undefined) {
        if (this.#ending.error !== undefined) throw this.#ending.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

function serve(store: VmcoreStore): void {
  const writes = new Map<number, Inbox>();
  const reads = new Map<number, AsyncIterator<Uint8Array>>();
  const drafts = new Drafts(store);

  const answer = (op: number, work: Promise<unknown>): void => {
    work.then(
      (value) => reply({ kind: 'result', op, value }),
      (error: unknown) => reply({ kind: 'error', op, error: sendError(error) }),
    );
  };

  const write = (op: number, length: number | undefined, options: WriteOptions): void => {
    const inbox = new Inbox(op);
    writes.set(op, inbox);
    answer(
      op,
      store
        .writeVmcore(inbox, length, options)
        .then(({ cut, ...stored }) => (cut === undefined ? stored : { ...stored, cut: sendError(cut) }))
        .finally(() => writes.delete(op)),
    );
  };

  const readNext = async (op: number): Promise<void> => {
    const step = await reads.get(op)?.next();
    if (step === undefined || step.done === true) {
      reads.delete(op);
      reply({ kind: 'end', op });
    } else {
      // A copy of its own: the buffer is handed over, and a piece may be a view of a larger one.
      reply({ kind: 'piece', op, bytes: new Uint8Array(step.value) });
    }
  };

  // A request that cannot be read would never be answered: the worker ends, and its client learns why.
  port.on('messageerror', (error) => {
    throw error;
  });

  port.on('message', (request: Request) => {
    const { op } = request;
    switch (request.kind) {
      case 'call':
        answer(op, call(store, drafts, request.call));
        break;
      case 'write-begin':
        write(op, request.length, request.options);
        break;
      case 'write-piece':
        writes.get(op)?.push(request.bytes);
        break;
      case 'write-end':
        writes.get(op)?.end();
        break;
      case 'write-abort':
        writes.get(op)?.end(receiveError(request.error));
        break;
      case 'read-begin':
        reads.set(op, store.readVmcore(request.id, request.span)[Symbol.asyncIterator]());
        break;
      case 'read-next':
        readNext(op).catch((error: unknown) => {
          reads.delete(op);
          reply({ kind: 'error', op, error: sendError(error) });
        });
        break;
      case 'read-stop': {
        const read = reads.get(op);
        reads.delete(op);
        answer(
          op,
          Promise.resolve(read?.return?.()).then(() => undefined),
        );
        break;
      }
    }
  });
}

/** The drafts of this store's client, by number. */
class Drafts {
  readonly #store: VmcoreStore;
  readonly #open = new Map<number, VmcoreDraft>();
  #last = 0;

  constructor(store: VmcoreStore) {
    this.#store = store;
  }

  async begin(): Promise<number> {
    const draft = await this.#store.beginVmcore();
    this.#open.set(++this.#last, draft);
    return this.#last;
  }

  async put(number: number, parts: readonly VmcorePart[]): Promise<void> {
    await this.#get(number).put(parts);
  }

  async finish(number: number, length: number): Promise<StoredVmcore> {
    const stored = await this.#get(number).finish(length);
    this.#open.delete(number);
    return stored;
  }

  async abandon(number: number): Promise<void> {
    const draft = this.#open.get(number);
    this.#open.delete(number);
    await draft?.abandon();
  }

  #get(number: number): VmcoreDraft {
    const draft = this.#open.get(number);
    assert(draft !== undefined, 'a draft that is over is not continued');
    return draft;
  }
}

function call(store: VmcoreStore, drafts: Drafts, request: Call): Promise<unknown> {
  switch (request.method) {
    case 'draft-begin':
      return drafts.begin();
    case 'draft-put':
      return drafts.put(request.draft, request.parts);
    case 'draft-finish':
      return drafts.finish(request.draft, request.length);
    case 'draft-abandon':
      return drafts.abandon(request.draft);
    case 'describe':
      return store.describe(request.id);
    case 'checkVmcore':
      return store.checkVmcore(request.id);
    case 'verify':
      return store.verify(request.id);
    case 'delete':
      return store.delete(request.id);
    case 'list':
      return store.list();
    case 'damage':
      return store.damage();
    case 'figures':
      return store.figures();
    case 'quarantine':
      return store.quarantine(request.chunks);
    case 'retain':
      return store.retain(request.keep);
    case 'close':
      return store.close().finally(() => port.unref());
  }
}

try {
  const options = workerData as WorkerOptions;
  serve(openLocalVmcoreStore(options.path, options));
  reply({ kind: 'ready' });
} catch (error) {
  reply({ kind: 'failed-to-open', error: sendError(error) });
}
