/** A machine event as a trace shows it: numbers as text, addresses with their names. */

import { hex64 } from '../../base/hex.ts';
import type { MachineEvent } from '../../emulator/host/index.ts';
import type { Instant, TraceEvent } from '../trace/index.ts';

const MSR_PR = 0x4000n;

/** @param n its number; @param nameOf the name of an instruction's address as things stand now */
export function tracedEvent(
  event: MachineEvent,
  n: number,
  nameOf: (address: bigint) => string | undefined,
): TraceEvent {
  const symbol = symbolOf(event, nameOf);
  return {
    n,
    cpu: event.cpu,
    insn: event.insn,
    tb: hex64(event.tb),
    kind: event.kind,
    ...(event.addr === undefined ? {} : { addr: hex64(event.addr) }),
    ...(symbol === undefined ? {} : { symbol }),
    ...(event.regs === undefined ? {} : { regs: hexRegs(regsOf(event, event.regs)) }),
    ...(event.detail === undefined ? {} : { detail: event.detail }),
  };
}

/** Two stores to bytes that follow each other as one; undefined: they do not. */
export function joined(last: TraceEvent | undefined, event: TraceEvent): TraceEvent | undefined {
  if (event.kind !== 'store' || last?.kind !== 'store') return undefined;
  if (last.cpu !== event.cpu || last.detail !== event.detail) return undefined;
  if (last.addr === undefined || event.addr === undefined) return undefined;
  const length = BigInt(last.regs?.length ?? 0);
  if (BigInt(last.addr) + length !== BigInt(event.addr)) return undefined;
  return { ...last, regs: { ...last.regs, length: hex64(length + BigInt(event.regs?.length ?? 0)) } };
}

/** The code that did it: for a store the instruction, for an interrupt what it interrupted. */
function symbolOf(event: MachineEvent, nameOf: (address: bigint) => string | undefined): string | undefined {
  const { regs } = event;
  const address = event.kind === 'store' ? regs?.nia : event.kind === 'interrupt' ? regs?.srr0 : event.addr;
  if (address === undefined || event.kind === 'disk') return undefined;
  const msr = event.kind === 'interrupt' ? regs?.srr1 : regs?.msr;
  if (msr !== undefined && (msr & MSR_PR) !== 0n) return undefined;
  return nameOf(address);
}

/** `{ NAME: … }` of the event; empty without one. */
export function instant<Name extends string>(
  name: Name,
  event: TraceEvent | undefined,
): { [key in Name]?: Instant } {
  if (event === undefined) return {};
  return { [name]: { event: event.n, insn: event.insn, tb: event.tb, cpu: event.cpu } } as {
    [key in Name]: Instant;
  };
}

/** A change of the MSR is told by the instruction that makes it; behind it, a CPU may be anywhere. */
function regsOf(
  { kind, addr }: MachineEvent,
  regs: Readonly<Record<string, bigint>>,
): Readonly<Record<string, bigint>> {
  return kind === 'msr' && addr !== undefined ? { ...regs, nia: addr } : regs;
}

function hexRegs(regs: Readonly<Record<string, bigint>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(regs).map(([name, value]) => [name, hex64(value)]));
}
