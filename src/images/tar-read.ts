/**
 * Reads tar archives as a stream: ustar, with GNU long names and pax extended headers.
 * Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Basic Tar Format".
 * Left out: sparse files, which are refused, multi-volume archives, base-256 sizes above 2^53.
 */

import { latin1 } from '../base/bytes.ts';
import { type ArchiveEntry, MAX_ENTRY_BYTES, safeLink, safePath, tooLarge } from './archive-entry.ts';
import { ChunkReader } from './chunk-reader.ts';
import { imageError } from './errors.ts';

const BLOCK = 512;
/** Long names and pax headers are a few hundred bytes. */
const MAX_HEADER_BYTES = 65536;
/** A file has one long name, one long link name and one pax header. */
const MAX_HEADERS = 8;

/** The entries of a tar stream, in order. @throws FormatError `image/bad-tar`, `image/unsafe-path`, `image/too-large` */
export async function* readTar(
  chunks: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const input = new ChunkReader(chunks, what, badTar);
  try {
    yield* readEntries(input, what);
  } finally {
    await input.close();
  }
}

async function* readEntries(input: ChunkReader, what: string): AsyncGenerator<ArchiveEntry, void, undefined> {
  let overrides: Map<string, string> = new Map();
  let headers = 0;
  for (;;) {
    const at = input.offset;
    const block = await input.take(BLOCK);
    if (block.every((byte) => byte === 0)) return input.drain();
    const header = parseHeader(block, what, at);
    const padded = Math.ceil(header.size / BLOCK) * BLOCK;
    if ('LKxg'.includes(header.type)) {
      if (++headers > MAX_HEADERS) throw badTar(what, at, 'an entry has too many extended headers');
      if (header.size > MAX_HEADER_BYTES) throw tooLarge(what, at, header.size, MAX_HEADER_BYTES);
      const data = (await input.take(padded)).subarray(0, header.size);
      // A global pax header applies to all that follows; packages carry none that matters (a comment).
      if (header.type === 'L') overrides.set('path', untilZero(data));
      else if (header.type === 'K') overrides.set('linkpath', untilZero(data));
      else if (header.type === 'x') overrides = new Map([...overrides, ...parsePax(data, what, at)]);
      continue;
    }
    headers = 0;
    if (header.type === 'S' || [...overrides.keys()].some((key) => key.startsWith('GNU.sparse.')))
      throw badTar(what, at, 'sparse files are not read');
    const size = overrides.has('size') ? Number(overrides.get('size')) : header.size;
    if (!Number.isSafeInteger(size) || size < 0) throw badTar(what, at, 'an extended header has a bad size');
    const kind = kindOf(header.type);
    const dataBytes = kind === 'file' ? size : 0;
    const state = { left: Math.ceil(dataBytes / BLOCK) * BLOCK };
    yield {
      path: safePath(overrides.get('path') ?? header.path, what, at),
      kind,
      mode: header.mode,
      size: dataBytes,
      link: safeLink(overrides.get('linkpath') ?? header.link, what, at),
      async data(): Promise<Uint8Array> {
        if (dataBytes > MAX_ENTRY_BYTES) throw tooLarge(what, at, dataBytes, MAX_ENTRY_BYTES);
        const bytes = await input.take(state.left);
        state.left = 0;
        return bytes.subarray(0, dataBytes);
      },
    };
    await input.skip(state.left);
    overrides = new Map();
  }
}

type Header = { path: string; link: string; type: string; mode: number; size: number };

function parseHeader(block: Uint8Array, what: string, at: number): Header {
  let sum = 0;
  for (const [i, byte] of block.entries()) sum += i >= 148 && i < 156 ? 0x20 : byte;
  const recorded = octal(block, 148, 8, what, at);
  if (recorded !== sum) {
    throw imageError('image/bad-tar', `${what}: a tar header's checksum is wrong`, {
      what,
      offset: at + 148,
      expected: `${sum}`,
      actual: `${recorded}`,
    });
  }
  const ustar = latin1(block.subarray(257, 262)) === 'ustar';
  // GNU archives ("ustar  ") keep other things where ustar keeps the prefix.
  const prefix = ustar && block[262] === 0 ? untilZero(block.subarray(345, 500)) : '';
  const name = untilZero(block.subarray(0, 100));
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    link: untilZero(block.subarray(157, 257)),
    type: String.fromCharCode(block[156] ?? 0),
    mode: octal(block, 100, 8, what, at) & 0o7777,
    size: octal(block, 124, 12, what, at),
  };
}

function kindOf(type: string): ArchiveEntry['kind'] {
  switch (type) {
    case '\0':
    case '0':
    case '7':
      return 'file';
    case '1':
      return 'hardlink';
    case '2':
      return 'symlink';
    case '5':
      return 'directory';
    default:
      return 'other';
  }
}

function octal(block: Uint8Array, start: number, length: number, what: string, at: number): number {
  const text = latin1(block.subarray(start, start + length))
    .replace(/[\0 ]+$/, '')
    .trimStart();
  if (text === '') return 0;
  if (!/^[0-7]+$/.test(text)) throw badTar(what, at + start, 'a number in a tar header is not octal');
  return Number.parseInt(text, 8);
}

/** Records of `LENGTH KEY=VALUE` and a newline; the length counts the bytes of all of it. */
function parsePax(data: Uint8Array, what: string, at: number): Map<string, string> {
  const records = new Map<string, string>();
  for (let start = 0; start < data.length; ) {
    const digits = /^[0-9]{1,6}(?= )/.exec(latin1(data.subarray(start, start + 8)))?.[0] ?? '';
    const record = data.subarray(start, start + Number(digits));
    const text = Buffer.from(record.subarray(digits.length + 1)).toString('utf8');
    const cut = text.indexOf('=');
    if (record.length !== Number(digits) || cut < 1 || !text.endsWith('\n')) {
      throw badTar(what, at, 'an extended header is damaged');
    }
    records.set(text.slice(0, cut), text.slice(cut + 1, -1));
    start += record.length;
  }
  return records;
}

function untilZero(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}

function badTar(what: string, offset: number, message: string): Error {
  return imageError('image/bad-tar', `${what}: ${message}`, { what, offset });
}
