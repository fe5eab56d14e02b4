/**
 * Counts what a partition does, by following the public methods of its parts and the functions that compiled code calls and is
 * entered by. It costs time: a run that counts is not measured.
 */

import type * as exits from '../../../src/emulator/cpu/exit.ts';
import type { Vcpu } from '../../../src/emulator/cpu/vcpu.ts';
import type { CodeCache } from '../../../src/emulator/engine/code-cache.ts';
import type { GuestMmu } from '../../../src/emulator/mmu/contract.ts';
import type { MachineWatch } from '../../../src/emulator/partition/observe/watch.ts';
import type * as opcodes from '../../../src/emulator/platform/contract/opcodes.ts';
import type * as specials from '../../../src/emulator/semantics/system/specials.ts';
import { countRegions } from './count-regions.ts';
import type { Counts } from './counts.ts';

type Load = <T>(path: string) => Promise<T>;
type Callable = (...args: number[]) => number;

/** @param load loads a module of the built daemon */
export async function countGuest(load: Load, counts: Counts): Promise<void> {
  await Promise.all([
    countWatched(load, counts),
    countCode(load, counts),
    countWalks(load, counts),
    countCompiled(load, counts),
  ]);
}

async function countWatched(load: Load, counts: Counts): Promise<void> {
  const { hcallNameOf } = await load<typeof opcodes>('emulator/platform/contract/opcodes.js');
  const { prototype } = (
    await load<{ readonly MachineWatch: typeof MachineWatch }>('emulator/partition/observe/watch.js')
  ).MachineWatch;
  const { hypercall, rtas, interrupt, msrChanged } = prototype;
  prototype.hypercall = function (this: MachineWatch, vcpu, opcode, args, result) {
    counts.add(`hypercall ${hcallNameOf(opcode) ?? `0x${opcode.toString(16)}`}`);
    hypercall.call(this, vcpu, opcode, args, result);
  };
  prototype.rtas = function (this: MachineWatch, cpu, name, args, message) {
    counts.add(`RTAS ${name}`);
    rtas.call(this, cpu, name, args, message);
  };
  prototype.interrupt = function (this: MachineWatch, vcpu, vector, returnTo) {
    counts.add(`interrupt 0x${vector.toString(16)}`);
    interrupt.call(this, vcpu, vector, returnTo);
  };
  prototype.msrChanged = function (this: MachineWatch, vcpu: Vcpu, before, target) {
    counts.add(before === vcpu.msr ? 'MSR written, the same' : 'MSR changed');
    msrChanged.call(this, vcpu, before, target);
  };
}

async function countCode(load: Load, counts: Counts): Promise<void> {
  const { prototype } = (
    await load<{ readonly CodeCache: typeof CodeCache }>('emulator/engine/code-cache.js')
  ).CodeCache;
  const { slotFor, written } = prototype;
  prototype.slotFor = function (this: CodeCache, page, littleEndian) {
    const before = this.slotsInUse;
    const slot = slotFor.call(this, page, littleEndian);
    if (this.slotsInUse !== before) counts.add('pages of code begun');
    return slot;
  };
  prototype.written = function (this: CodeCache, page, offset, length) {
    counts.add('writes to pages with code');
    written.call(this, page, offset, length);
  };
}

async function countWalks(load: Load, counts: Counts): Promise<void> {
  type Class = { readonly prototype: GuestMmu };
  const { RadixMmu } = await load<{ readonly RadixMmu: Class }>('emulator/mmu/radix.js');
  const { HashMmu } = await load<{ readonly HashMmu: Class }>('emulator/mmu/hash/hash-mmu.js');
  for (const { prototype } of [RadixMmu, HashMmu]) {
    const { translate } = prototype;
    prototype.translate = function (this: GuestMmu, lo, hi, access, context, out) {
      translate.call(this, lo, hi, access, context, out);
      counts.add(`walk to ${access}`);
      if (out.fault !== 0) counts.add(`walk to ${access}, in vain`);
    };
  }
}

/** Follows each interpreter and region that is instantiated. */
async function countCompiled(load: Load, counts: Counts): Promise<void> {
  const { EXIT } = await load<typeof exits>('emulator/cpu/exit.js');
  const { SPECIAL_NAMES } = await load<typeof specials>('emulator/semantics/system/specials.js');
  const regions = await countRegions(load, counts);
  const exitNames = new Map(Object.entries(EXIT).map(([name, code]) => [code, name]));
  const Instance = WebAssembly.Instance;
  const interpreter = (module: WebAssembly.Module, env: Record<string, unknown>): WebAssembly.Instance => {
    const counted: Record<string, unknown> = { ...env };
    const follow = (name: string, count: (...args: number[]) => void): void => {
      const original = env[name] as Callable;
      counted[name] = (...args: number[]) => {
        count(...args);
        return original(...args);
      };
    };
    follow('decode', () => counts.add('instructions decoded'));
    follow('probe', () => counts.add('probes met'));
    follow('resolveRead', () => counts.add('slow accesses: read'));
    follow('resolveWrite', () => counts.add('slow accesses: write'));
    follow('special', (id) => counts.add(`special ${SPECIAL_NAMES[id as number]}`));
    for (const name of Object.keys(env).filter((each) => each.startsWith('helper_')))
      follow(name, () => counts.add(`helper ${name.slice('helper_'.length)}`));
    const { run } = new Instance(module, { env: counted }).exports as { readonly run: Callable };
    return {
      exports: {
        run: (...args: number[]) => {
          const code = run(...args);
          counts.add(`exit ${exitNames.get(code) ?? code}`);
          return code;
        },
      },
    } as unknown as WebAssembly.Instance;
  };
  class CountedInstance {
    constructor(module: WebAssembly.Module, { env }: { readonly env: Record<string, unknown> }) {
      // biome-ignore lint/correctness/noConstructorReturn: it stands for a class whose objects are frozen
      return 'decode' in env ? interpreter(module, env) : regions(new Instance(module, { env }));
    }
  }
  WebAssembly.Instance = CountedInstance as unknown as typeof WebAssembly.Instance;
}
