/**
 * Decodes .xz streams whose blocks are checked by SHA-256, as RPM writes them: the decoder knows CRC32 and CRC64 alone. It is given
 * the same blocks in a stream without checks, and what comes out is checked here.
 * Source: "The .xz File Format" 1.1.0, sections 2 to 4; rpm 4.18 writes check 10 (seen in what rpmbuild wrote).
 */

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { concatBytes } from '../base/bytes.ts';
import { CHECK_BYTES, headerBytes, STREAM_HEADER, walkChunks } from './xz-size.ts';

/** Bytes of what comes out of a block, and its digest. */
type Block = { readonly output: number; readonly digest: Uint8Array };

const SHA256 = 10;
const NO_CHECK = Uint8Array.of(0, 0);
/** xz makes one for each thread's share, of 3 MiB and more. */
const MAX_BLOCKS = 65536;

export function hasSha256(bytes: Uint8Array): boolean {
  return bytes[7] === SHA256;
}

/**
 * @param decode for a stream without checks
 * @throws Error for an output that is not what its digest says
 */
export async function* unxzSha256(
  bytes: Uint8Array,
  decode: (stream: Uint8Array) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { stream, blocks } = withoutChecks(bytes);
  let hash = createHash('sha256');
  let [block, left] = [0, blocks[0]?.output ?? 0];
  const closeBlocks = (): void => {
    for (let open = blocks[block]; open !== undefined && left === 0; open = blocks[block]) {
      if (!hash.digest().equals(open.digest))
        throw new Error(`xz: block ${block} is not what its SHA-256 says`);
      hash = createHash('sha256');
      block += 1;
      left = blocks[block]?.output ?? 0;
    }
  };
  closeBlocks();
  for await (const piece of decode(stream)) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + left);
      if (part.length === 0) throw new Error('xz: more comes out than the blocks hold');
      hash.update(part);
      left -= part.length;
      at += part.length;
      closeBlocks();
    }
    yield piece;
  }
  if (block !== blocks.length) throw new Error('xz: less comes out than the blocks hold');
}

/** @throws RangeError where the headers lead outside of the data; Error where they make no sense */
function withoutChecks(bytes: Uint8Array): {
  readonly stream: Uint8Array;
  readonly blocks: readonly Block[];
} {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const checkBytes = CHECK_BYTES[SHA256] ?? 0;
  const blocks: Block[] = [];
  const parts: Uint8Array[] = [bytes.subarray(0, 6), NO_CHECK, crcOf(NO_CHECK)];
  const records: Uint8Array[] = [];
  let at = STREAM_HEADER;
  while (view.getUint8(at) !== 0) {
    if (blocks.length === MAX_BLOCKS) throw new Error('xz: absurdly many blocks');
    const start = at + headerBytes(view, at);
    const chunks = walkChunks(view, start);
    const end = start + Math.ceil((chunks.end - start) / 4) * 4;
    parts.push(bytes.subarray(at, end));
    records.push(multibyte(chunks.end - at), multibyte(chunks.output));
    blocks.push({ output: chunks.output, digest: bytes.subarray(end, end + checkBytes) });
    at = end + checkBytes;
  }
  const listed = concatBytes([Uint8Array.of(0), multibyte(blocks.length), ...records]);
  const padded = concatBytes([listed, new Uint8Array(-listed.length & 3)]);
  const footer = concatBytes([word((padded.length + 4) / 4 - 1), NO_CHECK]);
  parts.push(padded, crcOf(padded), crcOf(footer), footer, Uint8Array.of(0x59, 0x5a));
  return { stream: concatBytes(parts), blocks };
}

function crcOf(bytes: Uint8Array): Uint8Array {
  return word(crc32(bytes));
}

function word(value: number): Uint8Array {
  return Uint8Array.of(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
}

/** Seven bits a byte, the lowest first. */
function multibyte(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 0x80);
  return Uint8Array.of(...out, rest);
}
