/**
 * Counts how regions leave and how many instructions they execute: each region's function is replaced by one of WebAssembly that calls
 * it and then reports.
 */

import type * as exits from '../../../src/emulator/cpu/exit.ts';
import type * as layouts from '../../../src/emulator/cpu/layout.ts';
import type * as leavings from '../../../src/emulator/engine/interpreter/leaving.ts';
import type { RegionTable } from '../../../src/emulator/engine/interpreter/region-table.ts';
import type { Arena } from '../../../src/emulator/memory/arena.ts';
import type * as wasm from '../../../src/emulator/wasm/index.ts';
import type { Counts } from './counts.ts';

type Load = <T>(path: string) => Promise<T>;
const RECORD_SHIFT = 4;
const ENTRIES_SHIFT = 8;

/** @returns replaces a region's instance */
export async function countRegions(
  load: Load,
  counts: Counts,
): Promise<(instance: WebAssembly.Instance) => WebAssembly.Instance> {
  const layout = await load<typeof layouts>('emulator/cpu/layout.js');
  const { LEAVING } = await load<typeof leavings>('emulator/engine/interpreter/leaving.js');
  const { EXIT } = await load<typeof exits>('emulator/cpu/exit.js');
  const { prototype } = (
    await load<{ readonly RegionTable: typeof RegionTable }>('emulator/engine/interpreter/region-table.js')
  ).RegionTable;
  const reasons = new Map<number, string>([
    ...Object.entries(EXIT).map(([name, code]): [number, string] => [code, `exit ${name}`]),
    ...Object.entries(LEAVING).map(([name, code]): [number, string] => [code, name]),
  ]);
  const wrapper = new WebAssembly.Module(await wrapperBytes(load));
  const Instance = WebAssembly.Instance;
  /** The records of entries, by the function's index and the entry's number. */
  const records = new Map<number, number>();
  const numbers = new Map<unknown, { index: number }>();
  let words: Int32Array = new Int32Array(0);
  const { set } = prototype;
  prototype.set = function (this: RegionTable, record, index, entry) {
    records.set((index << ENTRIES_SHIFT) | entry, record);
    return set.call(this, record, index, entry);
  };
  const table = WebAssembly.Table.prototype;
  const { set: setFunction } = table;
  table.set = function (this: WebAssembly.Table, index: number, value?: unknown) {
    if (value === null) counts.add('regions dropped');
    const made = numbers.get(value);
    if (made !== undefined) made.index = index;
    setFunction.call(this, index, value);
  };
  const { Arena: ArenaClass } = await load<{ readonly Arena: typeof Arena }>('emulator/memory/arena.js');
  const { reserve } = ArenaClass.prototype;
  ArenaClass.prototype.reserve = function (this: Arena, bytes) {
    words = this.words;
    return reserve.call(this, bytes);
  };
  return (instance) => {
    counts.add('regions compiled');
    const place = { index: -1 };
    const left = (code: number, leftBase: number, entry: number): void => {
      counts.add(`region left: ${reasons.get(code) ?? code}`);
      const record = records.get((place.index << ENTRIES_SHIFT) | entry);
      if (record === undefined) throw new Error('a region is entered where it has no entry');
      const before = leftBase - (record >>> RECORD_SHIFT);
      const at = words[layout.REGION_RECORD >> 2] as number;
      const after =
        code === LEAVING.far
          ? (words[layout.LEFT >> 2] as number)
          : (words[layout.LEFT_BASE >> 2] as number) - (at >>> RECORD_SHIFT);
      counts.add('instructions in regions', (before - after) | 0);
    };
    const made = new Instance(wrapper, {
      env: { memory: new WebAssembly.Memory({ initial: 1 }), inner: instance.exports.run, left },
    });
    numbers.set(made.exports.run, place);
    return made;
  };
}

/** `run(tlb, leftBase, entry)`: calls `inner` alike, then `left(answer, leftBase, entry)`, and answers what `inner` did. */
async function wrapperBytes(load: Load): Promise<Uint8Array<ArrayBuffer>> {
  const { ModuleBuilder, FunctionBody, call, callVoid, localGet } =
    await load<typeof wasm>('emulator/wasm/index.js');
  const three = { parameters: ['i32', 'i32', 'i32'], results: ['i32'] } as const;
  const module = new ModuleBuilder('counted-region');
  const inner = module.import('inner', three);
  const left = module.import('left', { parameters: ['i32', 'i32', 'i32'], results: [] });
  const run = module.declare('run', three, true);
  const body = new FunctionBody(3);
  const parameter = (index: number): wasm.I32 => localGet('i32', index);
  const answer = body.let(call('i32', inner, [parameter(0), parameter(1), parameter(2)]));
  body.effect(callVoid(left, [answer, parameter(1), parameter(2)]));
  body.effect(answer);
  module.define(run, body);
  return module.encode(1);
}
