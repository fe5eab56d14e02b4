/** Ranges of real addresses. */

import { EA_REGION } from '../../../base/power.ts';
import type { LoadFacts, RangeFact, SegmentRole } from '../../trace/index.ts';

/** `end` is the first address behind it. */
export type Span = { readonly start: bigint; readonly end: bigint };

export function spanOf({ start, bytes }: RangeFact): Span {
  return { start: BigInt(start), end: BigInt(start) + BigInt(bytes) };
}

/** A segment as a range. */
export function segmentSpan(segment: { readonly mem: string; readonly bytes: number }): Span {
  return spanOf({ start: segment.mem, bytes: segment.bytes });
}

/** The first segment of a role. */
export function segmentOf(load: LoadFacts | undefined, role: SegmentRole): Span | undefined {
  const segment = load?.segments.find((each) => each.role === role);
  return segment === undefined ? undefined : segmentSpan(segment);
}

/** The real address of an effective one in the linear map or in real mode. */
export function realOf(ea: bigint): bigint {
  return ea & ~EA_REGION;
}

export function overlaps(a: Span, b: Span): boolean {
  return a.start < b.end && b.start < a.end;
}

export function within(inner: Span, outer: Span): boolean {
  return inner.start >= outer.start && inner.end <= outer.end;
}

export function holds(span: Span, at: bigint): boolean {
  return at >= span.start && at < span.end;
}

/** What of `whole` lies in none of `parts`. */
export function remainder(whole: readonly Span[], parts: readonly Span[]): readonly Span[] {
  let left = [...whole];
  for (const part of parts)
    left = left.flatMap((span) =>
      overlaps(span, part)
        ? [
            { start: span.start, end: later(span.start, part.start) },
            { start: earlier(span.end, part.end), end: span.end },
          ].filter(({ start, end }) => start < end)
        : [span],
    );
  return left;
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** `0x…–0x…`, with the last address. */
export function nameSpan({ start, end }: Span): string {
  return `0x${start.toString(16)}–0x${(end - 1n).toString(16)}`;
}
