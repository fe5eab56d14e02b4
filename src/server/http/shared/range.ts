/**
 * Evaluates range requests and preconditions, RFC 9110 §13 (conditional requests) and §14 (range requests), for one
 * representation with a strong entity tag and no modification date.
 * A unit other than bytes is ignored, as §14.2 says; a bytes range that cannot be read, or an excessive number of
 * them, is refused with 416, which §15.5.17 allows, rather than answered with gigabytes that were not asked for.
 */

/** Bytes `start` (included) to `end` (excluded). */
export type ByteRange = { readonly start: number; readonly end: number };

export type RangeAnswer =
  | { readonly kind: 'whole' }
  | { readonly kind: 'ranges'; readonly ranges: readonly ByteRange[] }
  | { readonly kind: 'unsatisfiable' };

/** More parts than this in one request are refused. */
export const MAX_RANGES = 16;

const SPEC = /^(?:(\d+)-(\d*)|-(\d+))$/;

/** Reads a Range field against a representation of `size` bytes. Parts that overlap or touch are joined. */
export function parseRange(field: string | undefined, size: number): RangeAnswer {
  if (field === undefined) return { kind: 'whole' };
  const equals = field.indexOf('=');
  if (equals < 0 || field.slice(0, equals).trim().toLowerCase() !== 'bytes') return { kind: 'whole' };
  const specs = field
    .slice(equals + 1)
    .split(',')
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '');
  if (specs.length === 0 || specs.length > MAX_RANGES) return { kind: 'unsatisfiable' };
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const range = parseSpec(spec, size);
    if (range === 'invalid') return { kind: 'unsatisfiable' };
    if (range !== null) ranges.push(range);
  }
  if (ranges.length === 0) return { kind: 'unsatisfiable' };
  return { kind: 'ranges', ranges: joinOverlaps(ranges) };
}

/** @returns null when the part lies outside the representation. */
function parseSpec(spec: string, size: number): ByteRange | null | 'invalid' {
  const match = SPEC.exec(spec);
  if (match === null) return 'invalid';
  const [, first, last, suffix] = match;
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size);
    return length === 0 ? null : { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === undefined || last === '' ? size : Math.min(Number(last) + 1, size);
  if (last !== undefined && last !== '' && Number(last) < start) return 'invalid';
  return start >= size ? null : { start, end };
}

/** Keeps the order asked for unless something overlaps; then ascending, joined. */
function joinOverlaps(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const joined: { start: number; end: number }[] = [];
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last !== undefined && range.start <= last.end) last.end = Math.max(last.end, range.end);
    else joined.push({ ...range });
  }
  return joined.length === ranges.length ? ranges : joined;
}

/** The fields of a request that ask for something only under a condition. */
export type Conditions = {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifRange?: string | undefined;
};

/** What RFC 9110 §13.2.2 makes of the conditions: proceed, 304 or 412; and whether a Range still counts. */
export function judgeConditions(
  conditions: Conditions,
  etag: string,
): { readonly verdict: 'go-on' | 'not-modified' | 'failed'; readonly rangeCounts: boolean } {
  if (conditions.ifMatch !== undefined && !listHasTag(conditions.ifMatch, etag, 'strong')) {
    return { verdict: 'failed', rangeCounts: false };
  }
  if (conditions.ifNoneMatch !== undefined && listHasTag(conditions.ifNoneMatch, etag, 'weak')) {
    return { verdict: 'not-modified', rangeCounts: false };
  }
  // A date never matches: the representation has no modification date.
  const rangeCounts = conditions.ifRange === undefined || conditions.ifRange.trim() === etag;
  return { verdict: 'go-on', rangeCounts };
}

function listHasTag(field: string, etag: string, compare: 'strong' | 'weak'): boolean {
  if (field.trim() === '*') return true;
  return field.split(',').some((entry) => {
    const tag = entry.trim();
    return tag === etag || (compare === 'weak' && tag === `W/${etag}`);
  });
}
