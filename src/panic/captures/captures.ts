/**
 * Stores captures after a crash, and reads and removes them for REST. A vmcore is written before its capture; so captures are
 * stored one after another, and a sweep for vmcores without a capture waits for them.
 */

import { defined } from '../../base/defined.ts';
import { type DiskError, diskErrorOf } from '../../base/disk-error.ts';
import { FormatError, StoredDataError } from '../../base/errors.ts';
import type { PartitionHandle } from '../../emulator/host/index.ts';
import {
  type ByteSpan,
  type ManifestId,
  type SweepResult,
  storeError,
  type VmcoreStore,
} from '../../vmcore/store/index.ts';
import type { Actor, Capture, CaptureQuery, CaptureVmcore, Made, Page } from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';
import { isGone, type Left } from '../guest/session.ts';
import type { CrashResult } from '../handoff/crash-result.ts';
import type { EventBus, Fence } from '../operations/index.ts';
import { unjudgedRules } from '../rules/index.ts';
import type { CaptureParts, CaptureStore } from '../store/index.ts';
import type { RuleResult, StoredTrace } from '../trace/index.ts';
import { captureOf } from './capture-record.ts';
import { DumpAhead } from './dump-ahead.ts';
import { type KeptDump, keepDump, type Loss, lossOf } from './keep-dump.ts';
import type { StoreKeeper } from './store-keeper.ts';

/** The result of a crash, with its machine: the dump is still on the partition's disk. */
export type CrashOutcome = {
  readonly partitionId: string;
  readonly image: string;
  readonly handle: PartitionHandle;
  readonly result: CrashResult;
  /** Since the power-on of the kernel that crashed, through the crash kernel. */
  readonly left: Left;
  readonly made?: Made;
  readonly fence?: Fence;
  readonly createdBy?: Actor;
  /** Has stored the dump while the guest wrote it, as far as it came. */
  readonly ahead?: DumpAhead;
};

