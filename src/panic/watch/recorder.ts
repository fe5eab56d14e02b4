/**
 * Makes a trace (version 1, docs/trace.md) of machine events: keeps those that matter, names addresses, finds the
 * instants T0 to T4 and how far the crash got. It only listens; what to listen for is plan.ts's.
 */

import { hex64 } from '../../base/hex.ts';
import type { MachineEvent } from '../../emulator/host/index.ts';
import type { CapturePhase } from '../contract/index.ts';
import type { KexecImage } from '../facts/kexec-image.ts';
import type { AddressNames } from '../facts/symbols/index.ts';
import type { AtEntryFacts, EntryFacts, HandoffPath, ImageFacts, Trace, TraceEvent } from '../trace/index.ts';
import { CRASH_FUNCTIONS, LEAVE_FUNCTIONS, MACHINE_KEXEC_FUNCTIONS, PANIC_FUNCTIONS, WATCH } from './plan.ts';
import { Selection } from './selection.ts';
import { instant, joined, tracedEvent } from './traced-event.ts';

export type RecorderOptions = {
  readonly machine: Trace['machine'];
  readonly facts: ImageFacts;
  readonly image?: KexecImage;
  readonly names: AddressNames;
  /** Index of the dump device among the partition's disks. */
  readonly dumpDisk?: number;
};

/** Phases that the machine's events tell. */
export type ObservedPhase = Extract<
  CapturePhase,
  'triggered' | 'panic' | 'handoff' | 'purgatory' | 'crash-kernel' | 'dumping'
>;

