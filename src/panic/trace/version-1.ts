/**
 * Converts traces of version 1, which stores of earlier releases hold, to version 2. In version 1 an event is a kind, an address,
 * registers by name and a text that programs had to compare. REST serves a stored trace unchanged; kdumpd reads it as version 2.
 * Version 1 lacks, so that it is absent after conversion: the new bytes of stores, who requested a system reset, ends of
 * interrupts, dropped events. Left out: `old` of a store, which is that of the first store only where several were joined.
 */

import { syscallResultText } from '../../base/errno.ts';
import { HCALL_NAMES, RUN_CHANGES } from '../../emulator/contract/index.ts';
import type { Trace } from './document.ts';
import type { LoadSegment, MoreEvents, TraceEvent, TraceEventKind } from './event.ts';
import { FUNCTIONS, type Mark } from './mark.ts';
import { SEGMENT_ROLES } from './segment-role.ts';
import { textOf, type Wordless } from './words.ts';

export type EventV1 = {
  readonly n: number;
  readonly cpu: number;
  readonly insn: number;
  readonly tb: string;
  readonly kind: string;
  readonly addr?: string;
  readonly symbol?: string;
  readonly regs?: Readonly<Record<string, string>>;
  readonly detail?: string;
};

export type TraceV1 = Omit<Trace, 'version' | 'events' | 'more'> & {
  readonly version: 1;
  readonly events: readonly EventV1[];
};

/** A stored trace of either version. */
export type StoredTrace = Trace | TraceV1;

/** @returns the trace in version 2. An event that version 2 cannot express is counted in `more`. */
export function upgradeTrace(trace: StoredTrace): Trace {
  if (trace.version === 2) return trace;
  const events: TraceEvent[] = [];
  const lost: EventV1[] = [];
  for (const event of trace.events) {
    const upgraded = upgradeEvent(event);
    if (upgraded === undefined) lost.push(event);
    else events.push({ ...upgraded, text: textOf(upgraded) });
  }
  return { ...trace, version: 2, events, ...(lost.length === 0 ? {} : { more: countEvents(lost) }) };
}

/** Kinds of version 1 that version 2 has, too. */
const KINDS = [
  'fetch',
  'store',
  'msr',
  'hcall',
  'rtas',
  'interrupt',
  'syscall',
  'reset',
  'run',
  'disk',
  'fault',
] as const satisfies readonly TraceEventKind[];

function kindOf(event: EventV1): (typeof KINDS)[number] | undefined {
  return KINDS.find((each) => each === event.kind);
}

function countEvents(events: readonly EventV1[]): readonly MoreEvents[] {
  const counts = new Map<string, { -readonly [Key in keyof MoreEvents]: MoreEvents[Key] }>();
  for (const event of events) {
    const { cpu } = event;
    const kind = kindOf(event);
    const key = `${cpu} ${kind}`;
    const found = counts.get(key);
    if (found === undefined) counts.set(key, { cpu, ...(kind === undefined ? {} : { kind }), count: 1 });
    else found.count += 1;
  }
  return [...counts.values()];
}

const STATES = ['stopped', 'running', 'ceded', 'parked', 'wedged'] as const;

/** @returns undefined where version 2 cannot express it, or a register that it needs is missing */
function upgradeEvent(event: EventV1): Wordless | undefined {
  switch (kindOf(event)) {
    case 'fetch':
      return upgradeFetch(event);
    case 'store':
      return upgradeStore(event);
    case 'msr':
      return upgradeMsr(event);
    case 'hcall':
      return upgradeHcall(event);
    case 'rtas':
      return upgradeRtas(event);
    case 'interrupt':
      return upgradeInterrupt(event);
    case 'syscall':
      return event.detail === 'kexec_load result' ? upgradeReturn(event) : upgradeSyscall(event);
    case 'reset':
      return { ...commonOf(event), kind: 'reset' };
    case 'run':
      return upgradeRun(event);
    case 'disk':
      return upgradeDisk(event);
    case 'fault':
      return upgradeFault(event);
    case undefined:
      return undefined;
  }
}

