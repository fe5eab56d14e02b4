/**
 * Runs one partition of the fleet: its machine, its state, and the work on it, one piece after another. A partition that
 * crashed boots again by itself once its capture is stored; one that crashes right after each boot waits before it does.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { defined } from '../../base/defined.ts';
import { failureText } from '../../base/failure-text.ts';
import { DEFAULT_THREADS } from '../../emulator/contract/index.ts';
import type { PartitionConfig, PartitionHandle } from '../../emulator/host/index.ts';
import type { PartitionState, PartitionView } from '../contract/index.ts';
import { Refusal, shownUses } from '../contract/index.ts';
import { BOOT_DUMP_MODE } from '../guest/agent-line.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { MemberConsole } from '../guest/console.ts';
import { stopOnAbort } from '../guest/host-time.ts';
import { dumpBytesOf } from '../guest/machine.ts';
import { type MachineSpec, memoryBytesOf } from '../guest/machine-spec.ts';
import { describeEnd, isGone, type Readiness } from '../guest/session.ts';
import { DEFAULT_TIMEOUT_SECONDS } from '../handoff/limits.ts';
import { whyNotReady } from '../handoff/reason.ts';
import { untilLoaded } from '../loading/index.ts';
import { earlyEnd, type Fence, type Lease, OperationFailure, withinHostTime } from '../operations/index.ts';
import type { PartitionRecord } from '../store/index.ts';
import { type BackOffOptions, BootBackOff } from './boot-back-off.ts';
import { MemberMachine, type Running } from './member-machine.ts';

export type MemberOptions = {
  readonly record: PartitionRecord;
  readonly lease: Lease;
  readonly spec: MachineSpec;
  /** The image and the machine for it, as they are when the partition starts. */
  readonly prepare: () => Promise<{ readonly boot: BootImage; readonly config: PartitionConfig }>;
  readonly openPartition: (config: PartitionConfig) => PartitionHandle;
  /** Reserves the host's memory for its machine. @returns gives it back. @throws Refusal `quota` */
  readonly takeMemory: () => () => void;
  readonly onState: (state: PartitionState) => void;
  /** Crashes so far. */
  readonly crashes: number;
  /** A guest crashes, or ended, without being asked: follows it to its end and keeps what it left. Gives whether it crashed. */
  readonly onUnasked: (unasked: Unasked) => Promise<boolean>;
  readonly onError: (error: Error) => void;
  /** Host seconds that work on it may take where no request says otherwise. */
  readonly hostSeconds: () => number;
  readonly backOff?: BackOffOptions;
};

export type Unasked = {
  readonly member: FleetMember;
  readonly guest: Running & { readonly noCrashKernel: string | undefined };
  /** Ends the reading of what the guest left. */
  readonly signal: AbortSignal;
};

/** Guest seconds in which a kernel that survives an oops has gone on, by far. */
const CALM_SECONDS = 1;

