/**
 * Reads memory that may not exist. A pointer in a guest can lead outside of RAM; that is a result and not an error.
 * Any other failure of reading, such as a worker that died, is an error.
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