function upgradeFetch(event: EventV1): Wordless | undefined {
  const [mark, place] = [markOf(event.detail), placeOf(event)];
  const found = registersOf(event, ['r1', 'r3', 'r4', 'r5', 'r6', 'lr', 'msr', 'raddr']);
  if (mark === undefined || place === undefined || found === undefined) return undefined;
  const { raddr, ...regs } = found;
  return { ...commonOf(event), kind: 'fetch', ...place, mark, raddr, regs };
}

function upgradeStore(event: EventV1): Wordless | undefined {
  const [mark, place] = [markOf(event.detail), placeOf(event)];
  const size = registersOf(event, ['length']);
  if (mark === undefined || place === undefined || size === undefined) return undefined;
  const regs = registersOf(event, ['nia', 'r3']);
  const by = regs === undefined ? {} : { regs };
  return { ...commonOf(event), kind: 'store', ...place, mark, length: numberOf(size.length), ...by };
}

function upgradeMsr(event: EventV1): Wordless | undefined {
  const [place, regs] = [placeOf(event), registersOf(event, ['before', 'after'])];
  if (place === undefined || regs === undefined) return undefined;
  return {
    ...commonOf(event),
    kind: 'msr',
    ...place,
    regs: { ...regs, ...registersOf(event, ['r3']) },
  };
}

/** A hypercall without a name has its opcode in words. */
function upgradeHcall(event: EventV1): Wordless | undefined {
  const [place, regs] = [placeOf(event), registersOf(event, ['r4', 'r5', 'r6', 'r7', 'r8'])];
  const call = registersOf(event, ['opcode']);
  if (place === undefined || regs === undefined || call === undefined) return undefined;
  const name = HCALL_NAMES.find((each) => each === event.detail);
  return {
    ...commonOf(event),
    kind: 'hcall',
    ...place,
    ...(name === undefined ? {} : { name }),
    opcode: numberOf(call.opcode),
    regs,
    ...registersOf(event, ['status']),
  };
}

function upgradeRtas(event: EventV1): Wordless | undefined {
  const { detail: name, regs = {} } = event;
  if (name === undefined) return undefined;
  const args: number[] = [];
  for (let value = regs.arg0; value !== undefined; value = regs[`arg${args.length}`])
    args.push(numberOf(value));
  return { ...commonOf(event), kind: 'rtas', name, args };
}

function upgradeInterrupt(event: EventV1): Wordless | undefined {
  const [place, regs] = [placeOf(event), registersOf(event, ['srr0', 'srr1', 'r1', 'dar', 'dsisr'])];
  if (place === undefined || regs === undefined) return undefined;
  return { ...commonOf(event), kind: 'interrupt', ...place, vector: numberOf(place.addr), regs };
}

function upgradeSyscall(event: EventV1): Wordless | undefined {
  const [place, found] = [placeOf(event), registersOf(event, ['entry', 'flags', 'segments'])];
  if (event.detail !== 'kexec_load' || place === undefined || found === undefined) return undefined;
  const { entry, flags, segments: said } = found;
  const segments = segmentsOf(event, numberOf(said));
  return {
    ...commonOf(event),
    kind: 'syscall',
    ...place,
    name: 'kexec_load',
    entry,
    flags,
    ...(segments === undefined ? {} : { segments }),
  };
}

/** @returns undefined where one of the segments that the call names was not read */
function segmentsOf(event: EventV1, count: number): readonly LoadSegment[] | undefined {
  const segments: LoadSegment[] = [];
  for (let i = 0; i < count; i++) {
    const mem = event.regs?.[`seg${i}_mem`];
    const memsz = event.regs?.[`seg${i}_memsz`];
    const bufsz = event.regs?.[`seg${i}_bufsz`];
    if (mem === undefined || memsz === undefined || bufsz === undefined) return undefined;
    segments.push({ mem, memsz: numberOf(memsz), bufsz: numberOf(bufsz) });
  }
  return segments;
}

function upgradeReturn(event: EventV1): Wordless | undefined {
  const [place, found] = [placeOf(event), registersOf(event, ['r3', 'so'])];
  if (place === undefined || found === undefined) return undefined;
  const { r3, so } = found;
  const result = syscallResultText(BigInt(r3), BigInt(so) !== 0n);
  return { ...commonOf(event), kind: 'syscall-return', ...place, name: 'kexec_load', result, regs: { r3 } };
}

