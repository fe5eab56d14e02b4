/** Controls a store in a worker thread; its interface is that of a store in this thread. */

import type { Worker } from 'node:worker_threads';
import type { ByteSource } from '../../base/bytes.ts';
import { defined } from '../../base/defined.ts';
import { diskErrorOf } from '../../base/disk-error.ts';
import { startWorker } from '../../base/worker.ts';
import type { DumpCheck } from '../reader/index.ts';
import { piecesOf } from './chunker.ts';
import type {
  ByteSpan,
  ChunkRef,
  Manifest,
  ManifestId,
  StoredVmcore,
  StoreFigures,
  SweepResult,
  VmcoreDamage,
  VmcoreDraft,
  VmcoreStore,
  WriteOptions,
} from './contract.ts';
import type { LocalStoreOptions } from './local.ts';
import type { Call, Reply, Request, SentError } from './worker-protocol.ts';
import { receiveError, sendError } from './worker-protocol.ts';

/** Where the chunk database is, and how it is written. */
export type WorkerOptions = LocalStoreOptions & { readonly path: string };

/** Pieces sent ahead of the worker's using them up. */
const PIECES_AHEAD = 4;

/**
 * Starts the worker and opens the chunk database in it.
 * @throws FormatError `store/migration-…`, or the system's error as text, when the database cannot be opened.
 */
export async function openVmcoreStore(options: WorkerOptions): Promise<VmcoreStore> {
  const worker = startWorker('./worker', import.meta.url, { workerData: options });
  const client = new WorkerVmcoreStore(worker);
  await client.ready;
  return client;
}

/** A caller that waits for the next reply of a conversation. */
type Waiter = { readonly resolve: (reply: Reply) => void; readonly reject: (error: Error) => void };

/** One numbered conversation: replies in order, waited for one at a time. */
type Conversation = { readonly replies: Reply[]; waiter?: Waiter | undefined };

