/**
 * Runs one partition of the fleet: its machine, its state, and the work on it, one piece after another. A partition that
 * crashed boots again by itself once its capture is stored.
 */

import { defined } from '../../base/defined.ts';
import type { PartitionConfig, PartitionHandle } from '../../emulator/host/index.ts';
import type { PartitionState, PartitionView } from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { MemberConsole } from '../guest/console.ts';
import { type MachineSpec, memoryBytesOf } from '../guest/machine-spec.ts';
import type { Readiness, Session } from '../guest/session.ts';
import { DEFAULT_TIMEOUT_SECONDS } from '../handoff/crash.ts';
import { describeStandstill } from '../handoff/reason.ts';
import { untilLoaded } from '../loading/index.ts';
import { type Fence, type Lease, OperationFailure } from '../operations/index.ts';
import type { PartitionRecord } from '../store/index.ts';
import { bootPlan } from '../watch/index.ts';
import { MemberMachine, type Running } from './member-machine.ts';
import { BOOT_DUMP_MODE } from './requests.ts';

export type MemberOptions = {
  readonly record: PartitionRecord;
  readonly lease: Lease;
  readonly spec: MachineSpec;
  /** The image and the machine for it, as they are when the partition starts. */
  readonly prepare: () => Promise<{ readonly boot: BootImage; readonly config: PartitionConfig }>;
  readonly openPartition: (config: PartitionConfig) => PartitionHandle;
  readonly onState: (state: PartitionState) => void;
  /** Crashes so far. */
  readonly crashes: number;
  /** A guest in service ended without being asked: keeps what it left, before the partition boots again. */
  readonly onUnasked: (unasked: Unasked) => Promise<void>;
  readonly onError: (error: Error) => void;
};

export type Unasked = {
  readonly member: FleetMember;
  readonly handle: PartitionHandle;
  readonly session: Session;
};

/** A guest that was taken out of service. */
export type Guest = Running & {
  readonly noCrashKernel: string | undefined;
  /** {@link FleetMember.interrupt} calls so far. */
  readonly stops: number;
};

