/** A source whose bytes come in blocks. */

import type { ByteSource } from './bytes.ts';
import { assert } from './errors.ts';

/** @param blockAt the block of an index: `blockBytes` bytes, the last one perhaps fewer. What it throws passes through */
export function blockSource(
  size: number,
  blockBytes: number,
  blockAt: (index: number) => Uint8Array,
): ByteSource {
  return {
    size,
    read(offset, length) {
      assert(offset >= 0 && length >= 0 && offset + length <= size, 'blockSource: read outside the source');
      const first = Math.floor(offset / blockBytes);
      const inside = offset - first * blockBytes;
      if (inside + length <= blockBytes && length > 0)
        return blockAt(first).subarray(inside, inside + length);
      const out = new Uint8Array(length);
      for (let at = offset; at < offset + length; ) {
        const index = Math.floor(at / blockBytes);
        const start = index * blockBytes;
        const end = Math.min(offset + length, start + blockBytes);
        out.set(blockAt(index).subarray(at - start, end - start), at - offset);
        at = end;
      }
      return out;
    },
  };
}
