/**
 * Counts the room on the data folder's disk that work which has begun may still need, so that what is begun can be finished.
 * The figures are the worst case: content that is stored already, and zeros, take less.
 */

import { sizeText } from '../../base/free-room.ts';
import { Refusal } from '../contract/index.ts';

export type RoomOptions = {
  /** Bytes that are free now. @throws the system's error */
  readonly free: () => number;
  /** Bytes that always stay free: for metadata, and for ends to be recorded. */
  readonly reserve: number;
};

export class Room {
  readonly #options: RoomOptions;
  #promised = 0;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /**
   * Promises `bytes` to work that begins.
   * @param what the work, as the subject of a sentence: `a capture of partition one`
   * @returns gives the room back when the work has ended
   * @throws Refusal `no-room` with the figures
   */
  take(bytes: number, what: string): () => void {
    const { free, reserve } = this.#options;
    const there = free();
    if (there < bytes + this.#promised + reserve) {
      const others =
        this.#promised === 0 ? '' : `, ${sizeText(this.#promised)} are promised to work that runs`;
      throw new Refusal(
        'no-room',
        `${what} may need ${sizeText(bytes)} on the data folder's disk: ${sizeText(there)} are free${others}, ${sizeText(reserve)} stay free. Remove captures or images, or make room.`,
      );
    }
    this.#promised += bytes;
    let isTaken = true;
    return () => {
      if (isTaken) this.#promised -= bytes;
      isTaken = false;
    };
  }
}
