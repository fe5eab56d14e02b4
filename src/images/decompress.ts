/**
 * Decompresses what packages and initramfs files use: gzip, xz, zstd, or nothing. The kind is read from the
 * first bytes, never from a name. xz runs in WebAssembly (xz-decompress), so that no native library is needed.
 *
 * Memory is bounded: output comes in pieces, what comes out is limited in bytes and by what went in, and so is the part of it
 * that a decoder keeps to refer back to (gzip's is 32 KiB).
 * Left out: bzip2, lzma, lz4.
 */

import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import xz from 'xz-decompress';
import { checkZstdFrames } from '../base/zstd.ts';
import { imageError } from './errors.ts';
import { hasSha256, unxzSha256 } from './xz-sha256.ts';
import { xzSize } from './xz-size.ts';

export type Compression = 'none' | 'gzip' | 'xz' | 'zstd';

/** Input is handed over in pieces of this size, so that output streams and the event loop gets its turns. */
const PIECE_BYTES = 65536;

/** Packages, modules and symbol files become 3 to 10 times as large; so much more than that is an attack. */
const MOST_TIMES = 100;
/** What a small file may become all the same. */
const ALWAYS_BYTES = 64 * 2 ** 20;
/** The dictionary of `xz -9`, the largest of its levels, and a window of zstd that is as large. */
const MOST_HISTORY_LOG2 = 26;

/** The limit on what `input` bytes may become: `maxBytes`, or less where the input is small. */
function outputLimit(input: number, maxBytes: number): number {
  return Math.min(maxBytes, Math.max(ALWAYS_BYTES, input * MOST_TIMES));
}

/** How `bytes` begin. */
export function compressionOf(bytes: Uint8Array): Compression {
  const startsWith = (...magic: number[]) => magic.every((byte, i) => bytes[i] === byte);
  if (startsWith(0x1f, 0x8b)) return 'gzip';
  if (startsWith(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return 'xz';
  if (startsWith(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  return 'none';
}

/**
 * The decompressed bytes, in pieces. More than `maxBytes`, more than 100 times the input (64 MiB are always accepted), and a
 * dictionary or window of more than 64 MiB are refused, xz before anything is decoded.
 * @throws FormatError `image/bad-compression` for damaged or truncated data, `image/too-large`
 */
export async function* decompress(
  bytes: Uint8Array,
  what: string,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const kind = compressionOf(bytes);
  const limit = kind === 'none' ? maxBytes : outputLimit(bytes.length, maxBytes);
  if (kind === 'xz') checkXz(bytes, what, limit);
  let total = 0;
  try {
    for await (const piece of open(bytes, kind)) {
      total += piece.length;
      if (total > limit) break;
      yield piece;
    }
  } catch (cause) {
    throw imageError('image/bad-compression', `${what}: ${kind} data is damaged or cut short`, {
      what,
      cause,
    });
  }
  if (total > limit) throw tooLarge(what, bytes.length, limit);
}

/** @throws FormatError */
function checkXz(bytes: Uint8Array, what: string, limit: number): void {
  let size: ReturnType<typeof xzSize>;
  try {
    size = xzSize(bytes);
  } catch (cause) {
    throw imageError('image/bad-compression', `${what}: xz data is damaged or cut short`, { what, cause });
  }
  if (size.output > limit) throw tooLarge(what, bytes.length, limit);
  if (size.dictionary > 2 ** MOST_HISTORY_LOG2)
    throw imageError('image/too-large', `${what} asks for a dictionary of ${size.dictionary} bytes`, {
      what,
      expected: `at most ${2 ** MOST_HISTORY_LOG2}`,
      actual: `${size.dictionary}`,
    });
}

function tooLarge(what: string, input: number, limit: number): Error {
  return imageError('image/too-large', `${what}, ${input} bytes, unpacks to more than ${limit} bytes`, {
    what,
    expected: `at most ${limit} bytes`,
  });
}

/** The same, in one array. */
export async function decompressAll(bytes: Uint8Array, what: string, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of decompress(bytes, what, maxBytes)) parts.push(piece);
  return Buffer.concat(parts);
}

function open(bytes: Uint8Array, kind: Compression): AsyncIterable<Uint8Array> {
  switch (kind) {
    case 'none':
      return Readable.from(pieces(bytes));
    case 'gzip':
      return through(bytes, createGunzip());
    case 'zstd':
      return unzstd(bytes);
    case 'xz':
      return hasSha256(bytes) ? unxzSha256(bytes, unxz) : unxz(bytes);
  }
}

/** Runs `bytes` through a Node transform; an error of either side ends the iteration with it. */
function through(bytes: Uint8Array, transform: NodeJS.ReadWriteStream & Readable): AsyncIterable<Uint8Array> {
  Readable.from(pieces(bytes)).pipe(transform);
  return transform;
}

/** Node's decoder does not mind what follows the last frame: that is checked first. */
async function* unzstd(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  checkZstdFrames(bytes);
  yield* through(
    bytes,
    createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: MOST_HISTORY_LOG2 } }),
  );
}

/**
 * xz-decompress serves one stream at a time and starts the next only when this one has ended; cancelling one leaves
 * it undefined who ends it. So an early end is made by an end of the input, and then waited for.
 */
async function* unxz(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  let stopped = false;
  function* input(): Generator<Uint8Array, void, undefined> {
    for (const piece of pieces(bytes)) {
      if (stopped) return;
      yield piece;
    }
  }
  const reader = new xz.XzReadableStream(ReadableStream.from(input())).getReader();
  let open = true;
  try {
    for (;;) {
      open = false; // a read that throws has ended the stream
      const { done, value } = await reader.read();
      if (done) return;
      open = true;
      yield value;
    }
  } finally {
    stopped = true;
    while (open)
      open = await reader.read().then(
        ({ done }) => !done,
        () => false,
      );
  }
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}
