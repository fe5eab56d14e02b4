/** Reads a loaded image in another thread (image-worker.ts). */

import { ReadingThreads } from '../reading/index.ts';
import type { AtEntryFacts } from '../trace/index.ts';
import type { KexecImage, KexecLoad } from './kexec-image.ts';
import type { ReadMemory } from './symbols/index.ts';

/** What the thread is given. */
export type ImageReading =
  | { readonly kind: 'describe'; readonly load: KexecLoad; readonly cpus: number }
  | { readonly kind: 'at-entry'; readonly image: KexecImage };

const threads = new ReadingThreads<ImageReading, KexecImage | AtEntryFacts>(
  './image-worker',
  import.meta.url,
);
const what = 'the loaded image';

/** As describeImage(). @throws ReadingFailure where it takes too much time or memory, or `signal` ends it */
export async function describeImageApart(
  load: KexecLoad,
  readMemory: ReadMemory,
  cpus: number,
  signal?: AbortSignal,
): Promise<KexecImage> {
  const reading = { kind: 'describe', load, cpus } as const;
  return (await threads.read({ readMemory }, reading, { what, signal })) as KexecImage;
}

/** As readAtEntryFacts(). @throws ReadingFailure where it takes too much time or memory, or `signal` ends it */
export async function readAtEntryFactsApart(
  image: KexecImage,
  readMemory: ReadMemory,
  signal?: AbortSignal,
): Promise<AtEntryFacts> {
  return (await threads.read({ readMemory }, { kind: 'at-entry', image }, { what, signal })) as AtEntryFacts;
}
