/** Stands in the place of `bytes.js` in dist/: reads the interpreter modules' bytes that the build made beside it. */

import { readFileSync } from 'node:fs';
import { type Mode, modeKey } from '../../cpu/mode.ts';

/** The module's bytes for one mode. @throws the system's error where the build left no such file */
export function interpreterBytes(mode: Mode): Uint8Array<ArrayBuffer> {
  return readFileSync(new URL(`./mode-${modeKey(mode)}.wasm`, import.meta.url));
}
