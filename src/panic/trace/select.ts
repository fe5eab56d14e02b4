/**
 * Tests events for rules, facts and formats: is it a call of this function, a store to that place? The tests also work on a
 * count of dropped events, so that a rule can apply one test to both.
 */

import type { HcallName } from '../../emulator/contract/index.ts';
import type { FetchEvent, HcallEvent, MoreEvents, StoreEvent, TraceEvent } from './event.ts';
import type { FunctionName, KernelPlace, Mark, MarkPlace } from './mark.ts';

/** What an event and a count of dropped events ({@link MoreEvents}) have in common. */
export type EventSort = Omit<MoreEvents, 'count' | 'since'>;

/** A fetch at the first instruction of a function. */
export type CallEvent = FetchEvent & { readonly mark: Extract<Mark, { at: 'function' }> };

/** A call of one of these functions of the kernel that is left, or, with `place`, of the next kernel. */
export function calls(
  event: TraceEvent,
  names: FunctionName | readonly FunctionName[],
  place?: KernelPlace | readonly KernelPlace[],
): event is CallEvent;
export function calls(
  event: EventSort,
  names: FunctionName | readonly FunctionName[],
  place?: KernelPlace | readonly KernelPlace[],
): boolean;
export function calls(
  event: EventSort,
  names: FunctionName | readonly FunctionName[],
  place: KernelPlace | readonly KernelPlace[] = 'production',
): boolean {
  const { kind, mark } = event;
  return kind === 'fetch' && mark?.at === 'function' && isOf(mark.in, place) && isOf(mark.name, names);
}

/** A fetch at a place: a mark, or any mark of this name. */
export function fetchesAt(event: TraceEvent, at: Mark | MarkPlace): event is FetchEvent;
export function fetchesAt(event: EventSort, at: Mark | MarkPlace): boolean;
export function fetchesAt({ kind, mark }: EventSort, at: Mark | MarkPlace): boolean {
  return kind === 'fetch' && mark !== undefined && lies(mark, at);
}

/** A store to a place: a mark, or any mark of this name. */
export function storesAt(event: TraceEvent, at: Mark | MarkPlace): event is StoreEvent;
export function storesAt(event: EventSort, at: Mark | MarkPlace): boolean;
export function storesAt({ kind, mark }: EventSort, at: Mark | MarkPlace): boolean {
  return kind === 'store' && mark !== undefined && lies(mark, at);
}

/** A hypercall of one of these names. */
export function hypercalls(event: TraceEvent, names: HcallName | readonly HcallName[]): event is HcallEvent;
export function hypercalls(event: EventSort, names: HcallName | readonly HcallName[]): boolean;
export function hypercalls({ kind, name }: EventSort, names: HcallName | readonly HcallName[]): boolean {
  const wanted: readonly string[] = typeof names === 'string' ? [names] : names;
  return kind === 'hcall' && name !== undefined && wanted.includes(name);
}

/** Whether two marks name the same place. */
export function isMark(a: Mark, b: Mark): boolean {
  switch (a.at) {
    case 'function':
      return b.at === 'function' && a.name === b.name && a.in === b.in;
    case 'segment':
    case 'copy':
      return b.at === a.at && a.role === b.role;
    case 'note':
      return b.at === 'note' && a.cpu === b.cpu;
    default:
      return a.at === b.at;
  }
}

function lies(mark: Mark, at: Mark | MarkPlace): boolean {
  return typeof at === 'string' ? mark.at === at : isMark(mark, at);
}

function isOf<Name extends string>(name: Name, names: Name | readonly Name[]): boolean {
  return typeof names === 'string' ? name === names : names.includes(name);
}