class WorkerVmcoreStore implements VmcoreStore {
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #talks = new Map<number, Conversation>();
  #next = 1;
  /** Why nothing more can be asked. */
  #dead: Error | undefined;
  #closing = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.ready = new Promise((resolve, reject) => {
      worker.on('message', (reply: Reply) => {
        if (reply.kind === 'ready') resolve();
        else if (reply.kind === 'failed-to-open') {
          reject(receiveError(reply.error));
          void worker.terminate();
        } else this.#deliver(reply);
      });
      const end = (error: Error): void => {
        reject(error);
        this.#die(error);
      };
      worker.on('error', (error) =>
        end(new Error(`the store's worker failed: ${String(error)}`, { cause: error })),
      );
      // A reply that is lost would be waited for without end.
      worker.on('messageerror', (error) => {
        end(new Error("a message of the store's worker could not be read", { cause: error }));
        void worker.terminate();
      });
      // A worker that was closed may be seen to end in the same turn as it answers, before close() has gone on.
      worker.on('exit', (code) =>
        end(this.#closing ? storeClosed() : new Error(`the store's worker ended (${code})`)),
      );
    });
  }

  async writeVmcore(
    source: AsyncIterable<Uint8Array> | ByteSource,
    length?: number,
    options: WriteOptions = {},
  ): Promise<StoredVmcore> {
    const op = this.#begin();
    try {
      this.#send({ kind: 'write-begin', op, length, options });
      let ahead = 0;
      let early: Reply | undefined;
      const used = async (): Promise<Reply | undefined> => {
        const reply = await this.#reply(op);
        ahead--;
        // An answer before the end: the store has failed.
        return reply.kind === 'piece-used' ? undefined : reply;
      };
      try {
        for await (const piece of piecesOf(source, length)) {
          // A copy of its own is handed over: cloning a view would clone the whole buffer behind it.
          const bytes = new Uint8Array(piece);
          this.#send({ kind: 'write-piece', op, bytes }, [bytes.buffer]);
          ahead++;
          early = ahead >= PIECES_AHEAD ? await used() : undefined;
          if (early !== undefined) break;
        }
      } catch (error) {
        this.#send({ kind: 'write-abort', op, error: sendError(error) });
        const reply = await this.#settle(op);
        // The source's disk failed, and what was stored before is kept.
        if (reply.kind === 'result') return storedOf(reply);
        throw error;
      }
      if (early !== undefined) return storedOf(early);
      this.#send({ kind: 'write-end', op });
      return storedOf(await this.#settle(op));
    } finally {
      this.#talks.delete(op);
    }
  }

  async beginVmcore(): Promise<VmcoreDraft> {
    const draft = (await this.#call({ method: 'draft-begin' })) as number;
    return {
      put: async (parts) => {
        // They are handed over: the caller gives them up.
        const buffers = parts.map(({ bytes }) => bytes.buffer as ArrayBuffer);
        await this.#call({ method: 'draft-put', draft, parts }, buffers);
      },
      finish: async (length) => (await this.#call({ method: 'draft-finish', draft, length })) as StoredVmcore,
      abandon: async () => {
        await this.#call({ method: 'draft-abandon', draft });
      },
    };
  }

  describe(id: ManifestId): Promise<Manifest> {
    return this.#call({ method: 'describe', id }) as Promise<Manifest>;
  }

  list(): Promise<readonly Manifest[]> {
    return this.#call({ method: 'list' }) as Promise<readonly Manifest[]>;
  }

  async *readVmcore(id: ManifestId, span?: ByteSpan): AsyncGenerator<Uint8Array> {
    const op = this.#begin();
    try {
      this.#send({ kind: 'read-begin', op, id, span });
      // One piece ahead: the worker reads while this one is being sent.
      this.#send({ kind: 'read-next', op });
      for (;;) {
        const reply = await this.#reply(op);
        if (reply.kind === 'end') return;
        if (reply.kind !== 'piece') {
          resultOf(reply);
          return;
        }
        this.#send({ kind: 'read-next', op });
        yield reply.bytes;
      }
    } finally {
      this.#talks.delete(op);
      if (this.#dead === undefined) this.#worker.postMessage({ kind: 'read-stop', op } satisfies Request);
    }
  }

  checkVmcore(id: ManifestId): Promise<DumpCheck> {
    return this.#call({ method: 'checkVmcore', id }) as Promise<DumpCheck>;
  }

  async verify(id: ManifestId): Promise<void> {
    await this.#call({ method: 'verify', id });
  }

  delete(id: ManifestId): Promise<SweepResult> {
    return this.#call({ method: 'delete', id }) as Promise<SweepResult>;
  }

  retain(keep: ReadonlySet<ManifestId>): Promise<SweepResult> {
    return this.#call({ method: 'retain', keep }) as Promise<SweepResult>;
  }

  damage(): Promise<readonly VmcoreDamage[]> {
    return this.#call({ method: 'damage' }) as Promise<readonly VmcoreDamage[]>;
  }

  async quarantine(chunks: readonly ChunkRef[]): Promise<void> {
    await this.#call({ method: 'quarantine', chunks });
  }

  figures(): Promise<StoreFigures> {
    return this.#call({ method: 'figures' }) as Promise<StoreFigures>;
  }

  async close(): Promise<void> {
    if (this.#dead !== undefined) return;
    this.#closing = true;
    await this.#call({ method: 'close' });
    this.#die(storeClosed());
    await this.#worker.terminate();
  }

  async #call(call: Call, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    const op = this.#begin();
    try {
      this.#send({ kind: 'call', op, call }, transfer);
      return resultOf(await this.#reply(op));
    } finally {
      this.#talks.delete(op);
    }
  }

  #begin(): number {
    const op = this.#next++;
    this.#talks.set(op, { replies: [] });
    return op;
  }

  #send(request: Request, transfer: readonly ArrayBuffer[] = []): void {
    if (this.#dead !== undefined) throw this.#dead;
    this.#worker.postMessage(request, transfer);
  }

  /** The last reply of a conversation: the one after the acknowledgements. */
  async #settle(op: number): Promise<Reply> {
    for (;;) {
      const reply = await this.#reply(op);
      if (reply.kind !== 'piece-used') return reply;
    }
  }

  #reply(op: number): Promise<Reply> {
    const talk = this.#talks.get(op);
    const reply = talk?.replies.shift();
    if (reply !== undefined) return Promise.resolve(reply);
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    return new Promise((resolve, reject) => {
      if (talk !== undefined) talk.waiter = { resolve, reject };
    });
  }

  #deliver(reply: Exclude<Reply, { kind: 'ready' | 'failed-to-open' }>): void {
    // Replies to a conversation that its caller has left are dropped.
    const talk = this.#talks.get(reply.op);
    if (talk?.waiter !== undefined) {
      const { resolve } = talk.waiter;
      talk.waiter = undefined;
      resolve(reply);
    } else talk?.replies.push(reply);
  }

  #die(error: Error): void {
    this.#dead ??= error;
    for (const talk of this.#talks.values()) talk.waiter?.reject(this.#dead);
  }
}

function storeClosed(): Error {
  return new Error('the store is closed');
}

/** An error loses its class on the way. */
function storedOf(reply: Reply): StoredVmcore {
  const { cut, ...stored } = resultOf(reply) as Omit<StoredVmcore, 'cut'> & { readonly cut?: SentError };
  const error = cut === undefined ? undefined : diskErrorOf(receiveError(cut));
  return { ...stored, ...defined({ cut: error }) };
}

function resultOf(reply: Reply): unknown {
  if (reply.kind === 'result') return reply.value;
  if (reply.kind === 'error') throw receiveError(reply.error);
  throw new Error(`the store's worker said ${reply.kind} where a result was due`);
}
