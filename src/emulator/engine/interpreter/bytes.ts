/**
 * Gives the interpreter modules' bytes. Here they are built from the tables, which takes some 50 ms of a processor each. The build
 * makes them once and puts `built-bytes.js` in this module's place (scripts/build/finish-server.mjs).
 */

import type { Mode } from '../../cpu/mode.ts';
import { buildInterpreter } from './interpreter.ts';

/** The module's bytes for one mode. */
export function interpreterBytes(mode: Mode): Uint8Array<ArrayBuffer> {
  return buildInterpreter(mode);
}
