/**
 * Runs a synchronous parser over a dump that is read asynchronously, from another thread or from a store. Where the parser
 * asks for bytes that were not fetched yet, it is stopped, they are fetched, and it runs again from its start. Parsers are
 * pure and read little, so that the repetition is cheap.
 */

import type { ByteSource } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';
import { vmcoreError } from '../format/index.ts';

/** Fetched around each byte asked for: 64 KiB. */
const BLOCK = 65536;

/** Stops a parser that asks for what is not here yet. */
class NotHere {
  readonly first: number;
  readonly last: number;

  constructor(first: number, last: number) {
    this.first = first;
    this.last = last;
  }
}

/**
 * The result of `parse` over `size` bytes that `read` gives.
 * @param read exactly `length` bytes from `offset`; called for aligned blocks, each once.
 * @param parse pure; must let what the source throws pass through. Everything that it reads is kept until it returns.
 */
export async function evaluateAsync<T>(
  size: number,
  read: (offset: number, length: number) => Promise<Uint8Array>,
  parse: (source: ByteSource) => T,
): Promise<T> {
  const blocks = new Map<number, Uint8Array>();
  const source: ByteSource = {
    size,
    read(offset: number, length: number): Uint8Array {
      assert(offset >= 0 && length >= 0 && offset + length <= size, 'evaluateAsync: read outside the dump');
      return fromBlocks(blocks, offset, length);
    },
  };
  for (;;) {
    try {
      return parse(source);
    } catch (thrown) {
      if (!(thrown instanceof NotHere)) throw thrown;
      const start = thrown.first * BLOCK;
      const length = Math.min(size, (thrown.last + 1) * BLOCK) - start;
      const bytes = await read(start, length);
      if (bytes.length !== length) {
        throw vmcoreError('vmcore/short-read', 'the dump gave fewer bytes than it has', {
          offset: start,
          expected: `${length}`,
          actual: `${bytes.length}`,
        });
      }
      for (let block = thrown.first; block <= thrown.last; block++) {
        blocks.set(block, bytes.subarray((block - thrown.first) * BLOCK, (block - thrown.first + 1) * BLOCK));
      }
    }
  }
}

function fromBlocks(blocks: ReadonlyMap<number, Uint8Array>, offset: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  if (length === 0) return out;
  const last = Math.floor((offset + length - 1) / BLOCK);
  for (let block = Math.floor(offset / BLOCK); block <= last; block++) {
    const bytes = blocks.get(block);
    if (bytes === undefined) throw missing(blocks, block, last);
    const base = block * BLOCK;
    const from = Math.max(offset, base);
    out.set(bytes.subarray(from - base, Math.min(offset + length, base + BLOCK) - base), from - offset);
  }
  return out;
}

/** All that is missing from `first` on without a gap, so that one fetch brings it. */
function missing(blocks: ReadonlyMap<number, Uint8Array>, first: number, last: number): NotHere {
  let end = first;
  while (end < last && !blocks.has(end + 1)) end++;
  return new NotHere(first, end);
}
