/** Stands in the place of `bytes.js` in dist/: reads the modules' bytes that the build made beside it. */

import { readFileSync } from 'node:fs';
import { type Mode, modeKey } from '../../cpu/mode.ts';

/** An interpreter's bytes for one mode. @throws the system's error where the build left no such file */
export function interpreterBytes(mode: Mode): Uint8Array<ArrayBuffer> {
  return readFileSync(new URL(`./mode-${modeKey(mode)}.wasm`, import.meta.url));
}

/** The helpers module's bytes. @throws likewise */
export function helpersBytes(): Uint8Array<ArrayBuffer> {
  return readFileSync(new URL('./helpers.wasm', import.meta.url));
}
