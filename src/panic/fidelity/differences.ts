/** Groups the bytes of a page that differ by the owner of their memory. */

import { hex64 } from '../../base/hex.ts';
import type { ChangeFact, WriterFact } from '../trace/index.ts';
import { type Owners, ownerOf } from './owners.ts';

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
  return differencesBy(raddr, was, is, (at) => ownerOf(owners, at)).map(({ key, ...bytes }) => ({
    ...bytes,
    owner: key,
    ...(writer === undefined ? {} : { writer }),
  }));
}

/** The bytes that differ, by what `keyOf` says of each address. */
export function differencesBy<K>(
  raddr: number,
  was: Uint8Array,
  is: Uint8Array,
  keyOf: (raddr: number) => K,
): (Pick<ChangeFact, 'raddr' | 'bytes' | 'span'> & { readonly key: K })[] {
  const found = new Map<K, { first: number; last: number; bytes: number }>();
  for (let i = 0; i < was.length; i++) {
    if (was[i] === is[i]) continue;
    const key = keyOf(raddr + i);
    const known = found.get(key);
    if (known === undefined) found.set(key, { first: raddr + i, last: raddr + i, bytes: 1 });
    else {
      known.last = raddr + i;
      known.bytes++;
    }
  }
  return [...found].map(([key, { first, last, bytes }]) => ({
    raddr: hex64(first),
    bytes,
    ...(last - first + 1 === bytes ? {} : { span: last - first + 1 }),
    key,
  }));
}
