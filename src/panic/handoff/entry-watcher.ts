/** Watches a crash: reports each phase, and reads memory at once when the new kernel is entered. */

import type { PartitionHandle } from '../../emulator/host/index.ts';
import type { CapturePhase } from '../contract/index.ts';
import { EntryReading } from './entry-reading.ts';
import type { Prepared } from './prepare.ts';

export class EntryWatcher {
  readonly #prepared: Prepared;
  readonly #onPhase: (phase: CapturePhase) => void;
  #phase: CapturePhase = 'ready';
  readonly #reading: EntryReading;

  constructor(prepared: Prepared, onPhase: (phase: CapturePhase) => void) {
    this.#prepared = prepared;
    this.#onPhase = onPhase;
    this.#reading = new EntryReading(prepared);
  }

  look(): void {
    const { recorder } = this.#prepared;
    if (recorder.phase !== this.#phase && recorder.phase !== 'triggered') {
      this.#phase = recorder.phase;
      this.#onPhase(recorder.phase);
    }
    this.#reading.look();
  }

  /** Call it when the crash is over: what was read at T2 and memory of T1 go into the trace. */
  async done(handle: PartitionHandle): Promise<void> {
    await this.#reading.done(handle);
  }
}
