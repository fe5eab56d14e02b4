/**
 * Has bytes that a guest made parsed in another thread. A guest chooses them: they may take any time and memory to parse. So
 * the thread has a limit of both, and a reading that exceeds one ends with a sentence and nothing else with it. A thread that
 * did its work serves the next reading.
 */

import { MessageChannel, type Worker } from 'node:worker_threads';
import { assert } from '../../base/errors.ts';
import { startWorker } from '../../base/worker.ts';
import { errorOf, failureOf } from './failure.ts';
import type { Answer, Ask, FromReader, Job, MachineReads, NameAt } from './protocol.ts';

/** Seconds of the host for one reading: a thousand times what a dump of 1 GiB takes. */
const SECONDS = 300;
/** The same where the work that the reading is for was to end already: what the guest left is kept if it is easily read. */
const LATE_SECONDS = 10;
/** JavaScript memory of a thread, in MiB. */
const HEAP_MIB = 512;
/** Threads that wait for work: one costs some MiB, and a tenth of a second to start. */
const KEPT = 1;

/** A reading that exceeded a limit of its thread: the bytes are to blame, not the machine. */
export class ReadingFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ReadingFailure';
  }
}

/** What `work` gives; where a reading in it exceeded a limit or was ended, that failure. */
export async function orFailure<T>(work: () => Promise<T>): Promise<T | ReadingFailure> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ReadingFailure) return error;
    throw error;
  }
}

export type ReadingOptions = {
  /** What is read, for the sentence of a failure. */
  readonly what: string;
  /** Ends a reading early, when it is aborted meanwhile. */
  readonly signal?: AbortSignal | undefined;
  readonly nameAt?: NameAt;
  readonly seconds?: number;
  readonly heapMiB?: number;
};

export class ReadingThreads<I, R> {
  readonly #start: (heapMiB: number) => Worker;
  readonly #idle: Worker[] = [];

  /** @param name of the thread's module, beside the caller; it calls serveReadings. @param callerUrl the caller's `import.meta.url` */
  constructor(name: string, callerUrl: string) {
    this.#start = (heapMiB) => {
      const worker = startWorker(name, callerUrl, { resourceLimits: { maxOldGenerationSizeMb: heapMiB } });
      // The caller that waits for the thread gets its error; one that waits for work is not used again.
      const forget = (): void =>
        void this.#idle.splice(0, this.#idle.length, ...this.#idle.filter((each) => each !== worker));
      return worker.on('error', forget).on('exit', forget);
    };
  }

  /** Has a thread ready for a reading that will come: one takes a tenth of a second to start. */
  warm(): void {
    if (this.#idle.length >= KEPT) return;
    const worker = this.#start(HEAP_MIB);
    worker.unref();
    this.#idle.push(worker);
  }

  /**
   * @param machine as far as the reading needs it
   * @throws ReadingFailure where a limit was exceeded, or the signal was aborted; what the thread or the machine threw: of
   *   the classes of errors OutsideMemory and FormatError are kept
   */
  async read(machine: Partial<MachineReads>, input: I, options: ReadingOptions): Promise<R> {
    const { what, signal, heapMiB } = options;
    const seconds = options.seconds ?? (signal?.aborted ? LATE_SECONDS : SECONDS);
    const failed = (why: string): ReadingFailure => new ReadingFailure(`${what} could not be read: ${why}`);
    const kept = heapMiB === undefined ? this.#idle.pop() : undefined;
    const worker = kept ?? this.#start(heapMiB ?? HEAP_MIB);
    worker.ref();
    const { port1, port2 } = new MessageChannel();
    const woken = new Int32Array(new SharedArrayBuffer(4));
    let end: (error: Error) => void = () => undefined;
    const onAbort = (): void => end(failed(textOf(signal?.reason)));
    const onError = (error: unknown): void =>
      end(isOutOfMemory(error) ? failed(memoryText(heapMiB)) : asError(error));
    const onExit = (): void => end(new Error('the thread that reads a guest’s bytes ended'));
    const timer = setTimeout(() => end(failed(`it took more than ${seconds} s`)), seconds * 1000);
    worker.on('error', onError);
    worker.on('exit', onExit);
    signal?.addEventListener('abort', onAbort, { once: true });
    let whole = false;
    try {
      return await new Promise<R>((resolve, reject) => {
        end = reject;
        port1.on('messageerror', (cause) =>
          reject(
            new Error('a message of the thread that reads a guest’s bytes could not be read', { cause }),
          ),
        );
        port1.on('message', (message: FromReader) => {
          if (message.kind === 'ask') {
            void answer({ ...options, machine }, message).then((said) => {
              port1.postMessage(said);
              Atomics.add(woken, 0, 1);
              Atomics.notify(woken, 0);
            });
            return;
          }
          whole = true;
          if ('failure' in message) reject(errorOf(message.failure));
          else resolve(message.value as R);
        });
        const { config } = machine;
        const job: Job = { input, config, port: port2, woken };
        worker.postMessage(job, [port2]);
      });
    } finally {
      clearTimeout(timer);
      worker.off('error', onError);
      worker.off('exit', onExit);
      signal?.removeEventListener('abort', onAbort);
      port1.close();
      worker.unref();
      if (whole && heapMiB === undefined && this.#idle.length < KEPT) this.#idle.push(worker);
      else void worker.terminate();
    }
  }
}

type Asked = Pick<ReadingOptions, 'nameAt'> & { readonly machine: Partial<MachineReads> };

async function answer({ machine, nameAt }: Asked, { name, args }: Ask): Promise<Answer> {
  try {
    const method = (name === 'nameAt' ? nameAt : machine[name]) as
      | ((...given: readonly unknown[]) => unknown)
      | undefined;
    assert(method !== undefined, `the reading was not given ${name}`);
    return { value: await method.apply(machine, [...args]) };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

function memoryText(heapMiB = HEAP_MIB): string {
  return `it needed more than ${heapMiB} MiB of memory`;
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function textOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
