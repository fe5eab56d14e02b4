/** Changes single bits of files, as a failing disk does. */

import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs';

/** Where a bit was changed. `bit` counts from 0 in the byte. */
export type Flip = { readonly file: string; readonly offset: number; readonly bit: number };

/** Changes one bit. Doing it again undoes it. */
export function flipBit({ file, offset, bit }: Flip): void {
  const handle = openSync(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    readSync(handle, byte, 0, 1, offset);
    byte[0] = (byte[0] ?? 0) ^ (1 << bit);
    writeSync(handle, byte, 0, 1, offset);
  } finally {
    closeSync(handle);
  }
}

/**
 * A place in one of the files: each byte of all of them is as likely.
 * @param random from 0 to 1
 * @param first so many bytes of each file count; absent: all
 */
export function randomFlip(
  files: readonly string[],
  random: () => number,
  first: number = Number.POSITIVE_INFINITY,
): Flip {
  const sizes = files.map((file) => Math.min(first, statSync(file).size));
  let at = Math.floor(random() * sizes.reduce((sum, size) => sum + size, 0));
  for (const [i, file] of files.entries()) {
    const size = sizes[i] ?? 0;
    if (at < size) return { file, offset: at, bit: Math.floor(random() * 8) };
    at -= size;
  }
  throw new Error('there is no byte to change');
}
