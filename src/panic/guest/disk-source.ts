/** Reads a disk as the source of a parser, in whole blocks, of which the last ones are kept. */

import { blockSource } from '../../base/block-source.ts';
import type { ByteSource } from '../../base/bytes.ts';

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
  return blockSource(size, BLOCK, blockAt);
}
