/**
 * Reads cpio archives in the "newc" format as a stream: payloads of RPM packages, and initramfs files.
 * Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst; cpio(5). Names of one file (hard links) are entries
 * with one inode number, and the last of them has the data.
 * Left out: the old binary and "odc" formats, RPM's form for files of more than 4 GiB (07070X), several archives in one file.
 */

import { latin1 } from '../base/bytes.ts';
import {
  type ArchiveEntry,
  MAX_ENTRY_BYTES,
  MAX_PATH,
  safeLink,
  safePath,
  tooLarge,
} from './archive-entry.ts';
import { ChunkReader } from './chunk-reader.ts';
import { imageError } from './errors.ts';

const HEADER_BYTES = 110;
const END = 'TRAILER!!!';
/** Names without data that wait for the file they are names of. */
const MAX_WAITING = 4096;
const S_IFMT = 0o170000;
const KINDS: ReadonlyMap<number, ArchiveEntry['kind']> = new Map([
  [0o100000, 'file'],
  [0o120000, 'symlink'],
  [0o040000, 'directory'],
]);

/** The entries, in order. @throws FormatError `image/bad-cpio`, `image/unsafe-path`, `image/too-large` */
export async function* readCpio(
  chunks: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const input = new ChunkReader(chunks, what, badCpio);
  try {
    yield* readEntries(input, what);
  } finally {
    await input.close();
  }
}

async function* readEntries(input: ChunkReader, what: string): AsyncGenerator<ArchiveEntry, void, undefined> {
  const waiting = new Map<string, ArchiveEntry[]>();
  for (;;) {
    const at = input.offset;
    const header = parseHeader(await input.take(HEADER_BYTES), what, at);
    if (header.nameBytes > MAX_PATH + 1 || header.nameBytes === 0)
      throw badCpio(what, at, 'a name has an absurd length');
    const padded = padding(HEADER_BYTES + header.nameBytes) + header.nameBytes;
    const name = Buffer.from((await input.take(padded)).subarray(0, header.nameBytes - 1)).toString('utf8');
    if (name === END) return input.drain();
    const kind = KINDS.get(header.mode & S_IFMT) ?? 'other';
    const state = { left: header.size + padding(header.size) };
    const data = async (): Promise<Uint8Array> => {
      if (header.size > MAX_ENTRY_BYTES) throw tooLarge(what, at, header.size, MAX_ENTRY_BYTES);
      const bytes = await input.take(state.left);
      state.left = 0;
      return bytes.subarray(0, header.size);
    };
    if (kind === 'symlink' && header.size > MAX_PATH) throw badCpio(what, at, 'a link has an absurd length');
    const link = kind === 'symlink' ? safeLink(Buffer.from(await data()).toString('utf8'), what, at) : '';
    const path = safePath(name, what, at);
    const size = kind === 'file' ? header.size : 0;
    const entry: ArchiveEntry = { path, kind, mode: header.mode & 0o7777, size, link, data };
    const others = waiting.get(header.inode) ?? [];
    if (kind === 'file' && header.links > 1 && header.size === 0) {
      if (waiting.size === MAX_WAITING || others.length === MAX_WAITING)
        throw badCpio(what, at, 'too many names have no file');
      waiting.set(header.inode, [...others, entry]);
      continue;
    }
    yield entry;
    await input.skip(state.left);
    if (kind !== 'file' || header.links < 2) continue;
    waiting.delete(header.inode);
    for (const other of others) yield { ...other, kind: 'hardlink', link: path };
  }
}

type Header = {
  readonly inode: string;
  readonly mode: number;
  readonly links: number;
  readonly size: number;
  readonly nameBytes: number;
};

/** 6 characters of magic, then 13 numbers of 8 hex digits. */
function parseHeader(bytes: Uint8Array, what: string, at: number): Header {
  const text = latin1(bytes);
  if (!/^07070[12][0-9A-Fa-f]{104}$/.test(text))
    throw badCpio(what, at, 'no header of the newc format is where one should be');
  const field = (n: number): number => Number.parseInt(text.slice(6 + 8 * n, 14 + 8 * n), 16);
  return {
    // With the numbers of the device that holds the file.
    inode: `${field(0)} ${field(7)} ${field(8)}`,
    mode: field(1),
    links: field(4),
    size: field(6),
    nameBytes: field(11),
  };
}

function padding(bytes: number): number {
  return -bytes & 3;
}

function badCpio(what: string, offset: number, message: string): Error {
  return imageError('image/bad-cpio', `${what}: ${message}`, { what, offset });
}
