/** Which event is it: questions that rules, facts and formats ask of events. */

import type { FetchEvent, StoreEvent, TraceEvent } from './event.ts';
import type { FunctionName, KernelPlace, Mark } from './mark.ts';

/** A call of one of these functions of the kernel that is left, or, with `place`, of the next kernel. */
export function calls(
  event: TraceEvent,
  names: FunctionName | readonly FunctionName[],
  place: KernelPlace = 'production',
): event is FetchEvent {
  if (event.kind !== 'fetch' || event.mark.at !== 'function' || event.mark.in !== place) return false;
  return typeof names === 'string' ? event.mark.name === names : names.includes(event.mark.name);
}

/** A fetch at a place. */
export function fetchesAt(event: TraceEvent, mark: Mark): event is FetchEvent {
  return event.kind === 'fetch' && isMark(event.mark, mark);
}

/** A store to a place. */
export function storesAt(event: TraceEvent, mark: Mark): event is StoreEvent {
  return event.kind === 'store' && isMark(event.mark, mark);
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
