/** Reads a disk as the source of a parser, in whole blocks, of which the last ones are kept. */

import type { ByteSource } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';

/** Whole sectors: disks are read in no smaller pieces. */
const BLOCK = 2 ** 18;
const KEPT = 64;

/** @param read exactly `length` bytes from `offset` */
export function diskSource(size: number, read: (offset: number, length: number) => Uint8Array): ByteSource {
  const blocks = new Map<number, Uint8Array>();
  const blockAt = (index: number): Uint8Array => {
    const kept = blocks.get(index);
    const block = kept ?? read(index * BLOCK, Math.min(BLOCK, size - index * BLOCK));
    // Used last: dropped last.
    blocks.delete(index);
    blocks.set(index, block);
    if (kept === undefined && blocks.size > KEPT)
      for (const oldest of blocks.keys()) {
        blocks.delete(oldest);
        break;
      }
    return block;
  };
  return {
    size,
    read(offset, length) {
      assert(offset >= 0 && length >= 0 && offset + length <= size, 'diskSource: read outside the disk');
      const out = new Uint8Array(length);
      for (let at = offset; at < offset + length; ) {
        const index = Math.floor(at / BLOCK);
        const end = Math.min(offset + length, (index + 1) * BLOCK);
        out.set(blockAt(index).subarray(at - index * BLOCK, end - index * BLOCK), at - offset);
        at = end;
      }
      return out;
    },
  };
}
