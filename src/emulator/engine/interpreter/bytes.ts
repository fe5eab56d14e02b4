/**
 * Gives the bytes of the interpreters' and the helpers' modules. Here they are built from the tables, which takes some 20 ms of a processor each. The build
 * makes them once and puts `built-bytes.js` in this module's place (scripts/build/finish-server.mjs).
 */

import type { Mode } from '../../cpu/mode.ts';
import { buildHelpers } from '../../semantics/helpers/compiled/index.ts';
import { buildInterpreter } from './interpreter.ts';

/** The module's bytes for one mode. */
export function interpreterBytes(mode: Mode): Uint8Array<ArrayBuffer> {
  return buildInterpreter(mode);
}

/** The helpers module's bytes. */
export function helpersBytes(): Uint8Array<ArrayBuffer> {
  return buildHelpers();
}
