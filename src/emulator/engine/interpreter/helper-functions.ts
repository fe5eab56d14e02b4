/** The functions of an engine's helpers: those that compiled code imports (semantics/helpers/compiled), over the engine's arena. */

import type { Arena } from '../../memory/arena.ts';
import { helperFunction } from '../../semantics/helpers/compiled/index.ts';
import { HELPERS } from '../../semantics/helpers/index.ts';
import { helpersModule } from './modules.ts';

/** By the names under which modules import them. */
export type HelperFunctions = Readonly<Record<string, unknown>>;

export function helperFunctions(arena: Arena): HelperFunctions {
  const env: Record<string, unknown> = { memory: arena.memory };
  for (const [name, helper] of HELPERS) {
    env[helperFunction(name)] = (a: number, b: number, c: number, d: number) =>
      helper.run(arena.view, a, b, c, d);
  }
  return new WebAssembly.Instance(helpersModule(), { env }).exports;
}
