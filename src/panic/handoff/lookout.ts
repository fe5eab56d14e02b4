/**
 * Looks out for whatever makes a guest leave its kernel, from power-on to the end of the power cycle: keeps a plan in force for the kernel that
 * runs, and gives the recorder every event. The plan sleeps until something begins, so it costs the guest nothing.
 *
 * The plan is made at power-on from the kernel's file, again whenever an image was loaded (the machine stands still meanwhile, so that a run does not
 * depend on the host's speed), and for each kernel that is entered later, from its memory.
 */

import { failureText } from '../../base/failure-text.ts';
import type { MachineEvent } from '../../emulator/contract/index.ts';
import type { BootImage } from '../guest/boot-image.ts';
import type { Session } from '../guest/session.ts';
import { calls, LOAD_HOOKS, MACHINE_KEXEC_FUNCTIONS } from '../trace/index.ts';
import { markOfId, seesPanics } from '../watch/index.ts';
import { EntryReading } from './entry-reading.ts';
import { kernelOf, type RunningKernel, unknownKernel } from './kernel.ts';
import { type Prepared, prepareBoot, prepareCrash } from './prepare.ts';

/** Images whose load the machine waits at: a guest may load as often as it likes. Later ones are read when a crash is asked for. */
const MOST_HELD = 32;

export class Lookout {
  readonly session: Session;
  readonly boot: BootImage;
  #kernel: RunningKernel;
  #prepared: Prepared | undefined;
  /** The image that {@link #prepared} was made for. */
  #load: Session['load'];
  #unread: string | undefined;
  #reading: EntryReading | undefined;
  #held = 0;
  #onEvent: (() => void) | undefined;

  constructor(session: Session, boot: BootImage) {
    this.session = session;
    this.boot = boot;
    this.#kernel = kernelOf(session.handle.config, boot);
  }

  /** What is known of the kernel that runs. */
  get kernel(): RunningKernel {
    return this.#kernel;
  }

  /** What is prepared for a crash of the kernel that runs; undefined: its functions are not known. */
  get prepared(): Prepared | undefined {
    return this.#prepared;
  }

  /** Whether a crash has begun that has not come to nothing. */
  get isAlarmed(): boolean {
    return this.#prepared !== undefined && this.#prepared.recorder.phase !== 'triggered';
  }

  /** Whether the guest crashes, recorded or not: its kernel says so by ibm,os-term also where its functions are not known. */
  get isCrashing(): boolean {
    return this.isAlarmed || this.session.osTerm !== undefined;
  }

