/** Captures go into the stores one after another; a sweep waits for them, because a vmcore is written before its capture. */

import { defined } from '../../base/defined.ts';
import type { PartitionHandle } from '../../emulator/host/index.ts';
import type { SweepResult, VmcoreStore } from '../../vmcore/store/index.ts';
import type { Capture } from '../contract/index.ts';
import type { Life } from '../guest/session.ts';
import type { CrashResult } from '../handoff/crash.ts';
import type { MetadataStore, PartitionRecord } from '../store/index.ts';
import { storeCapture } from './capture-record.ts';

/** Captures that are listed at once. */
const PAGE = 500;

export type CaptureKeeperOptions = {
  readonly metadata: Pick<MetadataStore, 'createCapture' | 'listCaptures' | 'manifestIds'>;
  readonly vmcores: Pick<VmcoreStore, 'writeVmcore' | 'retain'>;
  readonly now: () => Date;
  readonly newId: (prefix: string) => string;
};

export class CaptureKeeper {
  readonly #options: CaptureKeeperOptions;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(options: CaptureKeeperOptions) {
    this.#options = options;
  }

  /** Stores what a crash left. The dump is still on the partition's disk. */
  store(record: PartitionRecord, handle: PartitionHandle, result: CrashResult, life: Life): Promise<Capture> {
    return this.#alone(() =>
      storeCapture(this.#options, handle, result, {
        id: this.#options.newId('c'),
        partitionId: record.id,
        image: record.request.image,
        createdAt: this.#options.now().toISOString(),
        console: life.console,
      }),
    );
  }

  /** How many captures of a partition there are. */
  async count(partitionId: string): Promise<number> {
    let count = 0;
    for (let cursor: string | undefined; ; ) {
      const page = await this.#options.metadata.listCaptures({
        limit: PAGE,
        partitionId,
        ...defined({ cursor }),
      });
      count += page.items.length;
      if (page.next === undefined) return count;
      cursor = page.next;
    }
  }

  /** Removes vmcores that belong to no capture. */
  sweep(): Promise<SweepResult> {
    return this.#alone(async () => this.#options.vmcores.retain(await this.#options.metadata.manifestIds()));
  }

  /** Waits until nothing is being stored. */
  async idle(): Promise<void> {
    await this.#busy.catch(nothing);
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#busy.then(work, work);
    this.#busy = result;
    result.catch(nothing);
    return result;
  }
}

/** Whoever asked is told of a failure; everybody else only waits for the end. */
function nothing(): undefined {
  return undefined;
}
