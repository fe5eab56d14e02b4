/** Removes captures beyond a limit, the oldest first, so that a fleet that crashes all day does not fill the disk. */

import { defined } from '../../base/defined.ts';
import type { Capture } from '../../panic/contract/index.ts';
import type { CaptureReader } from '../http/shared/ports.ts';

export type RetentionLimits = {
  /** Captures kept, of any size. */
  readonly maxCaptures: number;
  /** Bytes of vmcores as written (before pages are shared); absent: no limit. */
  readonly maxVmcoreBytes?: number;
  /** Captures younger than this are always kept; default 10 minutes. */
  readonly minAgeMs?: number;
  /** By the id of a key: captures of that key that are kept. */
  readonly maxOfKey?: ReadonlyMap<string, number>;
};

export type RetentionResult = {
  readonly kept: number;
  readonly removed: readonly string[];
  readonly removedBytes: number;
};

const PAGE = 200;
const MIN_AGE_MS = 10 * 60_000;

/**
 * Walks the captures from the newest and removes what lies beyond a limit.
 * @param now milliseconds since 1970
 */
export async function sweepCaptures(
  captures: Pick<CaptureReader, 'list' | 'remove'>,
  limits: RetentionLimits,
  now: number,
): Promise<RetentionResult> {
  const minAge = limits.minAgeMs ?? MIN_AGE_MS;
  let kept = 0;
  let keptBytes = 0;
  const keptOfKey = new Map<string, number>();
  const doomed: Capture[] = [];
  for await (const capture of newestFirst(captures)) {
    const bytes = capture.vmcore?.bytes ?? 0;
    const key = capture.createdBy?.kind === 'key' ? capture.createdBy.id : '';
    const ofKey = keptOfKey.get(key) ?? 0;
    const fits =
      ofKey < (limits.maxOfKey?.get(key) ?? Number.POSITIVE_INFINITY) &&
      kept < limits.maxCaptures &&
      keptBytes + bytes <= (limits.maxVmcoreBytes ?? Number.POSITIVE_INFINITY);
    const age = now - Date.parse(capture.createdAt);
    // One of the future was made before the clock was set back: its age is not known.
    const young = age >= 0 && age < minAge;
    if (fits || young) {
      kept += 1;
      keptOfKey.set(key, ofKey + 1);
      keptBytes += bytes;
    } else {
      doomed.push(capture);
    }
  }
  // Removed only after the walk: the cursor of a page must not lose its place.
  for (const capture of doomed) await captures.remove(capture.id);
  return {
    kept,
    removed: doomed.map((capture) => capture.id),
    removedBytes: doomed.reduce((sum, capture) => sum + (capture.vmcore?.bytes ?? 0), 0),
  };
}

async function* newestFirst(captures: Pick<CaptureReader, 'list'>): AsyncGenerator<Capture> {
  let cursor: string | undefined;
  do {
    const page = await captures.list({ limit: PAGE, ...defined({ cursor }) });
    yield* page.items;
    cursor = page.next;
  } while (cursor !== undefined);
}
