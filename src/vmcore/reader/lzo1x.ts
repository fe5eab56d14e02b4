/**
 * Decodes LZO1X, the compression of `makedumpfile -l`. Source: Linux, Documentation/staging/lzo.rst ("LZO stream
 * format as understood by Linux's LZO decompressor"), bitstream version 0.
 *
 * A stream is a sequence of instructions. Most copy a match from what was decoded before and then, by their two lowest
 * bits (S), zero to three literals; what a first byte below 16 means depends on how many literals came just before:
 *
 *     first byte  operands       copies
 *     0000LLLL                   after S = 0 or at the start: 3 + L literals; L = 0: 18 + more
 *     0000DDSS    H              after 1 to 3 literals: 2 bytes, distance 1 + D + 4 H
 *     0000DDSS    H              after 4 or more literals: 3 bytes, distance 2049 + D + 4 H
 *     0001HLLL    D << 2 | S     2 + L bytes, distance 16384 + D + 16384 H; L = 0: 9 + more; distance 16384: the end
 *     001LLLLL    D << 2 | S     2 + L bytes, distance 1 + D; L = 0: 33 + more
 *     01LDDDSS    H              3 + L bytes, distance 1 + D + 8 H
 *     1LLDDDSS    H              5 + L bytes, distance 1 + D + 8 H
 *
 * "More" is 255 for each zero byte that follows, and then one byte that is not zero. D << 2 | S is 16 bits,
 * little-endian. A stream whose first byte is above 17 starts with that byte less 17 literals.
 *
 * Left out: bitstream version 1 (LZO-RLE), which only the kernel's own compressed memory uses.
 */

import { BlockInput, BlockOutput, blockError } from './lz-block.ts';

/** So many literals that the exact number no longer matters for the next instruction. */
const LONG_RUN = 4;
const FAR = 16384;

/**
 * The bytes that `data`, one whole stream, stands for: at most `limit`.
 * @throws FormatError `vmcore/bad-page-data`.
 */
export function decompressLzo1x(data: Uint8Array, limit: number): Uint8Array {
  const input = new BlockInput(data);
  const output = new BlockOutput(limit);
  let literals = firstLiterals(input, data[0] ?? 0, output);
  for (;;) {
    const code = input.byte();
    let length: number;
    let distance: number;
    let following = code & 3;
    if (code >= 64) {
      length = code >= 128 ? 5 + ((code >> 5) & 3) : 3 + ((code >> 5) & 1);
      distance = 1 + ((code >> 2) & 7) + 8 * input.byte();
    } else if (code >= 16) {
      const near = code >= 32;
      length = 2 + lengthOf(input, near ? code & 31 : code & 7, near ? 31 : 7);
      const operand = input.halfword();
      following = operand & 3;
      distance = (operand >> 2) + (near ? 1 : FAR + FAR * ((code >> 3) & 1));
      if (!near && distance === FAR) break;
    } else if (literals === 0) {
      output.literal(input, 3 + lengthOf(input, code, 15));
      literals = LONG_RUN;
      continue;
    } else {
      length = literals === LONG_RUN ? 3 : 2;
      distance = (literals === LONG_RUN ? 2049 : 1) + (code >> 2) + 4 * input.byte();
    }
    output.repeat(input, distance, length);
    output.literal(input, following);
    literals = following;
  }
  if (!input.atEnd) throw blockError('bytes follow the end of the LZO stream', input.offset);
  return output.finish();
}

/** Reads the literals that a first byte above 17 counts. Returns how many there were, LONG_RUN for more. */
function firstLiterals(input: BlockInput, first: number, output: BlockOutput): number {
  if (first <= 17) return 0;
  const count = input.byte() - 17;
  output.literal(input, count);
  return Math.min(count, LONG_RUN);
}

/** A length of which `bits` are in the instruction: where they are 0, `base` and more. */
function lengthOf(input: BlockInput, bits: number, base: number): number {
  if (bits !== 0) return bits;
  let length = base;
  for (;;) {
    const byte = input.byte();
    if (byte !== 0) return length + byte;
    length += 255;
  }
}
