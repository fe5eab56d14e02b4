/**
 * Makes a trace (docs/trace.md) of machine events: it selects events, names addresses, and finds the instants and the phase that
 * the crash reached. It never acts on the guest. plan.ts decides what is watched, instants.ts what marks an instant.
 */

import { VECTOR } from '../../base/power.ts';
import type { DroppedEvents, MachineEvent, ObservedEvent } from '../../emulator/contract/index.ts';
import type { CapturePhase } from '../contract/index.ts';
import type { KexecImage } from '../facts/index.ts';
import type { AddressNames } from '../facts/symbols/index.ts';
import {
  type AtEntryFacts,
  type EntryFacts,
  type FetchEvent,
  fetchesAt,
  type HandoffPath,
  type ImageFacts,
  type Instant,
  type MoreEvents,
  PANIC_FUNCTIONS,
  type Trace,
  type TraceEvent,
  type TraceInstant,
} from '../trace/index.ts';
import { isSign } from './instants.ts';
import { idOfMark, markOfId } from './mark-ids.ts';
import { isBeforeCrash, seesPanics } from './plan.ts';
import { Selection } from './selection.ts';
import { joined, tracedEvent } from './traced-event.ts';

export type RecorderOptions = {
  readonly machine: Trace['machine'];
  readonly facts: ImageFacts;
  readonly image?: KexecImage;
  readonly names: AddressNames;
  /** Index of the dump device among the partition's disks. */
  readonly dumpDisk?: number;
};

/** Phases that follow from machine events. */
export type ObservedPhase = Extract<
  CapturePhase,
  'triggered' | 'panic' | 'handoff' | 'purgatory' | 'crash-kernel' | 'dumping'
>;

/** A trace before its rules are judged. */
export type UnjudgedTrace = Omit<Trace, 'rules'>;

/** RTAS calls that end a guest's power cycle. */
const LEAVING: ReadonlySet<string> = new Set(['system-reboot', 'power-off']);
const VECTORS_OF_PANIC: readonly number[] = [VECTOR.systemReset, VECTOR.machineCheck];
const ENTRY = idOfMark({ at: 'entry' });