/** A guest that was taken out of service. */
export type Guest = Running & {
  readonly noCrashKernel: string | undefined;
  /** {@link FleetMember.interrupt} calls so far. */
  readonly stops: number;
  /** Aborted by the next one. */
  readonly interrupted: AbortSignal;
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
  /** Aborted by an interrupt: ends the wait before a boot, and the reading of what the guest left. */
  #pause = new AbortController();
  readonly #backOff: BootBackOff;
  /** When the guest came into service, by performance.now(). */
  #readyAt = 0;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#machine = new MemberMachine(options.openPartition, options.takeMemory, (bytes) =>
      this.#console.print(bytes),
    );
    this.#crashes = options.crashes;
    this.#backOff = new BootBackOff(options.backOff);
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
  /**
   * The room that a capture takes at the worst: all memory on the dump device, and again in the store where it is new and
   * does not compress.
   */
  get captureBytes(): number {
    return 2 * dumpBytesOf(this.#options.spec);
  }
  /** What a capture of this partition names. */
  get identity(): { readonly partitionId: string; readonly image: string; readonly fence: Fence } {
    const { id, request } = this.record;
    return { partitionId: id, image: request.image, fence: this.fence };
  }
  get state(): PartitionState {
    return this.#state;
  }
  /** Aborted by the next {@link interrupt}. */
  get interrupted(): AbortSignal {
    return this.#pause.signal;
  }
  get console(): Uint8Array {
    return this.#console.bytes;
  }
  /** Host seconds that work on it may take where no request says otherwise. */
  get hostSeconds(): number {
    return this.#options.hostSeconds();
  }

  get view(): PartitionView {
    const { record, spec } = this.#options;
    const { processor, mmu, firmware, interrupts, diskBus, cpus, threads } = spec;
    const { unsupported } = this.#machine;
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
      threads: threads ?? DEFAULT_THREADS,
      memoryBytes: memoryBytesOf(spec),
      instructions: this.#machine.instructions,
      crashes: this.#crashes,
      hostSeconds: Math.round(this.#machine.hostSeconds * 1000) / 1000,
      ...(unsupported.length === 0 ? {} : { unsupported: shownUses(unsupported) }),
      ...defined({ output: this.#machine.output, createdBy: record.createdBy }),
    };
  }

  /** What its guests used that the machine lacks, by kind, since the service started. */
  get unsupportedUses(): Readonly<Record<string, number>> {
    return this.#machine.unsupportedUses;
  }

  watch(listener: (bytes: Uint8Array) => void): () => void {
    return this.#console.watch(listener);
  }

  async type(bytes: Uint8Array): Promise<void> {
    const { session } = this.#machine;
    if (session === undefined || session.ended !== undefined)
      throw new Refusal('conflict', `Partition ${this.record.id} is off.`);
    session.past.typed(await session.type(0, bytes), 0, bytes);
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

  /**
   * Boots until the guest is ready.
   * @param signal ends it early; absent: the partition's own limit of host time does
   * @returns why it is not ready; the state says the same
   */
  async boot(signal?: AbortSignal): Promise<string | undefined> {
    if (signal === undefined) return await withinHostTime(this.hostSeconds, (own) => this.boot(own));
    const stops = this.#stops;
    this.show('starting');
    try {
      const ready = await this.#boot(stops, signal);
      if (stops !== this.#stops) return this.#off('the partition was stopped');
      if (ready.kind !== 'ready') {
        const { running } = this.#machine;
        const reason =
          running === undefined
            ? 'the machine is gone'
            : await whyNotReady(ready, DEFAULT_TIMEOUT_SECONDS, running.lookout);
        if (running?.lookout.isCrashing === true) await this.#keep(running);
        await this.#machine.discard();
        return this.#notBooted(reason, signal);
      }
      this.#noCrashKernel = ready.noCrashKernel;
      this.#readyAt = performance.now();
      const { session } = this.#machine;
      if (session !== undefined) session.past.readySeconds = session.seconds;
      this.#followSession();
      this.#showReady();
      return undefined;
    } catch (error) {
      const reason = failureText(error);
      await this.#machine.discard();
      if (stops !== this.#stops) return this.#off('the partition was stopped');
      return this.#notBooted(reason, signal);
    }
  }

  /** Reserves the host's memory until the partition is off. @throws Refusal `quota` with the figures */
  reserveMemory(): void {
    this.#machine.reserve();
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
    return {
      ...running,
      noCrashKernel: this.#noCrashKernel,
      stops: this.#stops,
      interrupted: this.interrupted,
    };
  }

  countCrash(): void {
    this.#crashes++;
  }

  /** The guest is ready again. */
  putBack(guest: Guest, noCrashKernel: string | undefined): void {
    this.#noCrashKernel = noCrashKernel;
    if (guest.stops === this.#stops) {
      this.#showReady();
      // What happened meanwhile is looked at again.
      guest.session.signal.notify();
    } else this.#off('the partition was stopped');
  }

  /** The guest is gone: the partition boots again in the background, unless it was stopped meanwhile. */
  bootAgain(guest: Guest): void {
    if (guest.stops !== this.#stops) {
      this.#off('the partition was stopped');
      return;
    }
    const { ended } = guest.session;
    // Whatever the guest was asked for, a machine that dies may do so again and again.
    if (ended !== undefined && isGone(ended)) this.#comeBack(describeEnd(ended), async () => undefined);
    else {
      this.show('starting');
      // A boot that fails shows in the partition's state.
      this.enqueue(() => this.boot()).catch(this.#options.onError);
    }
  }

  /** The partition was started by hand: earlier crashes count no more. */
  forgive(): void {
    this.#backOff.reset();
  }

  /** Asks what runs to end, at once. Follow it by {@link halt} in the queue. */
  async interrupt(): Promise<void> {
    this.#giveUp();
    await this.#machine.stop();
  }

  /** Powers off, and frees the machine and its memory. */
  async halt(): Promise<void> {
    await this.#machine.discard();
    this.show('stopped');
  }

  /** Powers off; the machine and its memory stay for the boot that follows. */
  async haltBeforeBoot(): Promise<void> {
    await this.#machine.halt();
    this.show('stopped');
  }

  /** Another process holds the partition now: nothing is done with it here any more. */
  async lose(): Promise<void> {
    await this.interrupt();
    await this.enqueue(() => this.#machine.discard());
    this.show('failed', 'another process has taken the partition over');
  }

  /** Frees the machine at once, then waits for what was done with it. */
  async close(): Promise<void> {
    this.#giveUp();
    await this.#machine.discard();
    await this.idle();
    // A boot may have opened one since.
    await this.#machine.discard();
    this.#console.close();
  }

  /** What began before now gives up. */
  #giveUp(): void {
    this.#stops++;
    this.#pause.abort(new Error('the partition was stopped meanwhile'));
    this.#pause = new AbortController();
  }

  async #boot(stops: number, signal: AbortSignal): Promise<Readiness> {
    // At once, so that of a fleet those are refused that come last.
    this.reserveMemory();
    const { boot, config } = await this.#options.prepare();
    const { session, lookout } = await this.#machine.renew(boot, config);
    this.#console.clear();
    const stopped: Readiness = { kind: 'ended', end: { kind: 'stopped' } };
    if (stops !== this.#stops) return stopped;
    await lookout.start();
    // An interruption that came while the machine was still off found nothing to stop.
    if (stops !== this.#stops) return stopped;
    const unwatch = stopOnAbort(session, signal);
    try {
      return await untilLoaded(session, boot, BOOT_DUMP_MODE, DEFAULT_TIMEOUT_SECONDS);
    } finally {
      unwatch();
    }
  }

  /** A boot that was cancelled leaves the partition off, any other that did not come up leaves it failed. */
  #notBooted(reason: string, signal: AbortSignal): string {
    if (earlyEnd(signal)?.code === 'cancelled') this.show('stopped', reason);
    else this.show('failed', reason);
    return reason;
  }

  /** A guest in service may crash or end by itself: its user typed reboot, crashed it from its own shell, or loaded a bad driver. */
  #followSession(): void {
    const { running } = this.#machine;
    if (running === undefined) return;
    const { session, lookout } = running;
    // An operation on the guest sees what happens meanwhile.
    const isIdle = (): boolean => this.#machine.session !== session || this.#state === 'ready';
    const happens = session.signal.until(() => {
      if (session.ended !== undefined) return session.ended;
      return lookout.isCrashing && isIdle() ? 'alarm' : undefined;
    });
    const stops = this.#stops;
    happens
      .then(async (what) => {
        if (this.#machine.session !== session || this.#state !== 'ready') return;
        if (what === 'alarm') {
          if (await this.#isNothing(running)) return this.#followSession();
          if (this.#machine.session !== session || this.#state !== 'ready') return;
          return this.#comeBack('the guest crashed', () => this.#keep(running));
        }
        if (what.kind === 'power-off' || what.kind === 'stopped')
          return this.#stayOff('stopped', 'the guest powered off', stops);
        // It would only print more: it boots again on request.
        if (what.kind === 'exceeded') return this.#stayOff('failed', describeEnd(what), stops);
        const why = what.kind === 'reboot' ? 'the guest rebooted' : describeEnd(what, session.osTerm);
        this.#comeBack(why, () => this.#keep(running));
      })
      .catch(this.#options.onError);
  }

  /** Waits a moment to see whether a crash that seems to begin comes to nothing: a kernel may survive an oops. */
  async #isNothing({ session, lookout }: Running): Promise<boolean> {
    const until = session.seconds + CALM_SECONDS;
    const isOver = await session.signal.until(() => {
      if (!lookout.isCrashing) return 'calm';
      const phase = lookout.prepared?.recorder.phase;
      if (session.ended !== undefined || (phase !== 'panic' && phase !== 'triggered')) return 'crash';
      return session.seconds > until ? 'crash' : undefined;
    });
    return isOver === 'calm';
  }

  /** Follows what a guest does by itself to its end, and keeps what it leaves. @returns whether it crashed */
  async #keep({ session, lookout, boot, handle }: Running): Promise<boolean> {
    if (this.#machine.session !== session) return false;
    const noCrashKernel = this.#noCrashKernel;
    return await withinHostTime(this.hostSeconds, async (own) => {
      const unwatch = stopOnAbort(session, own);
      const signal = AbortSignal.any([own, this.interrupted]);
      const guest = { boot, handle, session, lookout, noCrashKernel };
      return await this.#options.onUnasked({ member: this, guest, signal }).finally(unwatch);
    });
  }

  /** The guest ended, and does not boot again by itself: its machine is freed, unless it was started or interrupted since. */
  #stayOff(state: 'stopped' | 'failed', reason: string, stops: number): void {
    this.show(state, reason);
    const free = async (): Promise<void> => {
      if (this.#state === state && this.#stops === stops) await this.#machine.discard();
    };
    this.enqueue(free).catch(this.#options.onError);
  }

  /** The guest ended without being asked: keeps what it left, then boots again, after a wait where it does so repeatedly. */
  #comeBack(why: string, keep: () => Promise<unknown>): void {
    const waitMs = this.#backOff.ended(performance.now() - this.#readyAt);
    const { inARow } = this.#backOff;
    this.show(
      'crashed',
      waitMs === 0
        ? why
        : `${why}; it boots again in ${Math.ceil(waitMs / 1000)} s, because it ended ${inARow} times in a row soon after its boot`,
    );
    const stops = this.#stops;
    const { signal } = this.#pause;
    const work = async (): Promise<void> => {
      if (stops !== this.#stops) return;
      await keep();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (stops === this.#stops) await this.boot();
    };
    this.enqueue(work).catch(this.#options.onError);
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