export class FleetMember {
  readonly #options: MemberOptions;
  readonly #console = new MemberConsole();
  readonly #machine: MemberMachine;
  #state: PartitionState = 'stopped';
  #reason: string | undefined;
  #noCrashKernel: string | undefined;
  #crashes: number;
  /** Work on the partition, one after another. */
  #queue: Promise<void> = Promise.resolve();
  /** Counts interrupts: what began before the last one gives up. */
  #stops = 0;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#machine = new MemberMachine(options.openPartition, (bytes) => this.#console.print(bytes));
    this.#crashes = options.crashes;
  }

  get record(): PartitionRecord {
    return this.#options.record;
  }
  get lease(): Lease {
    return this.#options.lease;
  }
  get fence(): Fence {
    const { partitionId, epoch } = this.#options.lease;
    return { partitionId, epoch };
  }
  /** What a capture of this partition names. */
  get identity(): { readonly partitionId: string; readonly image: string; readonly fence: Fence } {
    const { id, request } = this.record;
    return { partitionId: id, image: request.image, fence: this.fence };
  }
  get state(): PartitionState {
    return this.#state;
  }
  get console(): Uint8Array {
    return this.#console.bytes;
  }

  get view(): PartitionView {
    const { record, spec } = this.#options;
    const { processor, mmu, firmware, interrupts, diskBus, cpus } = spec;
    return {
      id: record.id,
      name: record.name,
      image: record.request.image,
      state: this.#state,
      ...defined({ reason: this.#reason }),
      processor,
      mmu,
      firmware,
      interrupts,
      diskBus,
      cpus,
      memoryBytes: memoryBytesOf(spec),
      instructions: this.#machine.instructions,
      crashes: this.#crashes,
    };
  }

  watch(listener: (bytes: Uint8Array) => void): () => void {
    return this.#console.watch(listener);
  }

  async type(bytes: Uint8Array): Promise<void> {
    const { session } = this.#machine;
    if (session === undefined || session.ended !== undefined)
      throw new Refusal('conflict', `Partition ${this.record.id} is off.`);
    await session.type(0, bytes);
  }

  /** Runs `work` when everything queued before is done. */
  enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    // The caller gets the error; later work only waits for the end.
    this.#queue = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /** Waits until nothing is queued or running. */
  async idle(): Promise<void> {
    for (let seen: Promise<void> | undefined; seen !== this.#queue; ) {
      seen = this.#queue;
      await seen;
    }
  }

  /** Shows another state before its work begins, so that a second request meets it. */
  show(state: PartitionState, reason?: string): void {
    this.#reason = reason;
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onState(state);
  }

  /** Boots until the guest is ready. @returns why it is not; the state says the same. */
  async boot(): Promise<string | undefined> {
    const stops = this.#stops;
    this.show('starting');
    try {
      const ready = await this.#boot(stops);
      if (stops !== this.#stops) return this.#off('the partition was stopped');
      if (ready.kind !== 'ready') {
        const reason = describeStandstill(ready, DEFAULT_TIMEOUT_SECONDS);
        await this.#machine.halt();
        this.show('failed', reason);
        return reason;
      }
      this.#noCrashKernel = ready.noCrashKernel;
      this.#followSession();
      this.#showReady();
      return undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      await this.#machine.discard();
      if (stops !== this.#stops) return this.#off('the partition was stopped');
      this.show('failed', reason);
      return reason;
    }
  }

  /** Takes a ready guest for an operation before its turn comes. @returns puts it back. @throws Refusal `conflict` */
  reserve(): () => void {
    if (this.#state !== 'ready')
      throw new Refusal('conflict', `Partition ${this.record.id} is ${this.#state}, not ready.`);
    this.show('busy');
    return () => {
      if (this.#state === 'busy') this.#showReady();
    };
  }

  /**
   * Takes a reserved guest out of service. Follow it by {@link putBack} or {@link bootAgain}.
   * @throws OperationFailure `not-ready` where the partition was stopped before the operation's turn came
   */
  takeOut(): Guest {
    const { running } = this.#machine;
    if (this.#state !== 'busy' || running === undefined)
      throw new OperationFailure('not-ready', `the partition is ${this.#state}`);
    return { ...running, noCrashKernel: this.#noCrashKernel, stops: this.#stops };
  }

  countCrash(): void {
    this.#crashes++;
  }

  /** The guest is ready again. */
  putBack(guest: Guest, noCrashKernel: string | undefined): void {
    this.#noCrashKernel = noCrashKernel;
    if (guest.stops === this.#stops) this.#showReady();
    else this.#off('the partition was stopped');
  }

  /** The guest is gone: the partition boots again in the background, unless it was stopped meanwhile. */
  bootAgain(guest: Guest): void {
    if (guest.stops !== this.#stops) {
      this.#off('the partition was stopped');
      return;
    }
    this.show('starting');
    // A boot that fails shows in the partition's state.
    this.enqueue(() => this.boot()).catch(this.#options.onError);
  }

  /** Asks what runs to end, at once. Follow it by {@link halt} in the queue. */
  async interrupt(): Promise<void> {
    this.#stops++;
    await this.#machine.stop();
  }

  /** Powers off. */
  async halt(): Promise<void> {
    await this.#machine.halt();
    this.show('stopped');
  }

  /** Another process holds the partition now: nothing is done with it here any more. */
  async lose(): Promise<void> {
    await this.interrupt();
    await this.enqueue(() => this.#machine.discard());
    this.show('failed', 'another process has taken the partition over');
  }

  /** Powers off and frees the machine. */
  async close(): Promise<void> {
    await this.interrupt();
    await this.idle();
    await this.#machine.discard();
    this.#console.close();
  }

  async #boot(stops: number): Promise<Readiness> {
    const { boot, config } = await this.#options.prepare();
    const { session } = await this.#machine.renew(boot, config);
    this.#console.clear();
    const stopped: Readiness = { kind: 'ended', end: { kind: 'stopped' } };
    if (stops !== this.#stops) return stopped;
    await session.start(await bootPlan(boot.kernel, boot.vmlinux));
    // An interruption that came while the machine was still off found nothing to stop.
    if (stops !== this.#stops) return stopped;
    return await untilLoaded(session, boot, BOOT_DUMP_MODE, DEFAULT_TIMEOUT_SECONDS);
  }

  /** A guest in service may end by itself: its user typed reboot, or crashed it from its own shell. */
  #followSession(): void {
    const { session } = this.#machine;
    if (session === undefined) return;
    const ended = session.signal.until(() => session.ended);
    ended
      .then((end) => {
        if (this.#machine.session !== session || this.#state !== 'ready') return;
        if (end.kind === 'power-off' || end.kind === 'stopped')
          return this.show('stopped', 'the guest powered off');
        if (end.kind === 'error') return this.show('failed', end.message);
        this.show('crashed', end.kind === 'os-term' ? `ibm,os-term: ${end.message}` : 'the guest rebooted');
        const stops = this.#stops;
        this.enqueue(async () => {
          const { running } = this.#machine;
          if (stops !== this.#stops || running?.session !== session) return;
          await this.#options.onUnasked({ member: this, handle: running.handle, session });
          await this.boot();
        }).catch(this.#options.onError);
      })
      .catch(this.#options.onError);
  }

  #showReady(): void {
    const why = this.#noCrashKernel;
    this.show('ready', why === undefined ? undefined : `no crash kernel: ${why}`);
  }

  #off(reason: string): string {
    this.show('stopped');
    return reason;
  }
}
