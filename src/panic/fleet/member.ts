/**
 * One partition of the fleet: its machine, its state, and what is being done to it, one operation after another. A
 * partition that crashed goes back into service by itself, once what it left is stored.
 */

import { defined } from '../../base/defined.ts';
import type { PartitionConfig, PartitionHandle } from '../../emulator/host/index.ts';
import type {
  LeavePhase,
  LeaveRequest,
  PanicRequest,
  PartitionState,
  PartitionView,
} from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { MemberConsole } from '../guest/console.ts';
import { type MachineSpec, memoryBytesOf } from '../guest/machine-spec.ts';
import type { Life, Readiness } from '../guest/session.ts';
import { type CrashResult, crash, DEFAULT_TIMEOUT_SECONDS } from '../handoff/crash.ts';
import { type LeaveResult, leave } from '../handoff/kexec.ts';
import { describeStandstill } from '../handoff/reason.ts';
import { untilLoaded } from '../loading/index.ts';
import type { PartitionRecord } from '../store/index.ts';
import type { LeavePath } from '../trace/index.ts';
import { bootPlan } from '../watch/index.ts';
import { MemberMachine, type Running } from './member-machine.ts';

export type MemberOptions = {
  readonly record: PartitionRecord;
  readonly spec: MachineSpec;
  /** The image and the machine for it, as they are when the partition starts. */
  readonly prepare: (
    record: PartitionRecord,
  ) => Promise<{ readonly boot: BootImage; readonly config: PartitionConfig }>;
  readonly openPartition: (config: PartitionConfig) => PartitionHandle;
  readonly onState: (state: PartitionState) => void;
  readonly crashes: number;
  /** A guest in service ended without being asked: what it left is looked after before it is started again. */
  readonly onUnasked: (handle: PartitionHandle, life: Life) => Promise<void>;
  readonly onError: (error: Error) => void;
};

/** What is done with a crash's result before the partition starts again. */
export type StoreResult = (handle: PartitionHandle, result: CrashResult, life: Life) => Promise<void>;

/** The mode that the agent loads for at boot; another one is loaded for when a crash asks for it. */
export const BOOT_DUMP_MODE = 'raw';

export class FleetMember {
  readonly #options: MemberOptions;
  readonly #console = new MemberConsole();
  readonly #machine: MemberMachine;
  #state: PartitionState = 'stopped';
  #reason: string | undefined;
  #noCrashKernel: string | undefined;
  #crashes: number;
  /** Operations in order; each begins when the one before is done. */
  #queue: Promise<void> = Promise.resolve();
  /** Counts requests to be off: whatever began before the last one gives up. */
  #stops = 0;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#machine = new MemberMachine(options.openPartition, (bytes) => this.#console.print(bytes));
    this.#crashes = options.crashes;
  }

  get record(): PartitionRecord {
    return this.#options.record;
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
    const { life } = this.#machine;
    if (life === undefined || life.ended !== undefined)
      throw new Refusal('conflict', `Partition ${this.record.id} is off.`);
    await life.type(0, bytes);
  }

  /** Runs `work` when everything queued before is done. */
  enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.then(nothing, nothing);
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
      this.#followLife();
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

  /**
   * Crashes the guest, has the result stored, and starts again in the background.
   * @throws whatever `store` throws, and Error when the machine dies
   */
  async crash(
    request: PanicRequest,
    onPhase: (phase: string) => void,
    store: StoreResult,
  ): Promise<CrashResult> {
    const { life, boot, handle } = this.#running();
    const stops = this.#stops;
    this.show('busy');
    try {
      const result = await crash(life, boot, request, {
        loadedDump: BOOT_DUMP_MODE,
        ...(this.#noCrashKernel === undefined ? {} : { noCrashKernel: this.#noCrashKernel }),
        onPhase: (phase) => {
          if (phase !== 'triggered') this.show('crashed');
          onPhase(phase);
        },
      });
      if (result.phase !== 'ready') this.#crashes++;
      await store(handle, result, life);
      return result;
    } finally {
      if (stops === this.#stops) {
        this.show('starting');
        this.enqueue(() => this.boot()).catch(nothing);
      } else this.#off('the partition was stopped');
    }
  }

  /**
   * Has the guest leave its kernel in peace. After an ordinary kexec it is ready again in the same life; otherwise, and
   * where it went wrong half-way, the partition starts again in the background.
   * @throws whatever `store` throws, and Error when the machine dies
   */
  async leave(
    path: LeavePath,
    request: LeaveRequest,
    onPhase: (phase: LeavePhase) => void,
    store: (result: LeaveResult) => Promise<void>,
  ): Promise<LeaveResult> {
    const { life, boot } = this.#running();
    const stops = this.#stops;
    this.show('busy');
    let isUp = false;
    try {
      const result = await leave(life, boot, path, request, { onPhase });
      isUp = life.ended === undefined && (result.phase === 'up' || result.refused === true);
      if (result.phase === 'up') this.#noCrashKernel = result.noCrashKernel;
      await store(result);
      return result;
    } finally {
      if (stops !== this.#stops) this.#off('the partition was stopped');
      else if (isUp) this.#showReady();
      else {
        this.show('starting');
        this.enqueue(() => this.boot()).catch(nothing);
      }
    }
  }

  /** Asks whatever runs to end, at once. Follow it by {@link halt} in the queue. */
  async interrupt(): Promise<void> {
    this.#stops++;
    await this.#machine.stop();
  }

  /** Powers off. */
  async halt(): Promise<void> {
    await this.#machine.halt();
    this.show('stopped');
  }

  /** Powers off and frees the machine. */
  async close(): Promise<void> {
    await this.interrupt();
    await this.idle();
    await this.#machine.discard();
    this.#console.close();
  }

  async #boot(stops: number): Promise<Readiness> {
    const { boot, config } = await this.#options.prepare(this.record);
    const { life } = await this.#machine.renew(boot, config);
    this.#console.clear();
    const stopped: Readiness = { kind: 'ended', end: { kind: 'stopped' } };
    if (stops !== this.#stops) return stopped;
    await life.start(await bootPlan(boot.kernel, boot.vmlinux));
    // An interruption that came while the machine was still off found nothing to stop.
    if (stops !== this.#stops) return stopped;
    return await untilLoaded(life, boot, BOOT_DUMP_MODE, DEFAULT_TIMEOUT_SECONDS);
  }

  /** A guest in service may end by itself: somebody typed reboot, or crashed it from its own shell. */
  #followLife(): void {
    const { life } = this.#machine;
    if (life === undefined) return;
    const ended = life.signal.until(() => life.ended);
    ended
      .then((end) => {
        if (this.#machine.life !== life || this.#state !== 'ready') return;
        if (end.kind === 'power-off' || end.kind === 'stopped')
          return this.show('stopped', 'the guest powered off');
        if (end.kind === 'error') return this.show('failed', end.message);
        this.show('crashed', end.kind === 'os-term' ? `ibm,os-term: ${end.message}` : 'the guest rebooted');
        const stops = this.#stops;
        this.enqueue(async () => {
          if (stops !== this.#stops || this.#machine.life !== life) return;
          await this.#options.onUnasked(this.#running().handle, life);
          await this.boot();
        }).catch(this.#options.onError);
      })
      .catch(this.#options.onError);
  }

  #running(): Running {
    const { running } = this.#machine;
    if (running === undefined) throw new Refusal('conflict', `Partition ${this.record.id} is off.`);
    return running;
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

/** An operation tells its own failure, and a boot is told by the partition's state. */
function nothing(): undefined {
  return undefined;
}
