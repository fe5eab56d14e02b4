/**
 * Reads ar archives, as far as Debian packages use them.
 * Source: deb(5) and ar(5): a 60-byte text header a member, data padded to even offsets.
 * Left out: long names and symbol tables (a package has neither).
 */

import { latin1 } from '../base/bytes.ts';
import { imageError } from './errors.ts';

/** A member of an archive. `data` is a view of the archive. */
export type ArMember = { readonly name: string; readonly data: Uint8Array };

const MAGIC = '!<arch>\n';
const HEADER_BYTES = 60;
/** A package has three. */
const MAX_MEMBERS = 64;
const NAME: readonly [number, number] = [0, 16];
const SIZE: readonly [number, number] = [48, 58];
const END: readonly [number, number] = [58, 60];

/** The members of `bytes`, in order. @throws FormatError `image/not-ar`, `image/bad-ar` */
export function readAr(bytes: Uint8Array, what: string): ArMember[] {
  if (latin1(bytes.subarray(0, MAGIC.length)) !== MAGIC) {
    throw imageError('image/not-ar', `${what} is not an ar archive`, {
      what,
      offset: 0,
      expected: '!<arch>',
    });
  }
  const members: ArMember[] = [];
  let at = MAGIC.length;
  while (at < bytes.length) {
    if (members.length === MAX_MEMBERS)
      throw imageError('image/bad-ar', `${what} has more than ${MAX_MEMBERS} members`, { what, offset: at });
    const header = latin1(bytes.subarray(at, at + HEADER_BYTES));
    if (header.length < HEADER_BYTES) {
      throw imageError('image/bad-ar', `${what} ends inside a member header`, { what, offset: at });
    }
    if (header.slice(...END) !== '`\n') {
      throw imageError('image/bad-ar', `${what} has a damaged member header`, {
        what,
        offset: at + END[0],
        expected: 'a grave accent and a newline',
      });
    }
    const sizeText = header.slice(...SIZE).trimEnd();
    const size = Number(sizeText);
    if (!/^[0-9]+$/.test(sizeText) || at + HEADER_BYTES + size > bytes.length) {
      throw imageError('image/bad-ar', `${what} has a member that runs past its end`, {
        what,
        offset: at + SIZE[0],
        expected: `at most ${bytes.length - at - HEADER_BYTES}`,
        actual: sizeText,
      });
    }
    const start = at + HEADER_BYTES;
    const name = header
      .slice(...NAME)
      .trimEnd()
      .replace(/\/$/, '');
    members.push({ name, data: bytes.subarray(start, start + size) });
    at = start + size + (size % 2);
  }
  return members;
}
