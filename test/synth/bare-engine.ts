/** An engine with one vCPU and 64 KiB of memory, without a machine around it. */

import { Vcpu } from '../../src/emulator/cpu/vcpu.ts';
import { Engine } from '../../src/emulator/engine/engine.ts';
import type { EngineHost } from '../../src/emulator/engine/engine-host.ts';
import { Arena } from '../../src/emulator/memory/arena.ts';
import { Ram } from '../../src/emulator/memory/ram.ts';
import { RadixMmu } from '../../src/emulator/mmu/radix.ts';

export type BareEngine = { readonly engine: Engine; readonly ram: Ram; readonly vcpu: Vcpu };

/** The vCPU runs; its MSR and NIA are the caller's. */
export function bareEngine(options: Pick<EngineHost, 'jit'> = {}): BareEngine {
  const arena = new Arena(0x0800_0000);
  const ram = new Ram(arena, [{ base: 0, size: 0x10000 }]);
  const vcpu = new Vcpu(arena, 0, 0);
  const host: EngineHost = {
    sliceStart: () => 0,
    processorVersion: 0x4e1200,
    unsupported: () => undefined,
    randomBytes: (count) => new Uint8Array(count),
    hypercall: () => false,
    interruptTaken: () => undefined,
    doorbell: () => undefined,
    threadNumber: () => 0,
    deliverPending: () => undefined,
    allVcpus: () => [vcpu],
    ...options,
  };
  const nothing = { read: (): boolean => false, write: (): boolean => false };
  const engine = new Engine(arena, ram, new RadixMmu(arena, ram, () => [vcpu.tlb]), nothing, host);
  vcpu.state = 'running';
  return { engine, ram, vcpu };
}