export class Recorder {
  readonly #options: RecorderOptions;
  #selection = new Selection();
  readonly #events: TraceEvent[] = [];
  /** CPUs that have called RTAS and not returned yet. */
  readonly #inRtas = new Set<number>();
  readonly #panics: TraceEvent[] = [];
  #handoff: TraceEvent | undefined;
  #t1: TraceEvent | undefined;
  #t2: FetchEvent | undefined;
  #t3: TraceEvent | undefined;
  #lastWrite: TraceEvent | undefined;
  #leaving: TraceEvent | undefined;
  #dumped = false;
  #entered: EntryFacts | undefined;
  #atEntry: AtEntryFacts | undefined;
  #dropped: readonly DroppedEvents[] = [];
  #online: ReadonlySet<number> | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Takes the next machine event. */
  add(event: MachineEvent): void {
    if (event.kind === 'calm') {
      this.#forget();
      return;
    }
    if (this.#repeatsEntry(event) || this.#stays(event)) return;
    if (this.#precedes(event) || this.#belongsToRtas(event)) return;
    if (!this.#selection.keeps(event, this.#t2 !== undefined)) return;
    const traced = tracedEvent(event, this.#events.length, (address) => this.nameOf(address));
    if (this.#joins(traced)) return;
    this.#events.push(traced);
    this.#mark(event, traced);
  }

  /** Which CPUs were online at T0. */
  setOnline(online: ReadonlySet<number>): void {
    this.#online = online;
  }

  /** Sets the facts read from memory after the new kernel was entered. */
  setEntered(facts: EntryFacts): void {
    this.#entered = facts;
  }

  /** Sets the facts read from memory of T1. */
  setAtEntry(facts: AtEntryFacts): void {
    this.#atEntry = facts;
  }

  /** Sets the counts of events that the machine did not report because of a limit. */
  setDropped(dropped: readonly DroppedEvents[]): void {
    this.#dropped = dropped;
  }

  /** Call it when the dump is whole. T4 is the last write to the dump device or, where that is not known, the guest's reboot or power-off. */
  setDumped(): void {
    this.#dumped = true;
  }

  get phase(): ObservedPhase {
    if (this.#t3 !== undefined) return 'dumping';
    if (this.#t2 !== undefined) return 'crash-kernel';
    if (this.#t1 !== undefined) return 'purgatory';
    if (this.#handoff !== undefined) return 'handoff';
    return this.#panics.length > 0 ? 'panic' : 'triggered';
  }

  /** The CPU that runs the crash: the one that entered the image, or the one that panicked first. */
  get master(): number | undefined {
    return (this.#t1 ?? this.#handoff ?? this.#panics[0])?.cpu;
  }

  /** The event of the new kernel's first fetch, once it was seen. */
  get entryOfKernel(): FetchEvent | undefined {
    return this.#t2;
  }

  /** The name of an instruction's address at this point of the handoff. */
  nameOf(address: bigint): string | undefined {
    return this.#options.names.name(address, this.#era);
  }

  /** The name of an instruction's address when `insn` instructions had been executed. */
  nameAt(address: bigint, insn: number): string | undefined {
    const since = (event: TraceEvent | undefined): boolean => event !== undefined && insn >= event.insn;
    const era = since(this.#t2) ? 'crash' : since(this.#handoff) ? 'stub' : 'production';
    return this.#options.names.name(address, era);
  }

  get instants(): Trace['instants'] {
    const t0 = this.#panics.find(({ cpu }) => cpu === this.master) ?? this.#panics[0];
    const found: Record<TraceInstant, TraceEvent | undefined> = {
      t0,
      t1: this.#t1,
      t2: this.#t2,
      t3: this.#t3,
      t4: this.#dumped ? this.#lastEvent() : undefined,
    };
    return Object.fromEntries(
      Object.entries(found).flatMap(([name, event]) =>
        event === undefined ? [] : [[name, instantOf(event)]],
      ),
    );
  }

  get dumpDisk(): number | undefined {
    return this.#options.dumpDisk;
  }

  /** The trace without its rules. */
  trace(): UnjudgedTrace {
    const { facts } = this.#options;
    const image = {
      ...facts,
      ...(this.#atEntry === undefined ? {} : { atEntry: this.#atEntry }),
      ...(this.#entered === undefined ? {} : { entered: this.#entered }),
    };
    const more = this.#more();
    return {
      version: 2,
      machine: this.#machine,
      image,
      instants: this.instants,
      events: this.#events,
      ...(more.length === 0 ? {} : { more }),
    };
  }

  /** What began came to nothing: as before the first event. */
  #forget(): void {
    this.#events.length = 0;
    this.#selection = new Selection();
    this.#inRtas.clear();
    this.#panics.length = 0;
    this.#handoff = this.#t1 = this.#t2 = this.#t3 = this.#lastWrite = this.#leaving = undefined;
  }

  get #machine(): Trace['machine'] {
    const { machine } = this.#options;
    const online = this.#online;
    if (online === undefined) return machine;
    return { ...machine, cpus: machine.cpus.map((cpu) => ({ ...cpu, online: online.has(cpu.index) })) };
  }

  #lastEvent(): TraceEvent | undefined {
    return this.#lastWrite ?? this.#leaving ?? this.#t3;
  }

  #more(): readonly MoreEvents[] {
    return [
      ...this.#dropped.map(({ mark, ...rest }) =>
        mark === undefined ? rest : { ...rest, mark: markOfId(mark) },
      ),
      ...this.#selection.more,
    ];
  }

  /** Updates the instants from an event. */
  #mark(event: ObservedEvent, traced: TraceEvent): void {
    if (this.#beginsPanic(event)) this.#panics.push(traced);
    // Without a loaded image, or while another CPU holds the kexec lock, __crash_kexec returns, and the panic continues: there is no handoff.
    if (this.#panics.length > 0 && this.#options.image !== undefined && this.#is('handoff', event))
      this.#handoff ??= traced;
    if (this.#is('t1', event)) this.#t1 ??= traced;
    if (traced.kind === 'fetch' && this.#t1 !== undefined && this.#t2 === undefined)
      if (traced.cpu === this.#t1.cpu && this.#isKernel(Number(BigInt(traced.raddr)))) this.#t2 = traced;
    if (event.kind === 'rtas' && LEAVING.has(event.name)) this.#leaving = traced;
    if (this.#t2 !== undefined && this.#is('t3', event)) this.#t3 ??= traced;
    // The last write is reported when the power cycle ends, and may be older than the dump.
    if (event.kind === 'disk' && event.write === 'last' && event.disk === this.dumpDisk)
      if (this.#t3 !== undefined) this.#lastWrite = traced;
  }

  #is(name: Parameters<typeof isSign>[0], event: ObservedEvent): boolean {
    return isSign(name, this.#path, event, this.dumpDisk, this.#options.facts.probes);
  }

  /** RTAS is called in real mode. The changes of the MSR before and after a call belong to it, and are not kept. */
  #belongsToRtas({ kind, cpu }: ObservedEvent): boolean {
    if (kind === 'rtas') {
      const last = this.#events.at(-1);
      if (last?.kind === 'msr' && last.cpu === cpu) {
        this.#events.pop();
        this.#selection.forgetMsr(cpu, this.#t2 !== undefined);
      }
      this.#inRtas.add(cpu);
      return false;
    }
    return kind === 'msr' && this.#inRtas.delete(cpu);
  }

  /**
   * Whether a fetch or store hit a watched place while other code used it. Until an ordinary kexec's handoff begins, the
   * destinations of its image are memory in use. So are the watched functions of the old kernel once the new kernel, which may
   * be the same file, has moved itself to 0.
   */
  #isElsewhere(event: ObservedEvent): boolean {
    if (event.kind !== 'store' && event.kind !== 'fetch') return false;
    const mark = markOfId(event.mark);
    // After T2 the crash kernel reuses the memory of purgatory and of its initrd.
    if (this.#path === 'crash')
      return (
        this.#t2 !== undefined &&
        event.kind === 'store' &&
        (mark.at === 'copy' || mark.at === 'kernel-head' || mark.at === 'release')
      );
    const ofProduction = mark.at === 'function' && mark.in === 'production';
    if (this.#t2 !== undefined) {
      if (event.kind === 'store') return mark.at !== 'low' && mark.at !== 'above-vectors';
      return ofProduction && !PANIC_FUNCTIONS.includes(mark.name);
    }
    return this.#handoff === undefined && (event.kind === 'store' || !ofProduction);
  }

  /** Whether an event came before the panic, or before the guest began to leave. Without a probe on a panic function all are kept. */
  #precedes(event: ObservedEvent): boolean {
    if (this.#isElsewhere(event)) return true;
    if (this.#panics.length > 0 || event.kind === 'reset' || event.kind === 'fault') return false;
    if (this.#path !== 'crash') return !this.#beginsPanic(event);
    if (!seesPanics(this.#options.facts.probes)) return false;
    return !(
      (event.kind === 'fetch' && !isBeforeCrash(event.mark)) ||
      (event.kind === 'interrupt' && VECTORS_OF_PANIC.includes(event.vector))
    );
  }

  #beginsPanic(event: ObservedEvent): boolean {
    return this.#t1 === undefined && this.#is('t0', event);
  }

  /** Whether an address is in the new kernel: in a segment other than the entry's, or in the entry's where that is the kernel's. */
  #isKernel(raddr: number): boolean {
    const { image } = this.#options;
    if (image === undefined) return false;
    const holds = (at: number) => image.segments.find(({ mem, memsz }) => at >= mem && at < mem + memsz);
    const segment = holds(raddr);
    if (segment === undefined) return false;
    return segment !== holds(image.load.entry) || segment.role === 'kernel';
  }

  /**
   * Whether a fetch repeats an arrival. When the engine decodes watched code again, after a store to it or an RTAS call, a CPU
   * that waits in the copy at 0 or runs the new kernel is reported once more; that report is dropped.
   */
  #stays(event: ObservedEvent): boolean {
    if (event.kind !== 'fetch') return false;
    const { at } = markOfId(event.mark);
    if (at === 'segment' && event.cpu === this.#t2?.cpu) return true;
    if (at !== 'low') return false;
    const last = this.#events.findLast(
      ({ cpu, kind }) => cpu === event.cpu && kind !== 'run' && kind !== 'census',
    );
    if (last?.kind === 'store') return last.mark.at === 'low';
    return last !== undefined && fetchesAt(last, { at: 'low' }) && Number(BigInt(last.raddr)) === event.raddr;
  }

  /** Drops the second event of one arrival at the entry, which has a probe and lies in a watched segment. */
  #repeatsEntry(event: ObservedEvent): boolean {
    if (event.kind !== 'fetch') return false;
    const entry = this.#options.image?.load.entry;
    if (markOfId(event.mark).at === 'segment' && event.raddr === entry) return true;
    const last = this.#events.at(-1);
    if (last?.kind !== 'fetch' || last.cpu !== event.cpu) return false;
    if (Number(BigInt(last.raddr)) !== event.raddr || last.insn !== event.insn) return false;
    // Which of the two comes first depends on the engine; the event marked `entry` is kept.
    if (event.mark === ENTRY) {
      const named = tracedEvent(event, last.n, (address) => this.nameOf(address));
      this.#events[this.#events.length - 1] = named;
      this.#mark(event, named);
    }
    return true;
  }

  /** Stores to the next bytes of the same place by the same CPU are one event, with their length added up. */
  #joins(event: TraceEvent): boolean {
    const whole = joined(this.#events.at(-1), event);
    if (whole !== undefined) this.#events[this.#events.length - 1] = whole;
    return whole !== undefined;
  }

  get #path(): HandoffPath {
    return this.#options.facts.path ?? 'crash';
  }

  get #era(): 'production' | 'stub' | 'crash' {
    if (this.#t2 !== undefined) return 'crash';
    return this.#handoff !== undefined ? 'stub' : 'production';
  }
}

function instantOf({ n, insn, tb, cpu }: TraceEvent): Instant {
  return { event: n, insn, tb, cpu };
}