/** A stored vmcore, as the guest wrote it. */
export type VmcoreSource = CaptureVmcore & {
  /** Bytes `start` (included) to `end` (excluded), in pieces of the store's choosing. Ends early only by throwing. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
};

/** `trouble`: the disk did not take all of it; the capture's reason says what. */
export type StoredCapture = { readonly capture: Capture; readonly trouble?: DiskError };

export type CapturesOptions = {
  readonly captures: CaptureStore;
  readonly vmcores: Pick<VmcoreStore, 'beginVmcore' | 'writeVmcore' | 'readVmcore' | 'delete' | 'retain'>;
  /** Knows which captures lost bytes; absent: none. */
  readonly keeper?: Pick<StoreKeeper, 'reasonOf' | 'refresh'>;
  readonly bus: EventBus;
  readonly newId: (prefix: string) => string;
  readonly now?: () => Date;
  /** Called with errors of the disk that a capture was stored in spite of. */
  readonly onError: (error: Error) => void;
};

export class Captures {
  readonly #options: CapturesOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: CapturesOptions) {
    this.#options = options;
  }

  /**
   * Stores what a crash left. The partition must not have been started again. Where the disk fills or fails, what it took is
   * an incomplete capture.
   * @throws DiskError where it did not even take the record
   */
  store(outcome: CrashOutcome): Promise<StoredCapture> {
    return this.#alone(async () => {
      const { captures, bus, newId, now = () => new Date() } = this.#options;
      const { partitionId, image, handle, result, left, made, fence, createdBy } = outcome;
      const { dump, trace } = result;
      // A guest that has not ended may still write, and a machine that is gone does not say what was written.
      const ahead = result.end === undefined || isGone(result.end) ? undefined : outcome.ahead;
      const kept: KeptDump =
        dump === undefined ? { vmcore: null } : await keepDump(this.#options.vmcores, handle, dump, ahead);
      if (ahead?.failure !== undefined && kept.loss === undefined) this.#options.onError(ahead.failure);
      if (kept.loss !== undefined) this.#options.onError(kept.loss.error);
      const origin = {
        id: newId('c'),
        partitionId,
        image,
        createdAt: now().toISOString(),
        left,
        ...defined({ createdBy, made }),
      };
      const text = trace === undefined ? undefined : JSON.stringify(trace);
      const manifest = defined({ manifestId: kept.stored?.manifestId });
      const create = async (parts: CaptureParts, losses: readonly Loss[]): Promise<StoredCapture> => {
        const lost = losses.map((loss) => loss.text);
        const capture = captureOf(origin, result, kept.vmcore, lost);
        await captures.create(capture, { ...manifest, ...parts }, fence);
        await bus.publish({ kind: 'capture', id: capture.id, partitionId });
        // Content that had been lost may have come again.
        void this.#options.keeper?.refresh();
        return { capture, ...defined({ trouble: losses[0]?.error }) };
      };
      const losses = kept.loss === undefined ? [] : [kept.loss];
      try {
        return await create({ console: left.console, ...defined({ trace: text }) }, losses).catch(
          (error: unknown) => {
            const disk = diskErrorOf(error);
            if (disk === undefined) throw error;
            this.#options.onError(disk);
            // The record alone is small: there may be room for it.
            return create({}, [...losses, lossOf(disk, 'trace and console are not stored')]);
          },
        );
      } catch (error) {
        if (diskErrorOf(error) !== undefined) await this.#giveRoomBack();
        throw error;
      } finally {
        if (kept.loss !== undefined && kept.stored === undefined) await this.#giveRoomBack();
        // What was stored ahead of a dump that is none, or not whole, is known when the guest has ended: after this.
        void outcome.ahead
          ?.giveUp()
          .then((vain) => (vain ? this.#alone(() => this.#giveRoomBack()) : undefined));
      }
    });
  }

  /** Stores the dump of a guest that crashes while it is written: for {@link store}. */
  ahead(handle: PartitionHandle): DumpAhead {
    return new DumpAhead(this.#options.vmcores, handle);
  }

  /** Removes what of a capture was stored in vain. The caller has the reason already; a failure here is only reported. */
  async #giveRoomBack(): Promise<void> {
    const { captures, vmcores, onError } = this.#options;
    try {
      await retainCaptured(captures, vmcores);
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async list(query: CaptureQuery): Promise<Page<Capture>> {
    const page = await this.#options.captures.list(query);
    return { ...page, items: page.items.map((capture) => this.#withDamage(capture)) };
  }

  async get(id: string): Promise<Capture> {
    return this.#withDamage((await this.#options.captures.get(id)) ?? notFound(id));
  }

  /** How many captures a partition has. */
  count(partitionId: string): Promise<number> {
    return this.#options.captures.count(partitionId);
  }

  /** `null`: the crash left no dump. */
  async vmcore(id: string): Promise<VmcoreSource | null> {
    const { vmcore } = await this.get(id);
    const manifest = await this.#options.captures.manifestId(id);
    if (vmcore === null || manifest === null) return null;
    return { ...vmcore, read: (start, end) => this.#read(id, manifest, { start, end }) };
  }

  /** The stored JSON text, or `null` when the crash ended before anything was traced. */
  async trace(id: string): Promise<string | null> {
    await this.get(id);
    return this.#options.captures.trace(id);
  }

  /** Every rule; where no trace is stored, none of them is evaluated. */
  async rules(id: string): Promise<readonly RuleResult[]> {
    const { reason } = await this.get(id);
    const text = await this.#options.captures.trace(id);
    return text === null ? unjudgedRules(reason) : (JSON.parse(text) as StoredTrace).rules;
  }

  /** Raw bytes of the console of the kernel that crashed and of the crash kernel after it. */
  async console(id: string): Promise<Uint8Array | null> {
    await this.get(id);
    return this.#options.captures.console(id);
  }

  /** Forgets a capture and its vmcore. */
  async remove(id: string): Promise<void> {
    const { captures, vmcores } = this.#options;
    let manifest: ManifestId | null | 'unknown';
    try {
      manifest = await captures.manifestId(id);
    } catch (error) {
      if (!(error instanceof StoredDataError)) throw error;
      manifest = 'unknown';
    }
    // The capture first: a vmcore without one is found by the sweep, a capture without its vmcore would be broken.
    if (!(await captures.delete(id))) notFound(id);
    // A damaged capture does not say which vmcore is its own: the sweep finds it.
    if (manifest === 'unknown') await this.sweep();
    else if (manifest !== null) await vmcores.delete(manifest);
  }

  /** Removes vmcores that belong to no capture; none while a capture is damaged, because its vmcore is not known then. */
  sweep(): Promise<SweepResult> {
    return this.#alone(() => retainCaptured(this.#options.captures, this.#options.vmcores));
  }

  /** Waits until nothing is being stored. */
  async idle(): Promise<void> {
    await this.#last;
  }

  /** @throws StoredDataError where the store lost some of it, or all */
  async *#read(id: string, manifest: ManifestId, span: ByteSpan): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#options.vmcores.readVmcore(manifest, span);
    } catch (error) {
      void this.#options.keeper?.refresh();
      if (!(error instanceof FormatError) || error.code !== 'store/unknown-manifest') throw error;
      // Deleted meanwhile; else the capture names what is not there.
      await this.get(id);
      throw storeError('store/missing-manifest', `the vmcore of capture ${id} is not in the store`);
    }
  }

  #withDamage(capture: Capture): Capture {
    const damage = this.#options.keeper?.reasonOf(capture.id);
    return damage === undefined ? capture : { ...capture, damaged: true, damage };
  }

  /** Runs `work` when everything before it has ended. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    // The caller gets the error; later callers only wait for the end.
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** Removes vmcores that belong to no capture, as far as the store is whole enough to know them. */
export async function retainCaptured(
  captures: Pick<CaptureStore, 'manifestIds'>,
  vmcores: Pick<VmcoreStore, 'retain'>,
): Promise<SweepResult> {
  try {
    return await vmcores.retain(await captures.manifestIds());
  } catch (error) {
    if (!(error instanceof StoredDataError)) throw error;
    return { chunks: 0, bytes: 0, heldBack: error.message };
  }
}

function notFound(id: string): never {
  throw new Refusal('not-found', `There is no capture ${id}.`);
}
