/** Converts a machine event to an event of the trace: 64-bit numbers become text, numbers of marks become marks, addresses get names. */

import { syscallResultText } from '../../base/errno.ts';
import { hex64 } from '../../base/hex.ts';
import { MSR } from '../../base/power.ts';
import { type ObservedEvent, STORE_BYTES } from '../../emulator/contract/index.ts';
import { loadFlags, parseKexecLoad } from '../facts/index.ts';
import {
  cpuStateOf,
  isMark,
  type StoreEvent,
  type TraceEvent,
  textOf,
  type Wordless,
} from '../trace/index.ts';
import { markOfId } from './mark-ids.ts';

type NameOf = (address: bigint) => string | undefined;

/** @param n its number; @param nameOf the name of an instruction's address at this point of the handoff */
export function tracedEvent(event: ObservedEvent, n: number, nameOf: NameOf): TraceEvent {
  return withText(typed(event, n, nameOf));
}

/** Two stores to bytes that follow each other as one; undefined: they do not. */
export function joined(last: TraceEvent | undefined, event: TraceEvent): StoreEvent | undefined {
  if (event.kind !== 'store' || last?.kind !== 'store') return undefined;
  if (last.cpu !== event.cpu || !isMark(last.mark, event.mark)) return undefined;
  if (BigInt(last.addr) + BigInt(last.length) !== BigInt(event.addr)) return undefined;
  return withText({
    ...last,
    length: last.length + event.length,
    ...(last.old === undefined ? {} : { old: together(last, last.old, event.old) }),
    ...(last.new === undefined ? {} : { new: together(last, last.new, event.new) }),
  }) as StoreEvent;
}

/** The first bytes of both stores; where the first one's are cut off, nothing follows them. */
function together({ length }: StoreEvent, first: string, second = ''): string {
  return first.length === 2 * length ? `${first}${second}`.slice(0, 2 * STORE_BYTES) : first;
}

function withText(event: Wordless): TraceEvent {
  return { ...event, text: textOf(event) } as TraceEvent;
}

function typed(event: ObservedEvent, n: number, nameOf: NameOf): Wordless {
  const common = { n, cpu: event.cpu, insn: event.insn, tb: hex64(event.tb) };
  switch (event.kind) {
    case 'fetch':
      return {
        ...common,
        kind: 'fetch',
        ...place(event.ea, nameOf, event.regs.msr),
        mark: markOfId(event.mark),
        raddr: hex64(event.raddr),
        regs: hexAll(event.regs),
      };
    case 'store':
      return {
        ...common,
        kind: 'store',
        addr: hex64(event.raddr),
        mark: markOfId(event.mark),
        length: event.length,
        old: hexBytes(event.old),
        new: hexBytes(event.new),
        ...symbol(event.by?.nia, nameOf),
        ...(event.by === undefined ? {} : { regs: hexAll(event.by) }),
      };
    case 'msr':
      return {
        ...common,
        kind: 'msr',
        ...place(event.ea, nameOf),
        regs: hexAll({ before: event.before, after: event.after, r3: event.r3 }),
      };
    case 'hcall': {
      const [r4 = 0n, r5 = 0n, r6 = 0n, r7 = 0n, r8 = 0n] = event.args;
      return {
        ...common,
        kind: 'hcall',
        ...place(event.ea, nameOf),
        ...(event.name === undefined ? {} : { name: event.name }),
        opcode: event.opcode,
        regs: hexAll({ r4, r5, r6, r7, r8 }),
        ...(event.status === undefined ? {} : { status: hex64(event.status) }),
      };
    }
    case 'rtas':
      return {
        ...common,
        kind: 'rtas',
        name: event.name,
        args: event.args,
        ...(event.message === undefined ? {} : { message: event.message }),
      };
    case 'interrupt':
      return {
        ...common,
        kind: 'interrupt',
        addr: hex64(event.vector),
        ...symbol(event.regs.srr0, nameOf, event.regs.srr1),
        vector: event.vector,
        ...(event.requestedBy === undefined ? {} : { requestedBy: event.requestedBy }),
        regs: hexAll(event.regs),
      };
    case 'eoi':
      return {
        ...common,
        kind: 'eoi',
        controller: event.controller,
        source: event.source,
        ...(event.cppr === undefined ? {} : { cppr: event.cppr }),
      };
    case 'syscall': {
      const load = parseKexecLoad(event);
      return {
        ...common,
        kind: 'syscall',
        ...place(event.ea, nameOf, MSR.PR),
        name: 'kexec_load',
        entry: hex64(event.args[0] ?? 0n),
        flags: hex64(loadFlags(event)),
        ...(load === undefined
          ? {}
          : {
              segments: load.segments.map(({ mem, memsz, bufsz }) => ({ mem: hex64(mem), memsz, bufsz })),
            }),
      };
    }
    case 'syscall-return':
      return {
        ...common,
        kind: 'syscall-return',
        ...place(event.ea, nameOf, MSR.PR),
        name: 'kexec_load',
        result: syscallResultText(event.r3, event.so),
        regs: { r3: hex64(event.r3) },
      };
    case 'reset':
      return { ...common, kind: 'reset' };
    case 'run':
      return {
        ...common,
        kind: 'run',
        ...place(event.ea, nameOf, event.msr),
        change: event.change,
        regs: hexAll({ msr: event.msr, r3: event.r3 }),
      };
    case 'census':
      return {
        ...common,
        kind: 'census',
        ...place(event.ea, nameOf, event.msr),
        state: cpuStateOf(event.state, event.ea, event.msr),
        regs: hexAll({ msr: event.msr, r3: event.r3 }),
      };
    case 'disk': {
      const { write, disk, offset, length } = event;
      return { ...common, kind: 'disk', write, disk, offset, length };
    }
    case 'fault': {
      const { damage, name } = event;
      return {
        ...common,
        kind: 'fault',
        name,
        damage:
          damage.kind === 'flip'
            ? { ...damage, raddr: hex64(damage.raddr) }
            : { kind: 'wedge', addr: hex64(damage.ea), ...hexAll({ msr: damage.msr, r1: damage.r1 }) },
      };
    }
  }
}

/** @param msr of the code; a user program's addresses have no names here */
function place(ea: bigint, nameOf: NameOf, msr = 0n): { addr: string; symbol?: string } {
  return { addr: hex64(ea), ...symbol(ea, nameOf, msr) };
}

function symbol(ea: bigint | undefined, nameOf: NameOf, msr = 0n): { symbol?: string } {
  const name = ea === undefined || (msr & MSR.PR) !== 0n ? undefined : nameOf(ea);
  return name === undefined ? {} : { symbol: name };
}

function hexAll<Name extends string>(regs: Readonly<Record<Name, bigint>>): Record<Name, string> {
  return Object.fromEntries(
    Object.entries<bigint>(regs).map(([name, value]) => [name, hex64(value)]),
  ) as Record<Name, string>;
}

function hexBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
