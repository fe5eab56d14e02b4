/**
 * Reads the memory of an image that was entered, as of T1 and of T2, and gives the facts to the recorder. Where the machine
 * kept no memory at T2, it is read at once while the kernel runs. If the worker dies meanwhile, these facts are missing; events
 * recorded before stay.
 */

import type { PartitionHandle } from '../../emulator/host/index.ts';
import { readAtEntryFactsApart, readEntryFacts } from '../facts/index.ts';
import type { EntryFacts } from '../trace/index.ts';
import { keptAt } from '../watch/index.ts';
import type { Prepared } from './prepare.ts';

export class EntryReading {
  readonly #prepared: Prepared;
  #reading: Promise<EntryFacts | Error> | undefined;

  constructor(prepared: Prepared) {
    this.#prepared = prepared;
  }

  /** Call it after each event. */
  look(): void {
    const { recorder, image, read } = this.#prepared;
    const entry = recorder.entryOfKernel;
    if (entry === undefined || image === undefined || this.#reading !== undefined) return;
    // Nothing awaits this promise before done(): an error is kept as a value, so that it is not an unhandled rejection.
    this.#reading = readEntryFacts(image, entry, read).catch((error: Error) => error);
  }

  /**
   * Gives the recorder the facts; where the partition's worker has died, those that were read before.
   * @param signal ends it
   * @throws Error when reading failed and the worker still runs; ReadingFailure where it takes too much, or is ended
   */
  async done(handle: PartitionHandle, signal: AbortSignal | undefined): Promise<void> {
    const { recorder, image } = this.#prepared;
    const facts = await this.#reading;
    const alive = await answers(handle);
    if (facts instanceof Error) {
      if (alive) throw facts;
    } else if (facts !== undefined) recorder.setEntered(facts);
    const { t1, t2 } = recorder.instants;
    if (!alive || image === undefined || t1 === undefined) return;
    // Memory kept at T2 replaces what was read later: an ordinary kexec's new kernel may by then have overwritten its image.
    const { entryOfKernel } = recorder;
    if (entryOfKernel !== undefined && (await keptAt(handle, 't2', t2)) !== undefined)
      recorder.setEntered(
        await readEntryFacts(image, entryOfKernel, (raddr, length) =>
          handle.readInstant('t2', raddr, length),
        ),
      );
    if ((await keptAt(handle, 't1', t1)) === undefined) return;
    recorder.setAtEntry(
      await readAtEntryFactsApart(image, (raddr, length) => handle.readInstant('t1', raddr, length), signal),
    );
  }
}

/** Whether a partition's worker still answers requests. */
export async function answers(handle: PartitionHandle): Promise<boolean> {
  return await handle.vcpus().then(
    () => true,
    () => false,
  );
}
