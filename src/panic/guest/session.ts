/**
 * Follows one power cycle of a partition from outside: its console, the agent's lines, the images that the guest loaded,
 * and whether it rests. A partition rests when every CPU has only waited for some guest seconds. Input is given only at
 * rest, so that runs can be repeated byte for byte: the point of rest depends on the guest's instructions alone, not on the
 * host's speed.
 */

import { BoundedBytes } from '../../base/bounded-bytes.ts';
import { failureText } from '../../base/failure-text.ts';
import { TIMEBASE_HZ } from '../../base/power.ts';
import { Signal } from '../../base/signal.ts';
import type {
  DiskFailure,
  InputTaken,
  MachineEvent,
  ObservePlan,
  OutputSummary,
  PartitionEnd,
  PartitionHandle,
  PartitionNotice,
  SyscallEvent,
} from '../../emulator/host/index.ts';
import { VTY_INPUT_BYTES } from '../../emulator/host/index.ts';
import { Refusal, type ToolWords, type UnsupportedUse } from '../contract/index.ts';
import type { KexecLoad } from '../facts/index.ts';
import { isCrashLoad, isLoadable, LoadLog, parseKexecLoad } from '../facts/index.ts';
import type { LoadRefusal, PlanFacts } from '../trace/index.ts';
import { markOfId } from '../watch/index.ts';
import { type AgentLine, parseAgentLine } from './agent-line.ts';
import { AgentLines } from './agent-lines.ts';
import { explainNoCrashKernel } from './no-crash-kernel.ts';
import { PanicEnd } from './panic-end.ts';
import { Past } from './past.ts';
import { SaidByTools } from './tool-words.ts';

/** Why a wait ended without what it waited for. */
export type Standstill =
  | { readonly kind: 'ended'; readonly end: PartitionEnd }
  /** The guest showed no activity for {@link PATIENCE} rests in a row, or executes no instruction any more. */
  | { readonly kind: 'standing' }
  | { readonly kind: 'timeout' };

/** What a guest left in its power cycle, beside a dump. */
export type Left = {
  /** What was printed on the first vty: its last bytes. */
  readonly console: Uint8Array;
  /** What it used that the machine lacks. */
  readonly unsupported: readonly UnsupportedUse[];
  /** What its kexec-tools and makedumpfile printed. */
  readonly words: readonly ToolWords[];
};

/** What the guest said by ibm,os-term, as a kernel does that panicked. */
export type OsTerm = { readonly message: string; readonly insn: number; readonly seconds: number };

export type Readiness = { readonly kind: 'ready'; readonly noCrashKernel?: string } | Standstill;

/**
 * Rests in a row after which a guest counts as standing still. A guest may wait for longer than one rest for a reason, such
 * as a timeout of its own; so it is resumed this many times.
 */
const PATIENCE = 40;
/** The same for one whose interrupt handlers raise interrupts without an end: it waits for nothing. */
const PATIENCE_WITH_STORM = 2;
/** Bytes of console output that are kept, the last ones: a guest may print without end. */
const CONSOLE_LIMIT = 8 * 2 ** 20;
/** Guest seconds that the guest gets to come to rest after it has answered a command. */
const SETTLE_SECONDS = 5;
/** Guest seconds that a guest gets to come to rest after its agent is ready. */
const READY_SECONDS = 10;
const NOTHING = new Uint8Array(0);
const NS_PER_SECOND = 1e9;
/** Errors with which kexec_load fails before it drops the image that is loaded. */
const UNTOUCHED: readonly string[] = ['EPERM', 'EBUSY'];

