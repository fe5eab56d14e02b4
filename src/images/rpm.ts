/**
 * Reads RPM binary packages: a lead, a signature header, a header of tags, and a compressed cpio archive.
 * Source: rpm.org's documentation, "RPM V4 Package format" and "Tags"; Linux Standard Base 5.0 Core, chapter 22. Packages are
 * untrusted, as deb.ts says.
 * Left out: signatures and digests, source packages, format 6, payloads compressed by bzip2 or lzma.
 */

import { getU16, getU32, latin1 } from '../base/bytes.ts';
import type { ArchiveEntry } from './archive-entry.ts';
import { readCpio } from './cpio-read.ts';
import { decompress } from './decompress.ts';
import { imageError } from './errors.ts';

/** What an RPM's header says of it. `version` is `VERSION-RELEASE`. */
export type RpmIdentity = { readonly name: string; readonly version: string; readonly architecture: string };

const LEAD_BYTES = 96;
const LEAD_MAGIC = 0xedabeedb;
const HEADER_MAGIC = 0x8eade801;
const HEADER_INTRO = 16;
const ENTRY_BYTES = 16;
/** rpm's own limits are 64 K tags and 256 MiB; a kernel's header has some 100 tags in 1 MB. */
const MAX_TAGS = 4096;
const MAX_STORE = 64 * 2 ** 20;
const TAGS = { name: 1000, version: 1001, release: 1002, architecture: 1022 } as const;
const TYPE_STRING = 6;
/** A text of a tag: names are far shorter. */
const MAX_TEXT = 256;
const MAX_DATA_BYTES = 8 * 1024 * 1024 * 1024;

/** Whether `bytes` begin as an RPM package. */
export function isRpm(bytes: Uint8Array): boolean {
  return bytes.length >= LEAD_BYTES && getU32(bytes, 0, 'big') === LEAD_MAGIC;
}

/** @throws FormatError `image/bad-rpm` */
export function readRpmIdentity(bytes: Uint8Array, what: string): RpmIdentity {
  const { tag } = readHeaders(bytes, what);
  return {
    name: tag(TAGS.name),
    version: `${tag(TAGS.version)}-${tag(TAGS.release)}`,
    architecture: tag(TAGS.architecture),
  };
}

/** The files of the package, in its order. @throws FormatError */
export function readRpmData(bytes: Uint8Array, what: string): AsyncGenerator<ArchiveEntry, void, undefined> {
  const payload = bytes.subarray(readHeaders(bytes, what).end);
  return readCpio(decompress(payload, what, MAX_DATA_BYTES), what);
}

/** `end` is where the payload begins. */
function readHeaders(
  bytes: Uint8Array,
  what: string,
): { readonly tag: (number: number) => string; readonly end: number } {
  if (!isRpm(bytes) || bytes[4] !== 3 || getU16(bytes, 6, 'big') !== 0)
    throw badRpm(what, 0, 'not a binary RPM package of format 3 or 4');
  const signature = readHeader(bytes, LEAD_BYTES, what);
  // The signature alone is padded, to 8 bytes.
  const header = readHeader(bytes, signature.end + (-signature.end & 7), what);
  const tag = (number: number): string => {
    const at = header.texts.get(number);
    const end = at === undefined ? -1 : bytes.indexOf(0, at);
    const text = at === undefined || end < 0 ? '' : latin1(bytes.subarray(at, Math.min(end, at + MAX_TEXT)));
    if (!/^[\x21-\x7e]+$/.test(text)) throw badRpm(what, at ?? 0, `the header has no tag ${number}`);
    return text;
  };
  return { tag, end: header.end };
}

/** One header: an intro, an index of tags, and their data. @returns where texts are in `bytes`, by tag, and where it ends */
function readHeader(
  bytes: Uint8Array,
  at: number,
  what: string,
): { readonly texts: ReadonlyMap<number, number>; readonly end: number } {
  if (at + HEADER_INTRO > bytes.length || getU32(bytes, at, 'big') !== HEADER_MAGIC)
    throw badRpm(what, at, 'there is no header where one should be');
  const tags = getU32(bytes, at + 8, 'big');
  const size = getU32(bytes, at + 12, 'big');
  const store = at + HEADER_INTRO + tags * ENTRY_BYTES;
  const end = store + size;
  if (tags > MAX_TAGS || size > MAX_STORE || end > bytes.length)
    throw badRpm(what, at, 'a header runs past the end');
  const texts = new Map<number, number>();
  for (let entry = at + HEADER_INTRO; entry < store; entry += ENTRY_BYTES) {
    const offset = getU32(bytes, entry + 8, 'big');
    if (getU32(bytes, entry + 4, 'big') === TYPE_STRING && offset < size)
      texts.set(getU32(bytes, entry, 'big'), store + offset);
  }
  return { texts, end };
}

function badRpm(what: string, offset: number, message: string): Error {
  return imageError('image/bad-rpm', `${what}: ${message}`, { what, offset });
}
