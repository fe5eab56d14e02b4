/**
 * The compiled interpreters of this thread, one a mode. A compiled module can be handed to another thread, which then
 * shares its machine code, also what V8 optimises later: the owner of many partitions compiles for all of them.
 */

import { type Mode, modeKey } from '../../cpu/mode.ts';
import { buildInterpreter } from './interpreter.ts';

/** Compiled interpreters by mode, as they go from thread to thread. */
export type InterpreterModules = ReadonlyMap<number, WebAssembly.Module>;

const compiled = new Map<number, WebAssembly.Module>();

/** The interpreter of a mode, built and compiled once a thread. */
export function interpreterModule(mode: Mode): WebAssembly.Module {
  const key = modeKey(mode);
  let module = compiled.get(key);
  if (module === undefined) {
    module = new WebAssembly.Module(buildInterpreter(mode));
    compiled.set(key, module);
  }
  return module;
}

/** The modes that every kernel uses, for other threads. */
export function modulesToShare(): InterpreterModules {
  for (const littleEndian of [false, true]) interpreterModule({ mode64: true, littleEndian });
  return compiled;
}

/** Takes over what another thread compiled. */
export function adoptModules(modules: InterpreterModules): void {
  for (const [key, module] of modules) compiled.set(key, module);
}
