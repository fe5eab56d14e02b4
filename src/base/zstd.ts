/**
 * zstd by Node's own zlib, and what Node leaves out: it ignores most of what may follow the last frame, which in a
 * file or a block is damage. Source of the frame format: RFC 8878, section 3.1 (Frames).
 */

import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

const FRAME_MAGIC = 0xfd2fb528;
/** 0x184d2a50 to 0x184d2a5f begin a frame that decoders skip. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const BLOCK_RLE = 1;
/** Sizes of header fields, by the two bits that choose them. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;

/** RFC 8878 §3.1.1.1.2 recommends that every decoder supports windows of 8 MiB; frames of a page or a chunk need less. */
const WINDOW_LOG2 = 23;

/** `bytes` as one frame that names its content's size. */
export function zstdCompress(bytes: Uint8Array, level: number): Uint8Array {
  return zstdCompressSync(bytes, {
    params: { [constants.ZSTD_c_compressionLevel]: level },
    pledgedSrcSize: bytes.length,
    chunkSize: outputPiece(bytes.length),
  });
}

/**
 * What the frames in `bytes` hold, at most `limit` bytes (1 or more), in memory of its own. The decoder takes 8 MiB at most.
 * @throws Error when the frames are damaged or cut short, when something else follows them, or when more comes out.
 */
export function zstdDecompress(bytes: Uint8Array, limit: number): Uint8Array {
  checkZstdFrames(bytes);
  const options = {
    maxOutputLength: limit,
    chunkSize: outputPiece(limit),
    params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG2 },
  };
  // Node may answer with a part of its shared pool, which must not be handed to another thread.
  return new Uint8Array(zstdDecompressSync(bytes, options));
}

/**
 * Walks over the frames by their headers; their content is not looked at.
 * @throws Error unless `bytes` are whole frames up to the end.
 */
export function checkZstdFrames(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  try {
    while (at < bytes.length) at = frameEnd(view, at);
  } catch (cause) {
    if (cause instanceof RangeError) throw new Error('zstd: the last frame is cut short', { cause });
    throw cause;
  }
  if (at > bytes.length) throw new Error('zstd: the last frame is cut short');
}

/** Where the frame at `at` ends. @throws RangeError where its headers lie outside of the data */
function frameEnd(view: DataView, at: number): number {
  const magic = view.getUint32(at, true);
  if ((magic & ~15) >>> 0 === SKIPPABLE_MAGIC) return at + 8 + view.getUint32(at + 4, true);
  if (magic !== FRAME_MAGIC) throw new Error(`zstd: no frame begins at byte ${at}`);
  const descriptor = view.getUint8(at + 4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const contentSize = CONTENT_SIZE_BYTES[(descriptor >> 6) as 0 | 1 | 2 | 3];
  let next = at + 5 + DICTIONARY_ID_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3];
  // A frame of one segment has no window descriptor, and names its content's size in any case.
  next += singleSegment ? Math.max(1, contentSize) : 1 + contentSize;
  for (let last = false; !last; ) {
    const header = view.getUint8(next) | (view.getUint16(next + 1, true) << 8);
    last = (header & 1) !== 0;
    next += 3 + (((header >> 1) & 3) === BLOCK_RLE ? 1 : header >> 3);
  }
  return next + ((descriptor & 4) === 0 ? 0 : 4);
}

/** The size of the buffers that Node fills: all of a small output in one. Node accepts 64 or more. */
function outputPiece(limit: number): number {
  return Math.max(64, Math.min(limit, 1 << 17));
}
