/**
 * The compiled modules of this thread: interpreters, one a mode, and the helpers'. A compiled module can be handed to another thread, which then
 * shares its machine code, also what V8 optimises later: the owner of many partitions compiles for all of them.
 */

import { MODES, type Mode, modeKey } from '../../cpu/mode.ts';
import { helpersBytes, interpreterBytes } from './bytes.ts';

/** Compiled interpreters by mode, and {@link HELPERS_KEY}, as they go from thread to thread. */
export type InterpreterModules = ReadonlyMap<number, WebAssembly.Module>;

/** No mode has this key. */
const HELPERS_KEY = -1;
const compiled = new Map<number, WebAssembly.Module>();

/** The interpreter of a mode, compiled once a thread unless another thread's was adopted. */
export function interpreterModule(mode: Mode): WebAssembly.Module {
  return compiledOnce(modeKey(mode), () => interpreterBytes(mode));
}

/** The module of helpers, likewise. */
export function helpersModule(): WebAssembly.Module {
  return compiledOnce(HELPERS_KEY, helpersBytes);
}

function compiledOnce(key: number, bytes: () => Uint8Array<ArrayBuffer>): WebAssembly.Module {
  let module = compiled.get(key);
  if (module === undefined) {
    module = new WebAssembly.Module(bytes());
    compiled.set(key, module);
  }
  return module;
}

/** The helpers and the interpreters of every mode, for other threads. */
export function modulesToShare(): InterpreterModules {
  helpersModule();
  for (const mode of MODES) interpreterModule(mode);
  return compiled;
}

/** Takes over what another thread compiled. */
export function adoptModules(modules: InterpreterModules): void {
  for (const [key, module] of modules) compiled.set(key, module);
}
