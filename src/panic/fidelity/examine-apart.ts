/** Makes the fidelity report in another thread (examine-worker.ts). */

import { ReadingThreads } from '../reading/index.ts';
import type { Examination, FidelityInput } from './examine.ts';

/** What the thread is given; it asks for the rest. */
export type ToExamine = Omit<FidelityInput, 'handle' | 'nameOf'>;

const threads = new ReadingThreads<ToExamine, Examination>('./examine-worker', import.meta.url);

/** Has the thread ready for {@link examineApart}. */
export function warmExamination(): void {
  threads.warm();
}

/** As examine(). @throws ReadingFailure where it takes too much time or memory; Error when the partition's worker dies */
export async function examineApart(input: FidelityInput, signal?: AbortSignal): Promise<Examination> {
  const { handle, nameOf, ...rest } = input;
  const what = 'what the crash left in memory';
  return await threads.read(handle, rest, { what, signal, nameAt: nameOf });
}
