/**
 * Reads from the headers of an .xz stream how much memory its decoder takes and how much comes out, before anything is
 * decoded. Every chunk of LZMA2 names its own length and that of its output, so that the walk needs no index, which could lie.
 * Source: "The .xz File Format" 1.1.0, sections 2 to 4; chunks as in Linux lib/xz/xz_dec_lzma2.c (lzma2_lzma, control bytes).
 * Left out: streams after the first, which the decoder does not read either.
 */

/** Bytes: the largest dictionary of a block, and all output. */
export type XzSize = { readonly dictionary: number; readonly output: number };

export const STREAM_HEADER = 12;
/** Bytes of a block's check, by its kind. */
export const CHECK_BYTES: readonly number[] = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
const LZMA2 = 0x21;

/** @throws RangeError where the headers lead outside of the data; Error where they make no sense */
export function xzSize(bytes: Uint8Array): XzSize {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const check = CHECK_BYTES[view.getUint8(7) & 15] ?? 0;
  let [at, dictionary, output] = [STREAM_HEADER, 0, 0];
  // A block's header begins with its size; the index, which follows the last block, with 0.
  while (view.getUint8(at) !== 0) {
    dictionary = Math.max(dictionary, dictionaryOf(view, at));
    const start = at + headerBytes(view, at);
    const chunks = walkChunks(view, start);
    output += chunks.output;
    at = start + Math.ceil((chunks.end - start) / 4) * 4 + check;
  }
  return { dictionary, output };
}

/** Of the block whose header is at `at`. */
export function headerBytes(view: DataView, at: number): number {
  return (view.getUint8(at) + 1) * 4;
}

/** The dictionary of the block whose header is at `at`. LZMA2 is the last of its filters. */
function dictionaryOf(view: DataView, at: number): number {
  const flags = view.getUint8(at + 1);
  let next = at + 2;
  const multibyte = (): number => {
    let value = 0;
    for (let shift = 0; shift < 63; shift += 7) {
      const byte = view.getUint8(next++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error('xz: a number has no end');
  };
  if ((flags & 0x40) !== 0) multibyte();
  if ((flags & 0x80) !== 0) multibyte();
  for (let filter = 0; filter <= (flags & 3); filter++) {
    const id = multibyte();
    const size = multibyte();
    if (id === LZMA2 && size === 1) return dictionaryBytes(view.getUint8(next));
    next += size;
  }
  throw new Error('xz: a block without LZMA2');
}

/** "The .xz File Format" 5.3.1: two bits of a mantissa, and an exponent. */
function dictionaryBytes(bits: number): number {
  return bits >= 40 ? 2 ** 32 : (2 | (bits & 1)) * 2 ** ((bits >> 1) + 11);
}

/** Where the chunks that begin at `start` end, behind their end marker, and how much comes out of them. */
export function walkChunks(view: DataView, start: number): { readonly end: number; readonly output: number } {
  let [at, output] = [start, 0];
  for (;;) {
    const control = view.getUint8(at);
    if (control === 0) return { end: at + 1, output };
    if (control < 0x80) {
      if (control > 2) throw new Error('xz: a chunk of an unknown kind');
      const size = view.getUint16(at + 1) + 1;
      output += size;
      at += 3 + size;
    } else {
      output += ((control & 0x1f) << 16) + view.getUint16(at + 1) + 1;
      // From 0xc0 on the chunk has a byte of properties.
      at += (control >= 0xc0 ? 6 : 5) + view.getUint16(at + 3) + 1;
    }
  }
}
