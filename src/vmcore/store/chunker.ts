/** Cuts a vmcore's bytes, from any source, into chunks of one size. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ByteSource } from '../../base/bytes.ts';
import { storeError } from './errors.ts';

/** Bytes read from a ByteSource at once: 1 MiB. */
const READ_BYTES = 1 << 20;

/**
 * The first `length` bytes of `source` (all, when not given) in pieces of any size.
 * @throws FormatError `store/short-source` where it ends before.
 */
export async function* piecesOf(
  source: AsyncIterable<Uint8Array> | ByteSource,
  length?: number,
): AsyncGenerator<Uint8Array> {
  const wanted = length ?? Number.POSITIVE_INFINITY;
  let done = 0;
  for await (const piece of Symbol.asyncIterator in source ? source : readAll(source)) {
    const take = Math.min(piece.length, wanted - done);
    if (take > 0) yield piece.subarray(0, take);
    done += take;
    if (done === wanted) break;
  }
  if (length !== undefined && done < length) {
    throw storeError('store/short-source', 'the vmcore ended before its length', {
      expected: `${length} bytes`,
      actual: `${done}`,
    });
  }
}

async function* readAll(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.size; at += READ_BYTES) {
    yield source.read(at, Math.min(READ_BYTES, source.size - at));
    // Reading blocks: other tasks of this thread run between the pieces.
    await nextTurn();
  }
}

/** The same bytes in chunks of `size`; the last one may be shorter. Each chunk is an array of its own. */
export async function* chunksOf(pieces: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let chunk = new Uint8Array(size);
  let filled = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const take = Math.min(size - filled, piece.length - at);
      chunk.set(piece.subarray(at, at + take), filled);
      filled += take;
      at += take;
      if (filled === size) {
        yield chunk;
        chunk = new Uint8Array(size);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}
