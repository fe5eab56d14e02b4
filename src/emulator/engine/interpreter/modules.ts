/**
 * The compiled interpreters of this thread, one a mode. A compiled module can be handed to another thread, which then
 * shares its machine code, also what V8 optimises later: the owner of many partitions compiles for all of them.
 */

import { MODES, type Mode, modeKey } from '../../cpu/mode.ts';
import { interpreterBytes } from './bytes.ts';

/** Compiled interpreters by mode, as they go from thread to thread. */
export type InterpreterModules = ReadonlyMap<number, WebAssembly.Module>;

const compiled = new Map<number, WebAssembly.Module>();

/** The interpreter of a mode, compiled once a thread unless another thread's was adopted. */
export function interpreterModule(mode: Mode): WebAssembly.Module {
  const key = modeKey(mode);
  let module = compiled.get(key);
  if (module === undefined) {
    module = new WebAssembly.Module(interpreterBytes(mode));
    compiled.set(key, module);
  }
  return module;
}

/** The interpreters of every mode, for other threads. */
export function modulesToShare(): InterpreterModules {
  for (const mode of MODES) interpreterModule(mode);
  return compiled;
}

/** Takes over what another thread compiled. */
export function adoptModules(modules: InterpreterModules): void {
  for (const [key, module] of modules) compiled.set(key, module);
}
