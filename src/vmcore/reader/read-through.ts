/** Reads physical memory across the borders of ranges and pages, for all formats. */

import { hex64 } from '../../base/hex.ts';
import { vmcoreError } from '../format/index.ts';
import type { Dump, MemoryKind } from './types.ts';

const REASONS = {
  excluded: ['vmcore/memory-excluded', 'was left out by a filter'],
  lost: ['vmcore/memory-lost', 'was lost when the dump was written'],
  missing: ['vmcore/memory-missing', 'lies beyond the end of the dump'],
  absent: ['vmcore/memory-absent', 'is no memory of the crashed machine'],
} as const satisfies Record<Exclude<MemoryKind, 'data'>, readonly [string, string]>;

/**
 * `length` bytes from `paddr`. `piece(at, limit)` gives `limit` bytes of data, which {@link Dump.locate} said are there.
 * @throws FormatError `vmcore/memory-…` at the first byte that the dump does not have.
 */
export function readThrough(
  dump: Dump,
  paddr: bigint,
  length: number,
  piece: (at: bigint, limit: number) => Uint8Array,
): Uint8Array {
  const out = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const at = paddr + BigInt(done);
    const there = dump.locate(at);
    if (there.kind !== 'data') {
      const [code, text] = REASONS[there.kind];
      throw vmcoreError(code, `physical ${hex64(at)} ${text}`);
    }
    const limit = there.length < BigInt(length - done) ? Number(there.length) : length - done;
    out.set(piece(at, limit), done);
    done += limit;
  }
  return out;
}
