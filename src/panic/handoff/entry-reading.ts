/**
 * Reads what memory says of an image that was entered: as it was at T1, and at T2. Where the machine did not keep memory at
 * T2 it is read at once, while the kernel runs. A worker that dies meanwhile takes that with it; what was seen before is kept.
 */

import type { PartitionHandle } from '../../emulator/host/index.ts';
import { readAtEntryFacts, readEntryFacts } from '../facts/index.ts';
import type { EntryFacts } from '../trace/index.ts';
import { keptAt } from '../watch/index.ts';
import type { Prepared } from './prepare.ts';

export class EntryReading {
  readonly #prepared: Prepared;
  #reading: Promise<EntryFacts | Error> | undefined;

  constructor(prepared: Prepared) {
    this.#prepared = prepared;
  }

  /** To be called after each event. */
  look(): void {
    const { recorder, image, read } = this.#prepared;
    const entry = recorder.entryOfKernel;
    if (entry === undefined || image === undefined || this.#reading !== undefined) return;
    // Nobody waits for it yet: a failure is kept until somebody does.
    this.#reading = readEntryFacts(image, entry, read).catch((error: Error) => error);
  }

  /**
   * Tells the recorder what was found; where the partition's worker has died, what had been.
   * @throws Error when reading failed though it lives
   */
  async done(handle: PartitionHandle): Promise<void> {
    const { recorder, image } = this.#prepared;
    const facts = await this.#reading;
    const alive = await answers(handle);
    if (facts instanceof Error) {
      if (alive) throw facts;
    } else if (facts !== undefined) recorder.setEntered(facts);
    const { t1, t2 } = recorder.instants;
    if (!alive || image === undefined || t1 === undefined) return;
    // Kept at T2 itself: by now an ordinary kexec's new kernel has long moved over its image.
    const { entryOfKernel } = recorder;
    if (entryOfKernel !== undefined && (await keptAt(handle, 't2', t2)) !== undefined)
      recorder.setEntered(
        await readEntryFacts(image, entryOfKernel, (raddr, length) =>
          handle.readInstant('t2', raddr, length),
        ),
      );
    if ((await keptAt(handle, 't1', t1)) === undefined) return;
    recorder.setAtEntry(
      await readAtEntryFacts(image, (raddr, length) => handle.readInstant('t1', raddr, length)),
    );
  }
}

/** Whether a partition's worker is still there. */
export async function answers(handle: PartitionHandle): Promise<boolean> {
  return await handle.vcpus().then(
    () => true,
    () => false,
  );
}
