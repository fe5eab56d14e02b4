/**
 * Lets a synchronous parser read a dump that is read asynchronously: where it asks for bytes that were not fetched yet, it is
 * stopped, they are fetched, and it runs again. Unlike the source of async-source.ts this one stays open: a dump opened on it can
 * be read for any time, and only the blocks used last are kept.
 */

import { blockSource } from '../../base/block-source.ts';
import type { ByteSource } from '../../base/bytes.ts';
import { vmcoreError } from '../format/index.ts';

/** Fetched at once. */
const BLOCK = 2 ** 20;
/** Blocks kept between two runs. */
const KEPT = 32;

/** Thrown to stop a parser that asks for a block that was not fetched yet. */
class NotHere {
  readonly block: number;

  constructor(block: number) {
    this.block = block;
  }
}

export type PagedSource = {
  /** Use it only inside of {@link run}, which catches what it throws. */
  readonly source: ByteSource;
  /** Runs `parse` until everything that it reads is here. It must be repeatable, and let pass what the source throws. */
  run<T>(parse: () => T): Promise<T>;
};

/** @param read exactly `length` bytes from `offset` */
export function pagedSource(
  size: number,
  read: (offset: number, length: number) => Promise<Uint8Array>,
): PagedSource {
  const blocks = new Map<number, Uint8Array>();
  const blockAt = (index: number): Uint8Array => {
    const found = blocks.get(index);
    if (found === undefined) throw new NotHere(index);
    // Used last: evicted last.
    blocks.delete(index);
    blocks.set(index, found);
    return found;
  };
  const source = blockSource(size, BLOCK, blockAt);
  return {
    source,
    async run(parse) {
      for (;;) {
        try {
          const result = parse();
          for (const index of blocks.keys()) {
            if (blocks.size <= KEPT) break;
            blocks.delete(index);
          }
          return result;
        } catch (thrown) {
          if (!(thrown instanceof NotHere)) throw thrown;
          const offset = thrown.block * BLOCK;
          const length = Math.min(BLOCK, size - offset);
          const bytes = await read(offset, length);
          if (bytes.length !== length)
            throw vmcoreError('vmcore/short-read', 'the dump gave fewer bytes than it has', {
              offset,
              expected: `${length}`,
              actual: `${bytes.length}`,
            });
          blocks.set(thrown.block, bytes);
        }
      }
    },
  };
}