  /** Why a crash would not be recorded now; undefined: it would be. */
  get unprepared(): string | undefined {
    if (this.#unread !== undefined) return this.#unread;
    if (this.#prepared === undefined && this.#kernel.file === undefined)
      return 'the kernel was entered by a kexec of the guest’s own, and its memory was not read before it crashed';
    return this.#prepared !== undefined && seesPanics(this.#prepared.probes)
      ? undefined
      : 'the functions in which a crash of this kernel begins are not known';
  }

  /** Powers on. @throws Error where kernel or initramfs cannot be loaded */
  async start(): Promise<void> {
    const { session } = this;
    const prepared = await prepareBoot(session.handle, this.boot);
    this.#use(prepared);
    session.listen((event) => this.#take(event));
    session.onHeld = async () => {
      // A crash kernel that loads an image does not end the crash.
      if (this.isAlarmed) return;
      this.#held++;
      await this.#tryToArm();
    };
    await session.start(prepared?.plan);
  }

  /**
   * Prepares for a crash of the kernel that runs, with the image that is loaded for it. Where that was done already, it is not done again.
   * @throws ReadingFailure where what the guest made takes too much to read, or the signal is aborted
   */
  async arm(signal?: AbortSignal): Promise<Prepared> {
    const { session } = this;
    const known = this.#prepared;
    if (known?.isOfMemory === true && this.#load === session.load && this.#unread === undefined) return known;
    const { load } = session;
    const prepared = await prepareCrash(session.handle, this.#kernel, load, {
      path: 'crash',
      holds: this.#held < MOST_HELD,
      loads: session.loads.calls,
      signal,
    });
    this.#use(prepared);
    this.#load = load;
    this.#unread = undefined;
    return prepared;
  }

  /**
   * As {@link arm}, for a crash that is about to be caused.
   * @param isAttended the host will reset the secondaries when the master waits for them with interrupts off: the partition rests then
   */
  async armFor(isAttended: boolean, signal?: AbortSignal): Promise<Prepared> {
    const prepared = await this.arm(signal);
    const { sleep: _asleep, ...awake } = prepared.plan;
    // Of a kernel whose functions are not known, the beginning would be slept through.
    const plan = seesPanics(prepared.probes) ? prepared.plan : awake;
    if (isAttended || plan !== prepared.plan)
      await this.session.handle.observe(isAttended ? { ...plan, restWhenStuck: true } : plan);
    return prepared;
  }

  /** Looks out for something else until {@link rearm}. */
  follow(prepared: Prepared): void {
    this.#use(prepared);
  }

  /** Gives the recorder what was read of the image that was entered; see EntryReading. */
  async read(signal: AbortSignal | undefined): Promise<void> {
    await this.#reading?.done(this.session.handle, signal);
  }

  /** Calls `listener` after each event that the recorder has taken; undefined ends that. */
  onEvent(listener: (() => void) | undefined): void {
    this.#onEvent = listener;
  }

  /** Says what is known of the kernel that was entered. */
  know(kernel: RunningKernel): void {
    this.#kernel = kernel;
  }

  /** Looks out for crashes again, after {@link follow}. */
  async rearm(signal?: AbortSignal): Promise<void> {
    this.#forget();
    await this.#tryToArm(signal);
  }

  #forget(): void {
    this.#prepared = undefined;
    this.#reading = undefined;
    this.#load = undefined;
    this.#unread = undefined;
  }

  #use(prepared: Prepared | undefined): void {
    this.#prepared = prepared;
    if (prepared === undefined) return;
    this.#reading = new EntryReading(prepared);
    const hooks = Object.values(LOAD_HOOKS);
    this.session.hooksWatched = hooks.every((name) => prepared.probes.includes(name));
  }

  /** What cannot be read is said by the crash that needs it; a worker that died has ended the session. */
  async #tryToArm(signal?: AbortSignal): Promise<void> {
    try {
      await this.arm(signal);
    } catch (error) {
      this.#unread = failureText(error);
    }
  }

  /** A kernel that was entered unseen is read when it first rests, unless it has loaded an image before. */
  async #armWhenUp(): Promise<void> {
    const stopped = await this.session.untilResting(Number.POSITIVE_INFINITY);
    if (stopped === undefined && this.#prepared === undefined) await this.#tryToArm();
  }

  #take(event: MachineEvent): void {
    const prepared = this.#prepared;
    const entered = prepared?.recorder.entryOfKernel;
    prepared?.recorder.add(event);
    this.#reading?.look();
    if (event.kind === 'calm' && prepared !== undefined) this.#reading = new EntryReading(prepared);
    else if (prepared?.path === 'kexec' && prepared.recorder.entryOfKernel !== entered)
      this.#enterNext(prepared.watchesNextHooks);
    else if (this.#leavesByItself(event)) {
      this.session.past.hinder('it went to another kernel by itself');
      this.#enterNext(false);
      this.#forget();
      void this.#armWhenUp();
    }
    this.#onEvent?.();
  }

  /** Another kernel runs. What was loaded and known for the one before is gone. */
  #enterNext(hooksWatched: boolean): void {
    this.#kernel = unknownKernel(this.boot);
    this.session.enterKernel();
    this.session.hooksWatched = hooksWatched;
  }

  /** Whether the guest enters another kernel, and no operation follows it there. */
  #leavesByItself(event: MachineEvent): boolean {
    if (event.kind !== 'fetch' || this.isAlarmed) return false;
    if (this.#prepared?.path !== 'crash') return false;
    return calls({ ...event, mark: markOfId(event.mark) }, MACHINE_KEXEC_FUNCTIONS);
  }
}
