/**
 * Events of a trace, of one kind each, with what a test cares about. Registers that it does not name are 0; the MSR of a fetch
 * is {@link VIRTUAL}.
 */

import { hex64 } from '../../src/base/hex.ts';
import { MSR, MSR_TRANSLATION } from '../../src/base/power.ts';
import type { HcallName, VcpuState } from '../../src/emulator/contract/index.ts';
import {
  type FunctionName,
  type KernelPlace,
  type Mark,
  type SinglePlace,
  type TraceEvent,
  type TraceEventKind,
  textOf,
} from '../../src/panic/trace/index.ts';

/** MSR of a CPU in real mode, and of one with translation on; both big-endian. */
export const REAL: bigint = MSR.SF | MSR.ME | MSR.RI;
export const VIRTUAL: bigint = REAL | MSR_TRANSLATION;

type Editable<T> = T extends object ? { -readonly [K in keyof T]: Editable<T[K]> } : T;
type Part<E> = E extends TraceEvent ? Editable<Omit<E, 'n' | 'insn' | 'tb' | 'text'>> : never;

type Drafts = { [Kind in TraceEventKind]: Part<Extract<TraceEvent, { kind: Kind }>> };

/** An event without its place in the trace, which a test may change. */
export type Draft<Kind extends TraceEventKind = TraceEventKind> = Drafts[Kind];

type Place = { readonly addr?: bigint; readonly symbol?: string };
type Values<Name extends string> = { readonly [K in Name]?: bigint };

function place({ addr = 0n, symbol }: Place): { addr: string; symbol?: string } {
  return { addr: hex64(addr), ...(symbol === undefined ? {} : { symbol }) };
}

/** A place of which there is one by its name; others by their mark. */
function markOf(mark: Mark | SinglePlace): Editable<Mark> {
  return typeof mark === 'string' ? { at: mark } : { ...mark };
}

export function fetch(
  cpu: number,
  mark: Mark | SinglePlace,
  values: Values<'raddr' | 'r1' | 'r3' | 'r4' | 'r5' | 'r6' | 'lr' | 'msr'> & Place = {},
): Draft<'fetch'> {
  const { raddr = 0n, r1 = 0n, r3 = 0n, r4 = 0n, r5 = 0n, r6 = 0n, lr = 0n, msr = VIRTUAL } = values;
  return {
    kind: 'fetch',
    cpu,
    ...place(values),
    mark: markOf(mark),
    raddr: hex64(raddr),
    regs: {
      r1: hex64(r1),
      r3: hex64(r3),
      r4: hex64(r4),
      r5: hex64(r5),
      r6: hex64(r6),
      lr: hex64(lr),
      msr: hex64(msr),
    },
  };
}

/** A fetch at a function's first instruction. */
export function call(
  cpu: number,
  name: FunctionName,
  kernel: KernelPlace = 'production',
  values: Parameters<typeof fetch>[2] = {},
): Draft<'fetch'> {
  return fetch(cpu, { at: 'function', name, in: kernel }, values);
}

/** @param bytes how many, or the bytes that were stored, hex */
export function store(
  cpu: number,
  mark: Mark | SinglePlace,
  addr: bigint,
  bytes: number | string,
  by: { readonly nia?: bigint; readonly symbol?: string } = {},
): Draft<'store'> {
  return {
    kind: 'store',
    cpu,
    addr: hex64(addr),
    mark: markOf(mark),
    length: typeof bytes === 'number' ? bytes : bytes.length / 2,
    ...(typeof bytes === 'number' ? {} : { new: bytes }),
    ...(by.symbol === undefined ? {} : { symbol: by.symbol }),
    ...(by.nia === undefined ? {} : { regs: { nia: hex64(by.nia), r3: hex64(0n) } }),
  };
}

export function msr(cpu: number, before: bigint, after: bigint, r3?: bigint): Draft<'msr'> {
  return {
    kind: 'msr',
    cpu,
    ...place({}),
    regs: { before: hex64(before), after: hex64(after), ...(r3 === undefined ? {} : { r3: hex64(r3) }) },
  };
}

export function hcall(
  cpu: number,
  name: HcallName,
  values: Values<'r4' | 'r5' | 'r6' | 'r7' | 'r8' | 'status'> & Place = {},
): Draft<'hcall'> {
  const { r4 = 0n, r5 = 0n, r6 = 0n, r7 = 0n, r8 = 0n, status = 0n } = values;
  return {
    kind: 'hcall',
    cpu,
    ...place(values),
    name,
    opcode: 0,
    regs: { r4: hex64(r4), r5: hex64(r5), r6: hex64(r6), r7: hex64(r7), r8: hex64(r8) },
    status: hex64(status),
  };
}

export function interrupt(
  cpu: number,
  vector: number,
  values: Values<'srr0' | 'srr1' | 'r1' | 'dar' | 'dsisr'> & { readonly symbol?: string } = {},
): Draft<'interrupt'> {
  const { srr0 = 0n, srr1 = 0n, r1 = 0n, dar = 0n, dsisr = 0n, symbol } = values;
  return {
    kind: 'interrupt',
    cpu,
    ...place({ addr: BigInt(vector), ...(symbol === undefined ? {} : { symbol }) }),
    vector,
    regs: { srr0: hex64(srr0), srr1: hex64(srr1), r1: hex64(r1), dar: hex64(dar), dsisr: hex64(dsisr) },
  };
}

export function eoi(cpu: number, source: number): Draft<'eoi'> {
  return { kind: 'eoi', cpu, controller: 'xics', source };
}

export function rtas(cpu: number, name: string): Draft<'rtas'> {
  return { kind: 'rtas', cpu, name, args: [] };
}

export function census(cpu: number, state: VcpuState, symbol: string): Draft<'census'> {
  return {
    kind: 'census',
    cpu,
    ...place({ symbol }),
    state,
    regs: { msr: hex64(0n), r3: hex64(0n) },
  };
}

export function firstWrite(disk = 0): Draft<'disk'> {
  return { kind: 'disk', cpu: -1, write: 'first', disk, offset: 0, length: 512 };
}

export function operatorReset(cpu: number): Draft<'reset'> {
  return { kind: 'reset', cpu };
}

/** A byte that was inverted on purpose. */
export function flip(raddr: bigint): Draft<'fault'> {
  return {
    kind: 'fault',
    cpu: -1,
    name: 'flip',
    damage: { kind: 'flip', raddr: hex64(raddr), old: 0, new: 255 },
  };
}

/** The event at its place in a trace. */
export function eventOf(draft: Draft, n: number, insn: number, tb: string): TraceEvent {
  const event = { ...draft, n, insn, tb };
  return { ...event, text: textOf(event) };
}
