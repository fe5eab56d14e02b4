/**
 * Reports the first failure of each disk in a power cycle: an error of the file behind it, which the guest sees as the disk's
 * own. What the host says is kept to its code: messages of the file system name paths.
 */

import type { DiskFailure } from '../contract/partition.ts';
import type { BlockStore } from '../devices/contract.ts';

export class DiskFailures {
  readonly #report: (failure: DiskFailure) => void;
  readonly #seen = new Set<number>();

  constructor(report: (failure: DiskFailure) => void) {
    this.#report = report;
  }

  /** A new power cycle begins. */
  reset(): void {
    this.#seen.clear();
  }

  /** A disk's store as the guest gets it. */
  watched(disk: number, store: BlockStore): BlockStore {
    const guarded = <T>(operation: DiskFailure['operation'], offset: number, work: () => T): T => {
      try {
        return work();
      } catch (error) {
        if (error instanceof Error && 'code' in error && !this.#seen.has(disk)) {
          this.#seen.add(disk);
          this.#report({ disk, operation, offset, code: String(error.code) });
        }
        throw error;
      }
    };
    return {
      bytes: store.bytes,
      readOnly: store.readOnly,
      read: (offset, target) => guarded('read', offset, () => store.read(offset, target)),
      write: (offset, source) => guarded('write', offset, () => store.write(offset, source)),
      flush: () => guarded('flush', 0, () => store.flush()),
    };
  }
}
