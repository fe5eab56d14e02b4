/**
 * Reports of memory and registers (src/panic/fidelity): why there is none, changes in words, and the marks that late
 * secondaries leave in the copy at 0.
 */

import {
  type ChangeFact,
  type EventSort,
  type FidelityReport,
  type StoreEvent,
  type StrayFact,
  storesAt,
  type WriterFact,
} from '../../trace/index.ts';
import { masterOf } from './cpus.ts';
import { notKept } from './dropped.ts';
import type { Judgement, RuleInput } from './input.ts';
import { eventsIn, inPurgatory } from './stretches.ts';
import { verdict } from './verdict.ts';

const NAMED = 4;
/** Secondaries execute the copy at 0 up to here. */
const STUB_END = 0x100n;

/** The report, or why there is none. */
export function fidelityOf(input: RuleInput): FidelityReport | Judgement {
  const { fidelity, instants } = input;
  if (instants.t1 === undefined) return verdict('not-reached', 'the image was not entered', [instants.t0]);
  return fidelity ?? verdict('not-evaluated', 'nothing was kept of the machine at T1', [instants.t1]);
}

/** `3 bytes at 0x… by CPU 0 at 0x… (memset+0x10), instruction 77`. */
export function describeChange({ raddr, bytes, writer }: ChangeFact): string {
  const what = `${bytes} ${bytes === 1 ? 'byte' : 'bytes'} at ${raddr}`;
  return writer === undefined ? `${what}, by no write after T1` : `${what} by ${describeWriter(writer)}`;
}

export function describeWriter({ by, cpu, nia, symbol, insn }: WriterFact): string {
  const when = `instruction ${insn}`;
  const code = `CPU ${cpu} at ${nia}${symbol === undefined ? '' : ` (${symbol})`}`;
  switch (by) {
    case 'cpu':
      return `${code}, ${when}`;
    case 'fault':
      return `a fault that was asked for, ${when}`;
    default:
      return cpu < 0 ? `a ${by}, ${when}` : `a ${by} for ${code}, ${when}`;
  }
}

/** The first few, and how many more. */
export function listChanges(changes: readonly ChangeFact[], all: number = changes.length): string {
  const named = changes.slice(0, NAMED).map(describeChange).join('; ');
  return all > NAMED ? `${named}; and ${all - NAMED} more` : named;
}

/** As {@link listChanges}: `the page at 0x… by CPU 0 at …`. */
export function listStrays(strays: readonly StrayFact[]): string {
  const named = strays
    .slice(0, NAMED)
    .map(({ raddr, writer }) => `the page at ${raddr} by ${describeWriter(writer)}`)
    .join('; ');
  return strays.length > NAMED ? `${named}; and ${strays.length - NAMED} more` : named;
}

/**
 * Stores by which secondaries that come to 0x60 after T1, before purgatory has saved it, mark their arrival in the copy
 * at 0: the code there does so (Linux 6.1 head_64.S, __secondary_hold_acknowledge). The saved copy has the marks.
 */
export function lateMarks(input: RuleInput): readonly StoreEvent[] {
  return eventsIn(input, inPurgatory(input))
    .filter((event) => storesAt(event, 'low'))
    .filter((event) => isSecondary(input, event) && BigInt(event.regs?.nia ?? STUB_END) < STUB_END);
}

/** Whether all that is `wrong` may be such marks whose stores were dropped. */
export function mayBeMarks(input: RuleInput, wrong: readonly ChangeFact[]): Judgement | undefined {
  const areLow = wrong.length > 0 && wrong.every(({ raddr }) => BigInt(raddr) < STUB_END);
  return areLow
    ? notKept(input, inPurgatory(input), (sort) => storesAt(sort, 'low') && isSecondary(input, sort))
    : undefined;
}

function isSecondary(input: RuleInput, { cpu }: EventSort): boolean {
  return cpu >= 0 && cpu !== masterOf(input)?.index;
}

/** Whether all that differs was stored by `marks`. */
export function isMarked({ raddr, bytes, span }: ChangeFact, marks: readonly StoreEvent[]): boolean {
  const from = BigInt(raddr);
  for (let at = from; at < from + BigInt(span ?? bytes); at++)
    if (!marks.some((mark) => covers(mark, at))) return false;
  return true;
}

function covers({ addr, length }: StoreEvent, at: bigint): boolean {
  const start = BigInt(addr);
  return at >= start && at < start + BigInt(length);
}
