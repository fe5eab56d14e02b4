/** Bytes of a page that differ, by whose memory they are. */

import { hex64 } from '../../base/hex.ts';
import { type Owners, ownerOf } from './owners.ts';
import type { ChangeFact, Owner, WriterFact } from './report.ts';

export const PAGE = 4096;

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** One fact for each owner of bytes that differ between `was` and `is`, which lie at `raddr`. */
export function differences(
  raddr: number,
  was: Uint8Array,
  is: Uint8Array,
  owners: Owners,
  writer?: WriterFact,
): ChangeFact[] {
  const found = new Map<Owner, { first: number; bytes: number }>();
  for (let i = 0; i < was.length; i++) {
    if (was[i] === is[i]) continue;
    const owner = ownerOf(owners, raddr + i);
    const known = found.get(owner);
    if (known === undefined) found.set(owner, { first: raddr + i, bytes: 1 });
    else known.bytes++;
  }
  return [...found].map(([owner, { first, bytes }]) => ({
    raddr: hex64(first),
    bytes,
    owner,
    ...(writer === undefined ? {} : { writer }),
  }));
}
