/**
 * Writes plain ustar archives that depend on nothing but their contents: fixed owner, mode and time.
 * Source: POSIX.1-2017, pax, "ustar Interchange Format".
 * Left out: names longer than 100 bytes, anything but files.
 */

import { assert } from '../base/errors.ts';

/** A file to write; `name` is at most 99 bytes of ASCII. */
export type TarFile = { readonly name: string; readonly data: Uint8Array };

const BLOCK = 512;

/**
 * The archive in pieces, to be written one after another; file data is not copied.
 * @param unit the total is padded with zeros to a multiple of this many bytes (a multiple of 512)
 */
export function buildTar(files: readonly TarFile[], unit: number): Uint8Array[] {
  assert(unit % BLOCK === 0, 'buildTar: unit is a multiple of the block size');
  const pieces: Uint8Array[] = [];
  for (const file of files) {
    pieces.push(header(file), file.data, new Uint8Array(-file.data.length & (BLOCK - 1)));
  }
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0) + 2 * BLOCK;
  pieces.push(new Uint8Array(Math.ceil(total / unit) * unit - total + 2 * BLOCK));
  return pieces;
}

function header(file: TarFile): Uint8Array {
  assert(/^[\x21-\x7e]{1,99}$/.test(file.name), 'buildTar: a short ASCII name');
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  block.write(file.name, 0);
  block.write(`${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100);
  block.write(`${octal(file.data.length, 11)}\0${octal(0, 11)}\0`, 124);
  block.write('        0', 148);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return new Uint8Array(block);
}