/** A census was a `run` event whose text says a state, such as `is parked`. */
function upgradeRun(event: EventV1): Wordless | undefined {
  const [place, regs] = [placeOf(event), registersOf(event, ['msr', 'r3'])];
  if (place === undefined || regs === undefined) return undefined;
  const change = RUN_CHANGES.find((each) => each === event.detail);
  if (change !== undefined) return { ...commonOf(event), kind: 'run', ...place, change, regs };
  const state = STATES.find((each) => event.detail === `is ${each}`);
  return state === undefined ? undefined : { ...commonOf(event), kind: 'census', ...place, state, regs };
}

const WRITES = ['first', 'last'] as const;

function upgradeDisk(event: EventV1): Wordless | undefined {
  const found = registersOf(event, ['disk', 'offset', 'length']);
  const write = WRITES.find((each) => event.detail === `${each} write`);
  if (found === undefined || write === undefined) return undefined;
  const [disk, offset, length] = [numberOf(found.disk), numberOf(found.offset), numberOf(found.length)];
  return { ...commonOf(event), kind: 'disk', write, disk, offset, length };
}

function upgradeFault(event: EventV1): Wordless | undefined {
  const { detail: name, addr } = event;
  if (name === undefined || addr === undefined) return undefined;
  const flip = registersOf(event, ['old', 'new']);
  if (flip !== undefined)
    return {
      ...commonOf(event),
      kind: 'fault',
      name,
      damage: { kind: 'flip', raddr: addr, old: numberOf(flip.old), new: numberOf(flip.new) },
    };
  const wedge = registersOf(event, ['msr', 'r1']);
  if (wedge === undefined) return undefined;
  return { ...commonOf(event), kind: 'fault', name, damage: { kind: 'wedge', addr, ...wedge } };
}

function commonOf({ n, cpu, insn, tb }: EventV1): Pick<TraceEvent, 'n' | 'cpu' | 'insn' | 'tb'> {
  return { n, cpu, insn, tb };
}

function placeOf({ addr, symbol }: EventV1): { addr: string; symbol?: string } | undefined {
  if (addr === undefined) return undefined;
  return symbol === undefined ? { addr } : { addr, symbol };
}

/** @returns undefined where one of them is missing */
function registersOf<Name extends string>(
  { regs = {} }: EventV1,
  names: readonly Name[],
): Record<Name, string> | undefined {
  const found: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = regs[name];
    if (value === undefined) return undefined;
    found[name] = value;
  }
  return found as Record<Name, string>;
}

function numberOf(hex: string): number {
  return Number(BigInt(hex));
}

const SINGLE: ReadonlyMap<string, Mark> = new Map([
  ['entry', { at: 'entry' }],
  ['low 0x100', { at: 'low' }],
  ['above the vectors', { at: 'above-vectors' }],
  ['run at load', { at: 'run-at-load' }],
  ['boot cpu', { at: 'boot-cpu' }],
  ['head of the kernel', { at: 'kernel-head' }],
]);

/** The place that a text of version 1 names. */
function markOf(detail = ''): Mark | undefined {
  const single = SINGLE.get(detail);
  if (single !== undefined) return single;
  const note = /^note of cpu (\d+)$/.exec(detail);
  if (note !== null) return { at: 'note', cpu: Number(note[1]) };
  const part = /^(segment|copy of) (\w+)$/.exec(detail);
  const role = SEGMENT_ROLES.find((each) => each === part?.[2]);
  if (role !== undefined) return { at: part?.[1] === 'segment' ? 'segment' : 'copy', role };
  const [, prefix, called] = /^(?:(crash kernel|at address 0): )?(\w+)$/.exec(detail) ?? [];
  const name = FUNCTIONS.find((each) => each === called);
  if (name === undefined) return undefined;
  return {
    at: 'function',
    name,
    in: prefix === undefined ? 'production' : prefix === 'crash kernel' ? 'crash' : 'moved',
  };
}
