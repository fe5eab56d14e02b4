/** Has a store verified or repaired in another thread (check-worker.ts). */

import { startWorker } from '../../base/worker.ts';
import type { StoreCheck, StorePaths } from './verify-store.ts';

export type CheckJob = {
  readonly kind: 'verify' | 'repair';
  readonly paths: StorePaths;
  /** Content that is read in a second at the most; absent: no limit. */
  readonly bytesPerSecond?: number;
};

export type CheckAnswer =
  | { readonly kind: 'phase'; readonly phase: string }
  | { readonly kind: 'done'; readonly result: StoreCheck }
  | { readonly kind: 'failed'; readonly message: string };

/** @throws the reason of the signal when it is aborted; what is half done then is undone by the databases */
export function checkInThread(
  job: CheckJob,
  onProgress: (phase: string) => void,
  signal: AbortSignal,
): Promise<StoreCheck> {
  signal.throwIfAborted();
  const worker = startWorker('./check-worker', import.meta.url, { workerData: job });
  return new Promise<StoreCheck>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    worker.on('message', (answer: CheckAnswer) => {
      if (answer.kind === 'phase') onProgress(answer.phase);
      else if (answer.kind === 'done') resolve(answer.result);
      else reject(new Error(answer.message));
    });
    worker.on('error', reject);
    worker.on('messageerror', (error) =>
      reject(new Error('a message of the thread that checks the store could not be read', { cause: error })),
    );
    worker.on('exit', (code) => reject(new Error(`the thread that checks the store ended (${code})`)));
  }).finally(() => worker.terminate());
}
