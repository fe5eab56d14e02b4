/**
 * Decodes a snappy block (the raw format, without framing), the compression of `makedumpfile -p`. Source: snappy,
 * format_description.txt ("Snappy compressed format description", 2011-10-05).
 *
 * A block starts with the length of what comes out, 32 bits as a varint (7 bits a byte, the lowest first). Elements
 * follow, their kind in the two lowest bits of the first byte:
 *
 *     first byte  operands     copies
 *     LLLLLL00                 1 + L literals; L of 60 to 63: the length less 1 is in the next 1 to 4 bytes
 *     DDDLLL01    d            4 + L bytes, distance 256 D + d
 *     LLLLLL10    d, 2 bytes   1 + L bytes, distance d
 *     LLLLLL11    d, 4 bytes   1 + L bytes, distance d
 *
 * Integers are little-endian. Whole blocks only: the elements must give exactly the length at the start.
 */

import { BlockInput, BlockOutput, blockError } from './lz-block.ts';

/**
 * The bytes that `data`, one whole block, stands for. A block that claims more than `limit` is refused before anything
 * is allocated.
 * @throws FormatError `vmcore/bad-page-data`.
 */
export function decompressSnappy(data: Uint8Array, limit: number): Uint8Array {
  const input = new BlockInput(data);
  const size = readSize(input);
  if (size > limit) throw blockError(`${size} bytes are claimed, of ${limit} at most`, 0);
  const output = new BlockOutput(size);
  while (!input.atEnd) {
    const tag = input.byte();
    const high = tag >> 2;
    switch (tag & 3) {
      case 0:
        output.literal(input, 1 + (high < 60 ? high : input.littleEndian(high - 59)));
        break;
      case 1:
        output.repeat(input, ((tag >> 5) << 8) + input.byte(), 4 + (high & 7));
        break;
      case 2:
        output.repeat(input, input.littleEndian(2), 1 + high);
        break;
      default:
        output.repeat(input, input.littleEndian(4), 1 + high);
    }
  }
  const bytes = output.finish();
  if (bytes.length !== size)
    throw blockError(`${bytes.length} bytes come out, ${size} are claimed`, input.offset);
  return bytes;
}

function readSize(input: BlockInput): number {
  let size = 0;
  for (let shift = 0; shift <= 28; shift += 7) {
    const byte = input.byte();
    size += (byte & 0x7f) * 2 ** shift;
    if (byte >= 0x80) continue;
    if (size > 0xffff_ffff) break;
    return size;
  }
  throw blockError('the length at the start has more than 32 bits', 0);
}