export class Session {
  readonly handle: PartitionHandle;
  readonly signal: Signal = new Signal();
  readonly lines: AgentLines = new AgentLines();
  /** What came from outside in this power cycle. */
  readonly past: Past = new Past();
  readonly #usesAgent: boolean;
  readonly #unsubscribe: () => void;
  readonly #console = new BoundedBytes(CONSOLE_LIMIT);
  readonly #said = new SaidByTools();
  readonly #onConsole: ((bytes: Uint8Array) => void) | undefined;
  #end: PartitionEnd | undefined;
  /** Says why {@link stop} was called. */
  #why: (() => string) | undefined;
  /** Guest seconds that the current wait may take. */
  #limitSeconds: number | undefined;
  #output: OutputSummary | undefined;
  readonly #unsupported = new Map<string, UnsupportedUse>();
  #diskFailure: DiskFailure | undefined;
  #osTerm: OsTerm | undefined;
  #panicEnd = new PanicEnd();
  #insn = 0;
  #ticks = 0;
  #resting = false;
  /** Counts console output and machine events. */
  #activity = 0;
  #load: KexecLoad | undefined;
  #next: KexecLoad | undefined;
  /** The image that the last kexec_load was to replace. */
  #replaced: KexecLoad | undefined;
  #events: ((event: MachineEvent) => void) | undefined;
  /** Whether the plan in force reports the hooks of kexec_load. */
  hooksWatched = false;
  /** Called when the machine stands still as its plan asks; it continues when the promise is resolved. */
  onHeld: (() => Promise<void>) | undefined;
  #loads = new LoadLog();
  /** The last load that kdumpd planned, or why it was refused; undefined where the guest's kexec-tools plan. */
  planned: { readonly plan?: PlanFacts; readonly refusals?: readonly LoadRefusal[] } | undefined;

  /**
   * @param usesAgent whether the second vty speaks the agent protocol.
   * @param onConsole receives what is printed on the first vty
   */
  constructor(handle: PartitionHandle, usesAgent: boolean, onConsole?: (bytes: Uint8Array) => void) {
    this.#onConsole = onConsole;
    this.handle = handle;
    this.#usesAgent = usesAgent;
    this.#unsubscribe = handle.subscribe((notice) => this.#take(notice));
  }

