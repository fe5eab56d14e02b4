/**
 * Memory that may not be there: a pointer in a guest can lead anywhere, and that it leads outside of RAM is an answer.
 * Everything else that goes wrong with reading, above all a worker that died, is not.
 */

import { OutsideMemory } from '../../../emulator/memory/contract.ts';

/** What was read; undefined where there is no such memory. @throws whatever else `reading` rejects with */
export async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof OutsideMemory)) throw error;
    return undefined;
  }
}
