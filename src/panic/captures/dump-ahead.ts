/**
 * Stores the dump of a crash while the guest still writes it, so that little is left when it is whole. It only takes work forward:
 * where anything fails, the dump is stored from its disk as if this had never begun, and says itself what is wrong.
 */

import type { PartitionHandle } from '../../emulator/host/index.ts';
import type { StoredVmcore, VmcoreDraft, VmcoreStore } from '../../vmcore/store/index.ts';
import { dumpDiskOf } from '../guest/dump-device.ts';

/** Bytes that are worth a request: below them a busy guest would be asked after every turn. */
const AT_LEAST = 2 ** 22;

export class DumpAhead {
  readonly #vmcores: Pick<VmcoreStore, 'beginVmcore'>;
  readonly #handle: Pick<PartitionHandle, 'config' | 'takeWritten'>;
  #following: Promise<VmcoreDraft | undefined> | undefined;
  #isGivenUp = false;
  #failure: Error | undefined;

  constructor(
    vmcores: Pick<VmcoreStore, 'beginVmcore'>,
    handle: Pick<PartitionHandle, 'config' | 'takeWritten'>,
  ) {
    this.#vmcores = vmcores;
    this.#handle = handle;
  }

  /** Why it came to nothing; undefined: it did not, or was given up. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The guest has begun to write. Repeated: nothing. */
  begin(): void {
    const disk = dumpDiskOf(this.#handle.config);
    // A disk that is a file does not say what was written to it.
    if (disk === undefined || this.#handle.config.disks[disk]?.kind !== 'scratch') return;
    this.#following ??= this.#follow(disk);
  }

  /**
   * Stores what is left of the dump, `bytes` from the disk's beginning on. Call it when the guest has ended.
   * @returns undefined where it must be stored from the disk, all of it
   */
  async finish(bytes: number): Promise<StoredVmcore | undefined> {
    const draft = await this.#following;
    this.#following = undefined;
    return draft === undefined ? undefined : await this.#orLeave(draft, () => draft.finish(bytes));
  }

  /**
   * The dump will not be stored by this.
   * @returns whether it had begun and left chunks in vain; known once the guest has ended or its machine is gone
   */
  async giveUp(): Promise<boolean> {
    const following = this.#following;
    this.#following = undefined;
    this.#isGivenUp = true;
    const draft = await following;
    if (draft !== undefined) await this.#orLeave(draft, () => draft.abandon());
    return following !== undefined;
  }

  /** @returns the draft with all that the guest wrote, once it has ended; undefined where that failed, or was given up */
  async #follow(disk: number): Promise<VmcoreDraft | undefined> {
    let draft: VmcoreDraft;
    try {
      draft = await this.#vmcores.beginVmcore();
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
    return await this.#orLeave(draft, async () => {
      for (;;) {
        const { parts, ended } = await this.#handle.takeWritten(disk, AT_LEAST);
        if (this.#isGivenUp) return draft;
        if (parts.length > 0) await draft.put(parts);
        else if (ended) return draft;
      }
    });
  }

  /** What `work` gives; where it fails, the draft is over. */
  async #orLeave<T>(draft: VmcoreDraft, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#fail(error);
      // A store that does not even take this is gone, with all that it held.
      await draft.abandon().catch((later: unknown) => this.#fail(later));
      return undefined;
    }
  }

  /** The first failure is the reason of those after it. */
  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
  }
}
