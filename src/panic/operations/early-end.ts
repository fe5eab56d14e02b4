/**
 * Ends work before it is done: because it was cancelled, because it took too much host time, or because the service goes
 * down. The work is given an AbortSignal whose reason says which of them it was.
 */

import { OperationFailure } from './operation-failure.ts';

/** Codes are `cancelled`, `host-time-exceeded` and `interrupted`. */
export function cancelled(): OperationFailure {
  return new OperationFailure('cancelled', 'cancelled on request');
}

export function interrupted(): OperationFailure {
  return new OperationFailure('interrupted', 'the service was shut down');
}

export function hostTimeExceeded(seconds: number): OperationFailure {
  return new OperationFailure(
    'host-time-exceeded',
    `not done after ${seconds} s of host time (hostTimeoutSeconds, or --host-timeout, allows more)`,
  );
}

/** Why the work of `signal` is to end; undefined while it may continue. */
export function earlyEnd(signal: AbortSignal | undefined): OperationFailure | undefined {
  if (signal?.aborted !== true) return undefined;
  return signal.reason instanceof OperationFailure ? signal.reason : interrupted();
}

/** The longest time of a timer, 24 days; Node makes one millisecond of more. */
const LONGEST_MS = 2 ** 31 - 1;

/** Aborts with {@link hostTimeExceeded} after `seconds`. @returns the timer, to be cleared when the work is done */
export function abortAfter(abort: AbortController, seconds: number): NodeJS.Timeout {
  return setTimeout(() => abort.abort(hostTimeExceeded(seconds)), Math.min(seconds * 1000, LONGEST_MS));
}

/** Does work that no operation limits, within `seconds` of host time. */
export async function withinHostTime<T>(
  seconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const timer = abortAfter(abort, seconds);
  try {
    return await work(abort.signal);
  } finally {
    clearTimeout(timer);
  }
}
