/**
 * A command's data buffer, as SRP describes it: one piece, or a list of pieces of which the first are in the command.
 * Source: SRP-r16a §5.6.2 (direct and indirect data buffer descriptors). A descriptor is a 64-bit address, a 32-bit key, which a
 * virtual adapter does not use, and a 32-bit length.
 */

import { getU32, getU64 } from '../../../base/bytes.ts';
import type { DmaWindow } from './dma.ts';
import { COMMAND } from './layout.ts';

type Piece = { readonly ioba: bigint; readonly bytes: number };

const NONE = 0;
const DIRECT = 1;
const INDIRECT = 2;
const DESCRIPTOR = 16;
/** The list's own descriptor and the length of it all come before the pieces. */
const LIST_HEADER = 20;
/** More pieces than any client's scatter list. */
const MOST_PIECES = 1024;

export class DataBuffer {
  readonly #pieces: readonly Piece[];
  readonly #dma: DmaWindow;
  readonly bytes: number;

  constructor(dma: DmaWindow, pieces: readonly Piece[]) {
    this.#dma = dma;
    this.#pieces = pieces;
    this.bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
  }

  /** Fills the buffer from its start. @returns whether all pieces could be written. */
  write(bytes: Uint8Array): boolean {
    let at = 0;
    for (const piece of this.#pieces) {
      const part = bytes.subarray(at, at + piece.bytes);
      if (part.length === 0) break;
      if (!this.#dma.write(piece.ioba, part)) return false;
      at += part.length;
    }
    return true;
  }

  /** The first `length` bytes, which it must have; undefined where a piece may not be read. */
  read(length: number): Uint8Array | undefined {
    const out = new Uint8Array(length);
    let at = 0;
    for (const piece of this.#pieces) {
      const part = Math.min(piece.bytes, length - at);
      if (part === 0) break;
      const bytes = this.#dma.read(piece.ioba, part);
      if (bytes === undefined) return undefined;
      out.set(bytes, at);
      at += part;
    }
    return out;
  }
}

/**
 * The buffers of a command.
 * @param unit The command's information unit.
 * @returns 'invalid' when the descriptors go beyond the unit; 'fault' when the list may not be read.
 */
export function commandBuffers(
  dma: DmaWindow,
  unit: Uint8Array,
): { readonly out: DataBuffer; readonly in: DataBuffer } | 'invalid' | 'fault' {
  const formats = unit[COMMAND.formats] ?? 0;
  const additional = (unit[COMMAND.additionalCdb] ?? 0) & ~3;
  const out = pieces(dma, unit, COMMAND.data + additional, formats >>> 4, unit[COMMAND.outCount] ?? 0);
  if (typeof out === 'string') return out;
  const input = pieces(dma, unit, out.end, formats & 0xf, unit[COMMAND.inCount] ?? 0);
  if (typeof input === 'string') return input;
  return { out: new DataBuffer(dma, out.list), in: new DataBuffer(dma, input.list) };
}

function pieces(
  dma: DmaWindow,
  unit: Uint8Array,
  at: number,
  format: number,
  count: number,
): { readonly list: readonly Piece[]; readonly end: number } | 'invalid' | 'fault' {
  if (format === NONE) return { list: [], end: at };
  if (format === DIRECT) {
    const end = at + DESCRIPTOR;
    return end > unit.length ? 'invalid' : { list: [piece(unit, at)], end };
  }
  const end = at + LIST_HEADER + count * DESCRIPTOR;
  if (format !== INDIRECT || end > unit.length) return 'invalid';
  const table = piece(unit, at);
  const total = Math.floor(table.bytes / DESCRIPTOR);
  if (total > MOST_PIECES) return 'invalid';
  const here = Math.min(count, total);
  const list = Array.from({ length: here }, (_, i) => piece(unit, at + LIST_HEADER + i * DESCRIPTOR));
  if (total > here) {
    const rest = dma.read(table.ioba + BigInt(here * DESCRIPTOR), (total - here) * DESCRIPTOR);
    if (rest === undefined) return 'fault';
    for (let i = 0; i < total - here; i++) list.push(piece(rest, i * DESCRIPTOR));
  }
  return { list, end };
}

function piece(bytes: Uint8Array, at: number): Piece {
  return { ioba: getU64(bytes, at, 'big'), bytes: getU32(bytes, at + 12, 'big') };
}