  /** Instructions executed as of the last notice. */
  get insn(): number {
    return this.#insn;
  }
  /** Whether it rests, as of the last notice. */
  get isResting(): boolean {
    return this.#resting;
  }
  /** The first failure of the host behind a disk. */
  get diskFailure(): DiskFailure | undefined {
    return this.#diskFailure;
  }
  /** The last call of ibm,os-term; the guest may have gone on since. */
  get osTerm(): OsTerm | undefined {
    return this.#osTerm;
  }
  /** Why the kernel panicked that waits for ever since; undefined: it has not said so. */
  get panicEnd(): string | undefined {
    return this.#panicEnd.message;
  }
  get ended(): PartitionEnd | undefined {
    return this.#end;
  }
  /** The crash image of the last kexec_load for a crash. */
  get load(): KexecLoad | undefined {
    return this.#load;
  }
  /** The image of the last ordinary kexec_load. */
  get next(): KexecLoad | undefined {
    return this.#next;
  }
  /** Every kexec_load of the kernel that runs. */
  get loads(): LoadLog {
    return this.#loads;
  }
  /** What the guest has emitted, as of the last notice; undefined: nothing. */
  get output(): OutputSummary | undefined {
    return this.#output;
  }
  /** What the guest used that the machine lacks, as last reported: exact while it rests, and at its end. The machine bounds how many kinds it tells apart. */
  get unsupported(): readonly UnsupportedUse[] {
    return [...this.#unsupported.values()];
  }
  /** Guest time as of the last notice, in seconds. */
  get seconds(): number {
    return Math.max(this.#insn / NS_PER_SECOND, this.#ticks / TIMEBASE_HZ);
  }
  /** Guest seconds that the current wait, or the last one, may take. */
  get limitSeconds(): number | undefined {
    return this.#limitSeconds;
  }
  /** What was printed on the first vty. */
  get console(): Uint8Array {
    return this.#console.bytes;
  }

  /** What kexec-tools and makedumpfile printed, as far as the agent passes it on. */
  get words(): readonly ToolWords[] {
    return this.#said.words;
  }
  get left(): Left {
    return { console: this.console, unsupported: this.unsupported, words: this.words };
  }

  /** Gives every machine event from now on to `listener`. */
  listen(listener: ((event: MachineEvent) => void) | undefined): void {
    this.#events = listener;
  }

  /**
   * Powers on.
   * @param plan what to report from the first instruction on (watch/boot-plan.ts)
   * @throws Error where kernel or initramfs cannot be loaded.
   */
  async start(plan?: ObservePlan): Promise<void> {
    await this.handle.start(plan);
  }

  /** Another kernel runs: images that were loaded for the one before are gone. */
  enterKernel(): void {
    this.#loads = new LoadLog();
    this.#load = undefined;
    this.#next = undefined;
    this.#replaced = undefined;
    this.#osTerm = undefined;
    this.#panicEnd = new PanicEnd();
    this.planned = undefined;
  }

  /**
   * Powers off from outside: what waits for the guest continues.
   * @param why is called when the guest has stopped; the end gives it as its reason
   */
  async stop(why: () => string): Promise<void> {
    this.#why ??= why;
    await this.handle.stop();
  }

  /**
   * Waits until the agent is ready, then at most {@link READY_SECONDS} for rest: a guest that a program keeps busy never rests, and
   * is ready all the same. A guest without agent is ready when it rests.
   */
  async untilReady(limitSeconds: number): Promise<Readiness> {
    if (!this.#usesAgent) {
      const stopped = await this.untilResting(limitSeconds);
      return stopped ?? { kind: 'ready' };
    }
    const first = await this.wait(() => this.lines.first('ready'), limitSeconds);
    if (isStandstill(first)) return first;
    const stopped = await this.untilResting(READY_SECONDS);
    if (stopped !== undefined && stopped.kind !== 'timeout') return stopped;
    if (first.noCrashKernel === undefined) return { kind: 'ready' };
    const { append } = this.handle.config;
    return {
      kind: 'ready',
      noCrashKernel: explainNoCrashKernel(first.noCrashKernel, append, this.console),
    };
  }

  /** Waits until the partition rests. @returns undefined once it does, otherwise why it does not */
  async untilResting(limitSeconds: number): Promise<Standstill | undefined> {
    const deadline = this.#deadline(limitSeconds);
    const result = await this.signal.until((): Standstill | { kind: 'resting' } | undefined => {
      if (this.#end !== undefined) return { kind: 'ended', end: this.#end };
      if (this.#resting) return { kind: 'resting' };
      return this.seconds > deadline ? { kind: 'timeout' } : undefined;
    });
    return result.kind === 'resting' ? undefined : result;
  }

  /**
   * Sends input to a vty and resumes the partition. Call it only at rest where runs must be repeatable.
   * @returns where it came
   * @throws Refusal `terminal-full`; nothing was sent
   */
  async type(vty: 0 | 1, bytes: Uint8Array): Promise<InputTaken> {
    const taken = await this.handle.input(vty, bytes);
    if (taken === undefined)
      throw new Refusal(
        'terminal-full',
        `The guest does not read its terminal: ${bytes.length} bytes do not fit into the ${VTY_INPUT_BYTES} that wait for it at the most. Nothing was typed; wait until it reads, or reset the partition.`,
      );
    this.#resting = false;
    return taken;
  }

  /** A system reset on each of these CPUs, at one instant. */
  async nmi(cpus: readonly number[]): Promise<void> {
    await this.handle.nmi(cpus);
    this.#resting = false;
  }

  /** Sends a command and waits for its answer, then at most {@link SETTLE_SECONDS} for rest: a busy guest never rests. */
  async command(text: string, limitSeconds: number): Promise<AgentLine | Standstill> {
    const [name] = text.split(' ');
    const answered = this.lines.watch((line) =>
      line.kind === 'answer' && (line.command === name || line.command === 'unknown') ? line : undefined,
    );
    await this.type(1, Buffer.from(`${text}\n`, 'latin1'));
    const answer = await this.wait(() => answered.found, limitSeconds).finally(() => answered.close());
    if (isStandstill(answer)) return answer;
    const stopped = await this.untilResting(SETTLE_SECONDS);
    return stopped === undefined || stopped.kind === 'timeout' ? answer : stopped;
  }

  /**
   * Waits until `probe` returns a value, and resumes a guest that rests meanwhile.
   * @param onRest called at each rest; it returns true where it gave the guest something to do
   */
  async wait<T>(
    probe: () => T | undefined,
    limitSeconds: number,
    onRest?: () => Promise<boolean>,
  ): Promise<T | Standstill> {
    const deadline = this.#deadline(limitSeconds);
    let rests = 0;
    let seen = { activity: this.#activity, insn: -1 };
    for (;;) {
      const result = await this.signal.until(
        (): { found: T } | Standstill | { kind: 'resting' } | undefined => {
          const found = probe();
          if (found !== undefined) return { found };
          if (this.#end !== undefined) return { kind: 'ended', end: this.#end };
          if (this.seconds > deadline) return { kind: 'timeout' };
          return this.#resting ? { kind: 'resting' } : undefined;
        },
      );
      if ('found' in result) return result.found;
      if (result.kind !== 'resting') return result;
      if (await onRest?.()) {
        rests = 0;
        continue;
      }
      // It may have rested before it was waited for, or since: the first rest counts for nothing in both cases.
      if (this.#activity !== seen.activity || seen.insn < 0) rests = 0;
      else if (this.#insn === seen.insn || ++rests >= (await this.#patience(rests)))
        return { kind: 'standing' };
      seen = { activity: this.#activity, insn: this.#insn };
      // Empty input: the partition continues as if it had not rested.
      await this.type(1, NOTHING);
    }
  }

  /** How many rests count as standing still. */
  async #patience(rests: number): Promise<number> {
    if (rests < PATIENCE_WITH_STORM) return PATIENCE;
    // A machine that does not answer has ended, as the next look at it says.
    const cpus = await this.handle.vcpus().catch(() => []);
    return cpus.some(({ storm }) => storm !== undefined) ? PATIENCE_WITH_STORM : PATIENCE;
  }

  /** Stops listening; the handle stays. What still waits for the guest continues as if it had been stopped. */
  close(): void {
    this.#unsubscribe();
    this.#events = undefined;
    this.#end ??= this.#reasoned({ kind: 'stopped' });
    this.signal.notify();
  }

  /** A machine that stands still for good has ended: where its worker died, the end has been reported by now. */
  async #goOn(): Promise<void> {
    try {
      await this.onHeld?.();
      await this.handle.goOn();
    } catch (error) {
      this.#end ??= { kind: 'error', message: `it could not be let run again: ${failureText(error)}` };
      this.signal.notify();
    }
  }

  #deadline(limitSeconds: number): number {
    this.#limitSeconds = limitSeconds;
    return this.seconds + limitSeconds;
  }

  #reasoned(end: PartitionEnd): PartitionEnd {
    if (end.kind !== 'stopped' || this.#why === undefined) return end;
    const reasons = [this.#why(), ...(end.reason === undefined ? [] : [end.reason])];
    return { ...end, reason: reasons.join('; ') };
  }

  #take(notice: PartitionNotice): void {
    switch (notice.kind) {
      case 'console':
        this.#insn = Math.max(this.#insn, notice.insn);
        this.#activity++;
        if (notice.vty === 0) this.#print(notice.bytes);
        break;
      case 'line':
        this.#insn = Math.max(this.#insn, notice.insn);
        if (this.#usesAgent) this.#hear(notice.text);
        break;
      case 'output':
        if (isMore(notice.summary, this.#output)) this.#activity++;
        this.#output = notice.summary;
        return;
      case 'machine-event':
        // A guest whose interrupt handlers raise interrupts takes them for ever.
        if (notice.event.kind !== 'interrupt') this.#activity++;
        this.#ticks = Number(notice.event.tb);
        this.#insn = Math.max(this.#insn, notice.event.insn);
        this.#note(notice.event);
        this.#events?.(notice.event);
        break;
      case 'progress':
        this.#insn = notice.insn;
        this.#ticks = Number(notice.tb);
        this.#resting = notice.resting;
        break;
      case 'ended':
        this.#insn = Math.max(this.#insn, notice.insn);
        this.#end ??= this.#reasoned(notice.end);
        break;
      case 'held':
        this.#insn = Math.max(this.#insn, notice.insn);
        void this.#goOn();
        return;
      case 'disk-failed':
        this.#diskFailure ??= notice.failure;
        return;
      case 'unsupported':
        this.#unsupported.set(`${notice.what.kind} ${notice.what.key}`, {
          ...notice.what,
          count: notice.count,
        });
        return;
    }
    this.signal.notify();
  }

  /** Updates the load log and the loaded images from an event. */
  #note(event: MachineEvent): void {
    this.loads.add(event, this.hooksWatched);
    switch (event.kind) {
      case 'rtas':
        if (event.message !== undefined)
          this.#osTerm = { message: event.message, insn: event.insn, seconds: this.seconds };
        return;
      case 'fetch': {
        const mark = markOfId(event.mark);
        if (mark.at === 'function' && mark.in !== 'crash') this.loads.hook(mark.name);
        return;
      }
      case 'syscall':
        this.#keepLoad(event);
        return;
      case 'syscall-return':
        this.#loadReturned();
    }
  }

  /** A kernel holds a crash image and an ordinary one; each is loaded and dropped by itself. */
  #keepLoad(event: SyscallEvent): void {
    this.#replaced = isCrashLoad(event) ? this.#load : this.#next;
    const given = parseKexecLoad(event);
    const memory = this.handle.config.memory.reduce((sum, { size }) => sum + size, 0);
    const load = given !== undefined && isLoadable(given, memory) ? given : undefined;
    if (isCrashLoad(event)) this.#load = load;
    else this.#next = load;
  }

  /**
   * A refused image is not loaded. An earlier crash image is gone by then, because both use the same reservation
   * (Linux 6.1 kernel/kexec.c do_kexec_load); an earlier ordinary image stays.
   */
  #loadReturned(): void {
    const call = this.loads.calls.at(-1);
    if (call?.result === undefined || call.result === 'ok') return;
    if (!call.crash) this.#next = this.#replaced;
    else this.#load = UNTOUCHED.includes(call.result) ? this.#replaced : undefined;
  }

  #print(bytes: Uint8Array): void {
    this.#console.push(bytes);
    this.#panicEnd.print(bytes);
    this.#onConsole?.(bytes);
  }

  #hear(text: string): void {
    const line = parseAgentLine(text);
    if (line?.kind === 'said') this.#said.add(line);
    else if (line !== undefined) this.lines.add(line);
  }
}

/** Whether nothing can be read of the machine any more, because its worker is gone. */
export function isGone(end: PartitionEnd): boolean {
  return end.kind === 'error' || (end.kind === 'stopped' && end.terminated === true);
}

/** Names an end, with what is known about it. `osTerm`: what the guest had said before. */
export function describeEnd(end: PartitionEnd, osTerm?: OsTerm): string {
  const said = osTerm === undefined ? '' : ` after ibm,os-term: ${osTerm.message}`;
  switch (end.kind) {
    case 'os-term':
      return `ibm,os-term: ${end.message}`;
    case 'error':
      return `${end.kind}: ${end.message}`;
    case 'exceeded':
      return `${end.message} (limits.${end.vty === 0 ? 'consoleBytes' : 'agentBytes'} of the partition allows more)`;
    case 'stopped':
      return end.reason === undefined ? end.kind : `${end.kind}: ${end.reason}`;
    case 'power-off':
    case 'reboot':
      return `${end.kind}${said}`;
  }
}

/** Whether the guest has printed since. */
function isMore({ bytes: [first, second] }: OutputSummary, before: OutputSummary | undefined): boolean {
  return before === undefined || first > before.bytes[0] || second > before.bytes[1];
}

export function isStandstill(value: unknown): value is Standstill {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  return value.kind === 'ended' || value.kind === 'standing' || value.kind === 'timeout';
}
