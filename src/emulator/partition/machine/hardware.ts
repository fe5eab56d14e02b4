/**
 * The hardware that survives a power cycle: memory, the vCPUs, their MMU and engine, and the two that run vCPUs otherwise
 * than at full speed, the single-stepper and the watch for waiting loops.
 */

import { DEFAULT_THREADS, type PartitionConfig } from '../../contract/partition.ts';
import { PROCESSOR_VERSION } from '../../cpu/processor.ts';
import { Vcpu } from '../../cpu/vcpu.ts';
import { Engine } from '../../engine/engine.ts';
import type { EngineHost } from '../../engine/engine-host.ts';
import type { MmioBus } from '../../engine/translation.ts';
import { Arena } from '../../memory/arena.ts';
import { Ram } from '../../memory/ram.ts';
import { HashMmu } from '../../mmu/hash/hash-mmu.ts';
import { HashTable, tableShift } from '../../mmu/hash/table.ts';
import { RadixMmu } from '../../mmu/radix.ts';
import { TLB_WRITE } from '../../mmu/tlb.ts';
import { ARENA_OVERHEAD } from '../size/index.ts';
import { SpinWatch } from '../time/spin.ts';
import { Stepper } from '../time/stepper.ts';

/** What the engine asks for that hardware alone cannot answer. */
export type HardwareHost = Omit<
  EngineHost,
  'processorVersion' | 'jit' | 'stopsHere' | 'translationsDropped' | 'doorbell' | 'threadNumber' | 'allVcpus'
>;

/** Ids that a core has: as many as the threads of the largest one, as under QEMU with `vsmt=8` and on PowerVM. */
const IDS_OF_CORE = 8;

/**
 * A hardware id: the core's number times eight, and the thread's number. Cores of fewer threads leave gaps, without which
 * handoff rules about ids could not fail.
 */
export function hardwareId(index: number, threads: number = DEFAULT_THREADS): number {
  return Math.floor(index / threads) * IDS_OF_CORE + (index % threads);
}

export class Hardware {
  readonly arena: Arena;
  readonly ram: Ram;
  readonly mmu: RadixMmu | HashMmu;
  readonly vcpus: readonly Vcpu[];
  readonly engine: Engine;
  readonly stepper: Stepper;
  readonly spins: SpinWatch;

  constructor(config: PartitionConfig, bus: MmioBus, host: HardwareHost) {
    const bytes = totalBytes(config);
    this.arena = new Arena(bytes + ARENA_OVERHEAD);
    this.ram = new Ram(this.arena, config.memory);
    this.mmu =
      config.mmu === 'hash'
        ? this.#hashMmu(bytes)
        : new RadixMmu(this.arena, this.ram, () => this.vcpus.map(({ tlb }) => tlb));
    this.vcpus = Array.from(
      { length: config.cpus },
      (_, i) => new Vcpu(this.arena, i, hardwareId(i, config.threads)),
    );
    this.engine = new Engine(this.arena, this.ram, this.mmu, bus, {
      ...host,
      processorVersion: PROCESSOR_VERSION[config.processor],
      ...(config.jit === undefined ? {} : { jit: config.jit }),
      interruptTaken: (vcpu, vector, returnTo) => {
        host.interruptTaken(vcpu, vector, returnTo);
        this.stepper.interruptTaken();
      },
      stopsHere: (vcpu) => this.stepper.stopsHere(vcpu),
      translationsDropped: (lo, pages) => this.spins.translationsDropped(lo, pages),
      doorbell: (from, thread) => this.#doorbell(from, thread),
      threadNumber: (vcpu) => vcpu.hardwareId % IDS_OF_CORE,
      allVcpus: () => this.vcpus,
    });
    this.stepper = new Stepper(this.engine, this.arena);
    this.spins = new SpinWatch(this.arena, this.ram, this.engine, this.vcpus);
    this.ram.observeWrites((page, offset, length) => this.spins.written(page, offset, length));
  }

  get hashTable(): HashTable | undefined {
    return this.mmu.kind === 'hash' ? this.mmu.table : undefined;
  }

  /** As at power-on: empty memory, every vCPU stopped, nothing translated. */
  reset(): void {
    this.engine.code.clear();
    this.ram.clear();
    for (const vcpu of this.vcpus) {
      vcpu.resetRegisters();
      vcpu.state = 'stopped';
      vcpu.external = false;
      vcpu.instructions = 0;
      vcpu.interruptLittleEndian = false;
      vcpu.alternateLocation = 0;
    }
    if (this.mmu.kind === 'radix') this.mmu.reset();
    else this.mmu.table.reset();
    this.spins.clear();
  }

  /** @param bytes 0: there is none any more */
  setProcessTable(base: number, bytes: number): void {
    if (this.mmu.kind === 'radix') this.mmu.setProcessTable(base, bytes);
    this.flushTlbs();
  }

  flushTlbs(): void {
    for (const vcpu of this.vcpus) vcpu.tlb.flushAll();
  }

  /** Every vCPU asks before its next store to any page. */
  dropWriteEntries(): void {
    for (const vcpu of this.vcpus) vcpu.tlb.flushArray(TLB_WRITE);
  }

  #hashMmu(memory: number): HashMmu {
    return new HashMmu(
      new HashTable(tableShift(memory), (lo, pages) => {
        for (const vcpu of this.vcpus) vcpu.tlb.dropPages(lo, pages);
        this.spins.translationsDropped(lo, pages);
      }),
    );
  }

  #doorbell(from: Vcpu, thread: number): void {
    const core = from.hardwareId - (from.hardwareId % IDS_OF_CORE);
    const target = this.vcpus.find((each) => each.hardwareId === core + thread);
    if (target !== undefined && target.state !== 'stopped') target.doorbell = true;
  }
}

export function totalBytes(config: PartitionConfig): number {
  return config.memory.reduce((sum, each) => sum + each.size, 0);
}
