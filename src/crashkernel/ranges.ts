/**
 * Sets of real addresses as ascending lists of ranges that neither touch nor overlap. Addresses are numbers (exact up
 * to 2^53), ends are exclusive.
 */

/** `[start, end)`. */
export type Range = { readonly start: number; readonly end: number };

export const PAGE = 0x10000;

/** In order, without empty ranges; what touches or overlaps is joined. */
export function mergeRanges(ranges: readonly Range[]): Range[] {
  const out: Range[] = [];
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    if (range.end <= range.start) continue;
    const last = out.at(-1);
    if (last !== undefined && range.start <= last.end)
      out[out.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
    else out.push(range);
  }
  return out;
}

/** What is in `ranges` and not in `holes`. */
export function subtractRanges(ranges: readonly Range[], holes: readonly Range[]): Range[] {
  let left = mergeRanges(ranges);
  for (const hole of holes) {
    if (hole.end <= hole.start) continue;
    left = left.flatMap((range) => [
      { start: range.start, end: Math.min(range.end, hole.start) },
      { start: Math.max(range.start, hole.end), end: range.end },
    ]);
    left = left.filter((range) => range.end > range.start);
  }
  return mergeRanges(left);
}

/** What is in both. */
export function intersectRanges(a: readonly Range[], b: readonly Range[]): Range[] {
  return mergeRanges(
    a.flatMap((x) => b.map((y) => ({ start: Math.max(x.start, y.start), end: Math.min(x.end, y.end) }))),
  );
}

/** Whether `inner` lies wholly in `ranges`. */
export function containsRange(ranges: readonly Range[], inner: Range): boolean {
  return mergeRanges(ranges).some(({ start, end }) => start <= inner.start && inner.end <= end);
}

export function overlaps(a: Range, b: Range): boolean {
  return a.start < b.end && b.start < a.end;
}

export function alignDown(value: number, unit: number): number {
  return value - (value % unit);
}

/** `0x8000000+0x10000`, as messages name a range. */
export function showRange({ start, end }: Range): string {
  return `0x${start.toString(16)}+0x${(end - start).toString(16)}`;
}
