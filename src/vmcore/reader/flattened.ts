/**
 * Reads a flattened dump as the plain dump inside it: an index of its records, random access, and a stream.
 * Bytes that no record has are 0. Where records overlap, the later one counts, because they are written in order.
 */

import type { ByteSource } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';
import type { FlatEnd, FlatRecord } from '../format/index.ts';
import { flatRecords, vmcoreError } from '../format/index.ts';

/** More records than a dump of the largest machine has: makedumpfile writes about one a MiB, or one a page at worst. */
const MAX_RECORDS = 1 << 20;

/** The plain dump behind a flattened one, and how the flattened one ends. */
export type Unflattened = { readonly plain: ByteSource; readonly end: FlatEnd };

/** Indexes `source`. @throws FormatError `vmcore/bad-flat-…`, `vmcore/truncated` (no whole header). */
export function unflatten(source: ByteSource): Unflattened {
  const records: FlatRecord[] = [];
  const walk = flatRecords(source);
  let step = walk.next();
  for (; step.done !== true; step = walk.next()) {
    if (records.length === MAX_RECORDS)
      throw vmcoreError('vmcore/bad-flat-record', 'absurdly many records', {
        offset: step.value.position,
        expected: `at most ${MAX_RECORDS}`,
      });
    records.push(step.value);
  }
  return { plain: plainSource(source, resolveOverlaps(records)), end: step.value };
}

/**
 * The plain dump in order, in pieces of at most `pieceSize` bytes: what `makedumpfile -R` would write.
 * Each piece is the caller's to keep.
 */
export function* plainPieces(plain: ByteSource, pieceSize: number = 1 << 20): Generator<Uint8Array> {
  for (let at = 0; at < plain.size; at += pieceSize)
    yield plain.read(at, Math.min(pieceSize, plain.size - at));
}

/** `records` without overlaps, by offset: a sweep over their starts in which the latest open record is the one seen. */
function resolveOverlaps(records: readonly FlatRecord[]): FlatRecord[] {
  if (records.every((record, i) => i === 0 || endOf(records[i - 1]) <= record.offset)) return [...records];
  const byStart = records.map((_, i) => i).sort((a, b) => startOf(records[a]) - startOf(records[b]) || a - b);
  const open = new MaxHeap();
  const out: FlatRecord[] = [];
  let next = 0;
  let at = 0;
  while (next < byStart.length || open.top() >= 0) {
    if (open.top() < 0) at = Math.max(at, startOf(records[byStart[next] ?? 0]));
    while (next < byStart.length && startOf(records[byStart[next] ?? 0]) <= at)
      open.push(byStart[next++] ?? 0);
    const seen = records[open.top()];
    assert(seen !== undefined, 'resolveOverlaps: a record is open');
    if (endOf(seen) <= at) {
      open.pop();
      continue;
    }
    // Up to the next start, after which a later record may cover this one.
    const limit = next < byStart.length ? startOf(records[byStart[next] ?? 0]) : Number.POSITIVE_INFINITY;
    const end = Math.min(endOf(seen), limit);
    const last = out.at(-1);
    const position = seen.position + (at - seen.offset);
    if (last !== undefined && endOf(last) === at && last.position + last.size === position)
      out[out.length - 1] = { ...last, size: last.size + (end - at) };
    else out.push({ offset: at, size: end - at, position });
    at = end;
  }
  return out;
}

function startOf(record: FlatRecord | undefined): number {
  return record?.offset ?? 0;
}

function endOf(record: FlatRecord | undefined): number {
  return record === undefined ? 0 : record.offset + record.size;
}

function plainSource(source: ByteSource, parts: readonly FlatRecord[]): ByteSource {
  const size = endOf(parts.at(-1));
  return {
    size,
    read(offset: number, length: number): Uint8Array {
      assert(offset >= 0 && length >= 0 && offset + length <= size, 'unflatten: read outside the dump');
      const out = new Uint8Array(length);
      for (let i = firstEndingAfter(parts, offset); i < parts.length; i++) {
        const part = parts[i];
        if (part === undefined || part.offset >= offset + length) break;
        const from = Math.max(offset, part.offset);
        const to = Math.min(offset + length, part.offset + part.size);
        out.set(source.read(part.position + (from - part.offset), to - from), from - offset);
      }
      return out;
    },
  };
}

function firstEndingAfter(parts: readonly FlatRecord[], offset: number): number {
  let low = 0;
  let high = parts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (endOf(parts[middle]) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Indexes, largest first. */
class MaxHeap {
  readonly #items: number[] = [];

  /** The largest, or -1. */
  top(): number {
    return this.#items[0] ?? -1;
  }

  push(item: number): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if ((items[parent] ?? 0) >= item) break;
      items[at] = items[parent] ?? 0;
      at = parent;
    }
    items[at] = item;
  }

  pop(): void {
    const items = this.#items;
    const item = items.pop();
    if (item === undefined || items.length === 0) return;
    let at = 0;
    for (;;) {
      const left = at * 2 + 1;
      if (left >= items.length) break;
      const child = (items[left + 1] ?? -1) > (items[left] ?? -1) ? left + 1 : left;
      if ((items[child] ?? -1) <= item) break;
      items[at] = items[child] ?? 0;
      at = child;
    }
    items[at] = item;
  }
}