const SYSTEM_RESET = 0x100n;
const MACHINE_CHECK = 0x200n;
const VECTORS_OF_PANIC: readonly bigint[] = [SYSTEM_RESET, MACHINE_CHECK];
/** RTAS calls that end a guest's life. */
const LEAVING: ReadonlySet<string> = new Set(['system-reboot', 'power-off']);
const LAST_WRITE = 'last write';
const HANDOFF_HCALLS: ReadonlySet<string> = new Set(['H_SIGNAL_SYS_RESET']);

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #selection = new Selection();
  readonly #events: TraceEvent[] = [];
  /** CPUs that got a system reset from outside and have not taken it yet. */
  readonly #resets = new Set<number>();
  /** CPUs that have not come back from RTAS. */
  readonly #inRtas = new Set<number>();
  readonly #panics: TraceEvent[] = [];
  #handoff: TraceEvent | undefined;
  #t1: TraceEvent | undefined;
  #t2: TraceEvent | undefined;
  #t3: TraceEvent | undefined;
  #lastWrite: TraceEvent | undefined;
  #leaving: TraceEvent | undefined;
  #dumped = false;
  #entered: EntryFacts | undefined;
  #atEntry: AtEntryFacts | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Takes the next machine event. */
  add(event: MachineEvent): void {
    if (this.#repeatsEntry(event) || this.#stays(event)) return;
    if (this.#precedes(event) || this.#belongsToRtas(event)) return;
    if (!this.#selection.keeps(event, this.#t2 !== undefined)) return;
    const traced = tracedEvent(event, this.#events.length, (address) => this.nameOf(address));
    if (this.#joins(traced)) return;
    this.#events.push(traced);
    this.#mark(event, traced);
  }

  /** What was found in memory when the new kernel had been entered. */
  setEntered(facts: EntryFacts): void {
    this.#entered = facts;
  }

  /** What was found in memory as it was at T1. */
  setAtEntry(facts: AtEntryFacts): void {
    this.#atEntry = facts;
  }

  /** The dump is whole: T4 is its last write, or, where that was not told, the guest's leaving. */
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

  /** The CPU that runs the crash: who entered the image, or who panicked first. */
  get master(): number | undefined {
    return (this.#t1 ?? this.#handoff ?? this.#panics[0])?.cpu;
  }

  /** The event of the new kernel's first fetch, once it was seen. */
  get entryOfKernel(): TraceEvent | undefined {
    return this.#t2;
  }

  /** The name of an instruction's address as things stand now. */
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
    return {
      ...instant('t0', t0),
      ...instant('t1', this.#t1),
      ...instant('t2', this.#t2),
      ...instant('t3', this.#t3),
      ...instant('t4', this.#dumped ? this.#lastEvent() : undefined),
    };
  }

  get dumpDisk(): number | undefined {
    return this.#options.dumpDisk;
  }

  /** The trace without its rules. */
  trace(): Omit<Trace, 'rules' | 'image'> & { readonly image: ImageFacts } {
    const { machine, facts } = this.#options;
    const image = {
      ...facts,
      ...(this.#atEntry === undefined ? {} : { atEntry: this.#atEntry }),
      ...(this.#entered === undefined ? {} : { entered: this.#entered }),
    };
    return { version: 1, machine, image, instants: this.instants, events: this.#events };
  }

  #lastEvent(): TraceEvent | undefined {
    return this.#lastWrite ?? this.#leaving ?? this.#t3;
  }

  #mark(event: MachineEvent, traced: TraceEvent): void {
    const { detail = '', kind } = event;
    if (kind === 'reset') this.#resets.add(event.cpu);
    if (this.#beginsPanic(event)) this.#panics.push(traced);
    // Without an image, crash kexec looks for one and comes back: the panic goes on.
    if (this.#panics.length > 0 && this.#handoff === undefined && this.#options.image !== undefined) {
      const functions = this.#path === 'crash' ? CRASH_FUNCTIONS : MACHINE_KEXEC_FUNCTIONS;
      const begins =
        kind === 'fetch' ? functions.includes(detail) : kind === 'hcall' && HANDOFF_HCALLS.has(detail);
      if (begins) this.#handoff = traced;
    }
    if (kind === 'fetch' && detail === WATCH.entry) this.#t1 ??= traced;
    if (kind === 'fetch' && this.#t1 !== undefined && this.#t2 === undefined && event.cpu === this.#t1.cpu) {
      if (this.#isKernel(Number(event.regs?.raddr ?? -1n))) this.#t2 = traced;
    }
    if (kind === 'rtas' && LEAVING.has(detail)) this.#leaving = traced;
    if (
      kind === 'disk' &&
      this.#t2 !== undefined &&
      Number(event.regs?.disk ?? -1n) === this.#options.dumpDisk
    ) {
      // The last write is told when the life ends, and may be older than the dump.
      if (detail !== LAST_WRITE) this.#t3 ??= traced;
      else if (this.#t3 !== undefined) this.#lastWrite = traced;
    }
  }

  /** RTAS is called in real mode: the changes of the MSR before and after a call say no more than the call does. */
  #belongsToRtas({ kind, cpu }: MachineEvent): boolean {
    if (kind === 'rtas') {
      const last = this.#events.at(-1);
      if (last?.kind === 'msr' && last.cpu === cpu) {
        this.#events.pop();
        this.#selection.forget('msr', cpu, this.#t2 !== undefined);
      }
      this.#inRtas.add(cpu);
      return false;
    }
    return kind === 'msr' && this.#inRtas.delete(cpu);
  }

  /**
   * Before an ordinary kexec leaves for good, the places of its image are memory like any other; and again once the
   * new kernel, which may be the same one as before, has moved itself to 0.
   */
  #isElsewhere({ kind, detail = '' }: MachineEvent): boolean {
    // The crash kernel uses its purgatory's and its initrd's memory again.
    if (this.#path === 'crash') return this.#t2 !== undefined && kind === 'store' && isOfImage(detail);
    const ofProduction = this.#options.facts.probes.includes(detail);
    if (this.#t2 !== undefined) {
      if (kind === 'store') return !detail.startsWith(WATCH.low) && detail !== WATCH.aboveVectors;
      return kind === 'fetch' && ofProduction && !PANIC_FUNCTIONS.includes(detail);
    }
    return this.#handoff === undefined && (kind === 'store' || (kind === 'fetch' && !ofProduction));
  }

  /** What a guest does before its panic is not of the handoff; but only where the panic's beginning can be seen. */
  #precedes(event: MachineEvent): boolean {
    if (this.#isElsewhere(event)) return true;
    if (this.#panics.length > 0 || event.kind === 'reset' || event.kind === 'fault') return false;
    if (this.#path !== 'crash') return !this.#beginsPanic(event);
    if (!this.#options.facts.probes.some((name) => PANIC_FUNCTIONS.includes(name))) return false;
    return !(
      event.kind === 'fetch' ||
      (event.kind === 'interrupt' && VECTORS_OF_PANIC.includes(event.addr ?? 0n))
    );
  }

  #beginsPanic(event: MachineEvent): boolean {
    if (this.#t1 !== undefined) return false;
    if (this.#path !== 'crash')
      return event.kind === 'fetch' && LEAVE_FUNCTIONS[this.#path].includes(event.detail ?? '');
    if (event.kind === 'fetch') return PANIC_FUNCTIONS.includes(event.detail ?? '');
    if (event.kind !== 'interrupt') return false;
    if (event.addr === MACHINE_CHECK) return true;
    // A system reset that another CPU asked for stops a secondary; one from outside is a trigger.
    return event.addr === SYSTEM_RESET && this.#resets.delete(event.cpu);
  }

  /** The new kernel: whatever part of the image is neither that of the entry nor data; the entry's, where it is alone. */
  #isKernel(raddr: number): boolean {
    const { image } = this.#options;
    if (image === undefined) return false;
    const holds = (at: number) => image.segments.find(({ mem, memsz }) => at >= mem && at < mem + memsz);
    const segment = holds(raddr);
    if (segment === undefined) return false;
    return segment !== holds(image.load.entry) || segment.role === 'kernel';
  }

  /**
   * A CPU that waits in the copy at 0, or runs the new kernel, is there already: when what it executes was translated
   * anew, after a store there or a call of RTAS, it seems to come once more.
   */
  #stays({ kind, cpu, detail = '', regs }: MachineEvent): boolean {
    if (kind !== 'fetch') return false;
    if (detail.startsWith(WATCH.segment('')) && cpu === this.#t2?.cpu) return true;
    if (detail !== WATCH.low) return false;
    const last = this.#events.findLast((event) => event.cpu === cpu && event.kind !== 'run');
    if (last?.detail !== WATCH.low) return false;
    return last.kind === 'store' || last.regs?.raddr === hex64(regs?.raddr ?? 0n);
  }

  /** The entry has a probe and lies in a watched segment: one event is enough. */
  #repeatsEntry(event: MachineEvent): boolean {
    const entry = this.#options.image?.load.entry;
    if (event.kind === 'fetch' && event.detail?.startsWith(WATCH.segment('')) === true)
      if (entry !== undefined && event.regs?.raddr === BigInt(entry)) return true;
    const last = this.#events.at(-1);
    if (event.kind !== 'fetch' || last?.kind !== 'fetch' || last.cpu !== event.cpu) return false;
    const same = last.regs?.raddr === hex64(event.regs?.raddr ?? 0n) && last.insn === event.insn;
    if (!same) return false;
    // Which of the two comes first is the engine's business; the entry's own name is to stay.
    if (event.detail === WATCH.entry) {
      const named = { ...last, detail: WATCH.entry };
      this.#events[this.#events.length - 1] = named;
      this.#mark(event, named);
    }
    return true;
  }

  /** Stores to the next bytes of the same watch by the same CPU are one event, with their length added up. */
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

/** Stores to what a segment begins with. */
function isOfImage(detail: string): boolean {
  return detail.startsWith(WATCH.copied('')) || detail === WATCH.kernelHead;
}
