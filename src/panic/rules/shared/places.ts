/**
 * What a CPU does at places that more than one rule asks for. Each question can be asked of events and of counts of
 * dropped events.
 */

import { VECTOR } from '../../../base/power.ts';
import {
  calls,
  EARLY_FUNCTIONS,
  type EventSort,
  type FetchEvent,
  FUNCTIONS,
  fetchesAt,
  type InterruptEvent,
  JOINING_FUNCTIONS,
  type StoreEvent,
  storesAt,
  type TraceEvent,
} from '../../trace/index.ts';

/** A CPU executes the copy at 0. */
export function isInCopy(event: EventSort): boolean {
  return fetchesAt(event, 'low');
}

/** The new kernel moves itself: it writes above the vectors, or executes its own code at address 0. */
export function isMove(event: TraceEvent): event is StoreEvent | FetchEvent;
export function isMove(event: EventSort): boolean;
export function isMove(event: EventSort): boolean {
  return event.cpu >= 0 && (storesAt(event, 'above-vectors') || calls(event, FUNCTIONS, 'moved'));
}

/** The new kernel executes its early code in its segment: it runs where it was loaded. */
export function runsInPlace(event: EventSort): boolean {
  return calls(event, [...EARLY_FUNCTIONS, ...JOINING_FUNCTIONS], 'crash');
}

/** A CPU stores to the first bytes of a segment, whichever watch sees it. */
export function isCopy(event: TraceEvent): event is StoreEvent;
export function isCopy(event: EventSort): boolean;
export function isCopy(event: EventSort): boolean {
  return event.cpu >= 0 && (storesAt(event, 'copy') || storesAt(event, 'kernel-head'));
}

/** A CPU stores to the first bytes of the new kernel, but not to the word at 0x5c, which is a place of its own. */
export function isHeadStore(event: TraceEvent): event is StoreEvent;
export function isHeadStore(event: EventSort): boolean;
export function isHeadStore(event: EventSort): boolean {
  return (
    event.cpu >= 0 && (storesAt(event, 'kernel-head') || storesAt(event, { at: 'copy', role: 'kernel' }))
  );
}

/** A secondary is stopped: by a system reset, or by the kernel's handler of its own interrupt for this. */
export function isStop(event: TraceEvent): event is InterruptEvent | FetchEvent {
  if (event.kind === 'interrupt') return event.vector === VECTOR.systemReset;
  return calls(event, 'crash_ipi_callback');
}

/** As {@link isStop}, of dropped events: they are counted by vector, in hex. */
export function mayBeStop(sort: EventSort): boolean {
  const { kind, name } = sort;
  if (kind === 'interrupt') return name === undefined || Number(name) === VECTOR.systemReset;
  return calls(sort, 'crash_ipi_callback');
}

/** The number that a store left at its place, as far as its bytes are known. */
export function storedBytes({ new: bytes, length }: StoreEvent): Buffer | undefined {
  if (bytes === undefined) return undefined;
  return Buffer.from(bytes, 'hex').subarray(0, length);
}
