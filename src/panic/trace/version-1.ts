/**
 * Traces of version 1, which stores of earlier releases hold: an event is a kind, an address, registers by name and a text
 * that programs had to compare. A stored one is served as it was written; programs of ours read it as version 2.
 * What version 1 does not hold is absent then: the new bytes of stores, who asked for a system reset, ends of interrupts.
 */

import { hex64 } from '../../base/hex.ts';
import type { Trace } from './document.ts';
import type { TraceEvent } from './event.ts';
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

/** @returns the trace in version 2. An event that version 2 has no place for is counted in `more`. */
export function upgradeTrace(trace: StoredTrace): Trace {
  if (trace.version === 2) return trace;
  const events: TraceEvent[] = [];
  const more = new Map<number, number>();
  for (const event of trace.events) {
    const upgraded = upgradeEvent(event);
    if (upgraded === undefined) more.set(event.cpu, (more.get(event.cpu) ?? 0) + 1);
    else events.push(upgraded);
  }
  const lost = [...more].map(([cpu, count]) => ({ cpu, kind: 'fetch' as const, count }));
  return { ...trace, version: 2, events, ...(lost.length === 0 ? {} : { more: lost }) };
}

const ZERO = hex64(0n);
const RUN_CHANGES = ['started', 'stopped', 'system reset'] as const;
const STATES = ['stopped', 'running', 'ceded', 'parked', 'wedged'] as const;

function upgradeEvent(event: EventV1): TraceEvent | undefined {
  const typed = typedEvent(event);
  return typed === undefined ? undefined : ({ ...typed, text: textOf(typed) } as TraceEvent);
}

function typedEvent(event: EventV1): Wordless | undefined {
  const { n, cpu, insn, tb, addr = ZERO, detail = '', symbol } = event;
  const common = { n, cpu, insn, tb };
  const place = { addr, ...(symbol === undefined ? {} : { symbol }) };
  const reg = (name: string): string => event.regs?.[name] ?? ZERO;
  const count = (name: string): number => Number(BigInt(reg(name)));
  switch (event.kind) {
    case 'fetch': {
      const mark = markOf(detail);
      if (mark === undefined) return undefined;
      const { r1, r3, r4, r5, r6, lr, msr } = Object.fromEntries(
        ['r1', 'r3', 'r4', 'r5', 'r6', 'lr', 'msr'].map((name) => [name, reg(name)]),
      ) as Record<'r1' | 'r3' | 'r4' | 'r5' | 'r6' | 'lr' | 'msr', string>;
      return {
        ...common,
        kind: 'fetch',
        ...place,
        mark,
        raddr: reg('raddr'),
        regs: { r1, r3, r4, r5, r6, lr, msr },
      };
    }
    case 'store': {
      const mark = markOf(detail);
      if (mark === undefined) return undefined;
      const by = event.regs?.nia === undefined ? {} : { regs: { nia: reg('nia'), r3: reg('r3') } };
      return { ...common, kind: 'store', ...place, mark, length: count('length'), ...by };
    }
    case 'msr':
      return {
        ...common,
        kind: 'msr',
        ...place,
        regs: { before: reg('before'), after: reg('after'), r3: reg('r3') },
      };
    case 'hcall':
      return {
        ...common,
        kind: 'hcall',
        ...place,
        ...nameOfCall(detail),
        opcode: count('opcode'),
        regs: { r4: reg('r4'), r5: reg('r5'), r6: reg('r6'), r7: reg('r7'), r8: reg('r8') },
        status: reg('status'),
      };
    case 'rtas': {
      const names = Object.keys(event.regs ?? {}).filter((name) => name.startsWith('arg'));
      return { ...common, kind: 'rtas', name: detail, args: names.map(count) };
    }
    case 'interrupt':
      return {
        ...common,
        kind: 'interrupt',
        ...place,
        vector: Number(BigInt(addr)),
        regs: {
          srr0: reg('srr0'),
          srr1: reg('srr1'),
          r1: reg('r1'),
          dar: reg('dar'),
          dsisr: reg('dsisr'),
        },
      };
    case 'reset':
      return { ...common, kind: 'reset' };
    case 'run': {
      const regs = { msr: reg('msr'), r3: reg('r3') };
      const change = RUN_CHANGES.find((each) => each === detail);
      if (change !== undefined) return { ...common, kind: 'run', ...place, change, regs };
      const state = STATES.find((each) => `is ${each}` === detail);
      return state === undefined ? undefined : { ...common, kind: 'census', ...place, state, regs };
    }
    case 'disk':
      return {
        ...common,
        kind: 'disk',
        write: detail === 'last write' ? 'last' : 'first',
        disk: count('disk'),
        offset: count('offset'),
        length: count('length'),
      };
    case 'fault':
      return {
        ...common,
        kind: 'fault',
        name: detail,
        damage:
          event.regs?.length === undefined
            ? { kind: 'wedge', addr, msr: reg('msr'), r1: reg('r1') }
            : { kind: 'flip', raddr: addr, old: count('old'), new: count('new') },
      };
    default:
      return undefined;
  }
}

/** An hcall's name in version 1 is the machine's own, or the opcode in hex. */
function nameOfCall(detail: string): { name?: Extract<TraceEvent, { kind: 'hcall' }>['name'] & string } {
  return detail.startsWith('H_')
    ? { name: detail as Extract<TraceEvent, { kind: 'hcall' }>['name'] & string }
    : {};
}

const SINGLE: Readonly<Record<string, Mark>> = {
  entry: { at: 'entry' },
  'low 0x100': { at: 'low' },
  'above the vectors': { at: 'above-vectors' },
  'run at load': { at: 'run-at-load' },
  'boot cpu': { at: 'boot-cpu' },
  'head of the kernel': { at: 'kernel-head' },
};

/** The place that a text of version 1 names. */
function markOf(detail: string): Mark | undefined {
  const single = SINGLE[detail];
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
