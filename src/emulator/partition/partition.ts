/**
 * One machine put together: memory, vCPUs, firmware, devices, the engine that runs them. It lives on one thread and is
 * driven by calls; what happens in it is told to a listener. One life goes from `powerOn` to an end; then another may start.
 */

import { readFileSync } from 'node:fs';
import { hex64 } from '../../base/hex.ts';
import { Vcpu } from '../cpu/vcpu.ts';
import type { BlockStore, ReportUnsupported, Unsupported } from '../devices/contract.ts';
import { Engine } from '../engine/engine.ts';
import type { PartitionConfig, PartitionEnd } from '../host/contract.ts';
import { Arena } from '../memory/arena.ts';
import { Ram } from '../memory/ram.ts';
import { RadixMmu } from '../mmu/radix.ts';
import type { FirmwareMachine } from '../platform/contract.ts';
import { RTAS_BYTES, type Platform } from '../platform/index.ts';
import { loadKernel, placeBoot } from './boot-image.ts';
import { EventClock } from './event-clock.ts';
import { PartitionVcpu } from './firmware-vcpu.ts';
import { type HcallObserver, runHypercall } from './hypercalls.ts';
import { createMachine, type Machine } from './machine.ts';
import { SeededRandom } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { SpinWatch } from './spin.ts';

/** What a partition tells while it runs. Every callback is synchronous and must not drive the partition. */
export type PartitionListener = {
  readonly console: (vty: 0 | 1, bytes: Uint8Array) => void;
  readonly unsupported: (what: Unsupported, count: number) => void;
  readonly observer?: MachineObserver;
};

/** Machine events for traces; absent parts cost nothing. */
export type MachineObserver = {
  readonly hypercall?: HcallObserver;
  readonly rtas?: (cpu: number, name: string, args: readonly number[]) => void;
  readonly interrupt?: (vcpu: Vcpu, vector: number, returnTo: bigint) => void;
  readonly msr?: (vcpu: Vcpu, before: bigint) => void;
  readonly vcpu?: (vcpu: Vcpu, what: string) => void;
  readonly diskWrite?: (disk: number, offset: number, length: number) => void;
};

/** Processor version register values: POWER9 DD2.0 as QEMU's default has it. */
const PVR = { power8: 0x4d0200, power9: 0x4e1200 } as const;
/** Room in the arena beside RAM: code slots, vCPU blocks and TLBs, and what the guest's tables cost nothing of. */
const ARENA_OVERHEAD = 0x1000_0000;
const MIB256 = 0x1000_0000;

/** Hardware thread ids: two threads a core, eight apart (handoff rules about ids could not fail otherwise). */
export function hardwareId(index: number): number {
  return Math.floor(index / 2) * 8 + (index % 2);
}

export class Partition {
  readonly config: PartitionConfig;
  readonly ram: Ram;
  readonly vcpus: readonly Vcpu[];
  readonly engine: Engine;
  readonly #arena: Arena;
  readonly #mmu: RadixMmu;
  readonly #listener: PartitionListener;
  readonly #disks: readonly BlockStore[];
  readonly #counts = new Map<string, number>();
  readonly #spins: SpinWatch;
  #clock: EventClock;
  #scheduler: Scheduler;
  #machine: Machine | undefined;
  #firmware: readonly PartitionVcpu[] = [];
  #end: PartitionEnd | undefined;

  constructor(config: PartitionConfig, disks: readonly BlockStore[], listener: PartitionListener) {
    this.config = config;
    this.#listener = listener;
    this.#disks = disks;
    const bytes = config.memory.reduce((sum, each) => sum + each.size, 0);
    this.#arena = new Arena(bytes + ARENA_OVERHEAD);
    this.ram = new Ram(this.#arena, config.memory);
    this.#mmu = new RadixMmu(this.#arena, this.ram);
    this.vcpus = Array.from({ length: config.cpus }, (_, i) => new Vcpu(this.#arena, i, hardwareId(i)));
    this.engine = this.#makeEngine();
    this.#spins = new SpinWatch(this.#arena, this.ram, this.engine, this.vcpus);
    this.ram.observeWrites((page, offset, length) => {
      this.engine.code.written(page, offset, length);
      this.#spins.written(page, offset, length);
    });
    this.#clock = this.#makeClock();
    this.#scheduler = new Scheduler(this.vcpus, this.engine, this.#clock, this.#spins);
  }

  /** Instructions executed in this life, by all vCPUs. */
  get instructions(): number {
    return this.#scheduler.instructions + (this.#scheduler.running === undefined ? 0 : this.engine.executedInSlice);
  }
  get idleNs(): number {
    return this.#scheduler.idleNs;
  }
  /** Nanoseconds and timebase since power-on. */
  get clock(): EventClock {
    return this.#clock;
  }
  /** Firmware of this life. */
  get platform(): Platform | undefined {
    return this.#machine?.platform;
  }
  /** How this life ended, once it has. */
  get ended(): PartitionEnd | undefined {
    return this.#end;
  }
  /** What was met that the machine lacks: `kind key` → times. */
  get unsupported(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /**
   * Starts a new life: empty memory, the kernel loaded, vCPU 0 at its entry.
   * @throws FormatError when kernel or initramfs cannot be loaded; the partition stays off.
   */
  powerOn(): void {
    this.#reset();
    const { config } = this;
    const kernel = loadKernel(this.ram, config.kernel, config.loadAt ?? 0);
    const initrd = config.initrd === undefined ? new Uint8Array(0) : readFileSync(config.initrd);
    const rma = config.rma ?? Math.min(totalBytes(config) / 2, MIB256);
    const random = new SeededRandom(config.seed);
    const machine = this.#makeMachine(random);
    const layout = placeBoot(rma, kernel.end, RTAS_BYTES, initrd.length);
    this.ram.write(layout.rtasBase, machine.platform.rtasBlob);
    if (layout.initrd !== undefined) this.ram.write(layout.initrd.start, initrd);
    this.ram.write(layout.treeBase, machine.flatTree(layout, rma, config.append));
    this.#machine = machine;
    this.#firmware[0]?.start(kernel.entry, BigInt(layout.treeBase));
    // Entered as kexec enters a kernel: r4 = where it lies, r5 = 0 (no client interface).
    this.vcpus[0]?.setGpr(4, BigInt(kernel.entry));
    this.vcpus[0]?.setGpr(5, 0n);
  }

  /** Runs until about `instructions` more are executed, the life ends, or nothing can happen without input. */
  run(instructions: number): 'ran' | 'idle' | 'ended' {
    const until = this.#scheduler.instructions + instructions;
    while (this.#end === undefined && this.#scheduler.instructions < until) {
      const turn = this.#scheduler.turn();
      if (turn.kind === 'idle') return 'idle';
      if (turn.end === 'attn') this.#finish({ kind: 'error', message: `attn at ${hex64(turn.vcpu.nia)}` });
    }
    return this.#end === undefined ? 'ran' : 'ended';
  }

  /** Types on a terminal. Between runs only. */
  input(vty: 0 | 1, bytes: Uint8Array): void {
    this.#machine?.platform.input(vty, bytes);
  }

  /** A system reset interrupt, as the operator's NMI gives it. Between runs only. */
  nmi(cpu: number | 'all'): void {
    for (const vcpu of this.#firmware) if (cpu === 'all' || vcpu.index === cpu) vcpu.systemReset();
  }

  /** Ends the life from outside. */
  stop(): void {
    this.#finish({ kind: 'stopped' });
  }

  #reset(): void {
    this.#end = undefined;
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
    this.#mmu.setProcessTable(0, 0);
    this.#spins.clear();
    this.#clock = this.#makeClock();
    this.#scheduler = new Scheduler(this.vcpus, this.engine, this.#clock, this.#spins);
    this.#firmware = this.vcpus.map(
      (vcpu) =>
        new PartitionVcpu(vcpu, {
          endSlice: () => this.engine.requestStop(),
          interruptPending: (each) => this.#scheduler.pending(each),
          changed: (each, what) => this.#listener.observer?.vcpu?.(each, what),
        }),
    );
  }

  #finish(end: PartitionEnd): void {
    this.#end ??= end;
    this.engine.requestStop();
  }

  #makeClock(): EventClock {
    return new EventClock(
      () => (this.#scheduler.running === undefined ? 0 : this.engine.executedInSlice),
      () => this.engine.requestStop(),
    );
  }

  readonly #report: ReportUnsupported = (what) => {
    const key = `${what.kind} ${what.key}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (count === 1) this.#listener.unsupported(what, count);
  };

  #makeEngine(): Engine {
    const bus = {
      read: (raddr: number, target: Uint8Array): boolean => this.#machine?.bus.read(raddr, target) ?? false,
      write: (raddr: number, source: Uint8Array): boolean => this.#machine?.bus.write(raddr, source) ?? false,
    };
    return new Engine(this.#arena, this.ram, this.#mmu, bus, {
      sliceStart: () => this.#clock.base,
      processorVersion: PVR[this.config.processor],
      unsupported: this.#report,
      randomBytes: (count) => this.#random?.bytes(count) ?? new Uint8Array(count),
      hypercall: (vcpu) => {
        const platform = this.#machine?.platform;
        const firmware = this.#firmware[vcpu.index];
        if (platform === undefined || firmware === undefined) return false;
        runHypercall(vcpu, firmware, platform.hcall, this.#listener.observer?.hypercall ?? ignore);
        return true;
      },
      deliverPending: (vcpu) => this.#scheduler.deliverPending(vcpu),
      interruptTaken: (vcpu, vector, returnTo) => this.#listener.observer?.interrupt?.(vcpu, vector, returnTo),
      msrChanged: (vcpu, before) => this.#listener.observer?.msr?.(vcpu, before),
      doorbell: (from, thread) => {
        const core = from.hardwareId & ~7;
        const target = this.vcpus.find((each) => each.hardwareId === core + thread);
        if (target !== undefined && target.state !== 'stopped') target.doorbell = true;
      },
      threadNumber: (vcpu) => vcpu.hardwareId & 7,
      allVcpus: () => this.vcpus,
    });
  }

  #random: SeededRandom | undefined;

  #makeMachine(random: SeededRandom): Machine {
    this.#random = random;
    const machine: FirmwareMachine = {
      memory: this.ram,
      clock: this.#clock,
      vcpus: this.#firmware,
      unsupported: this.#report,
      randomBytes: (count) => random.bytes(count),
      setProcessTable: (radix, base, sizeLog2) => {
        this.#mmu.setProcessTable(base, radix ? 2 ** sizeLog2 : 0);
        for (const vcpu of this.vcpus) vcpu.tlb.flushAll();
      },
      flushTlbs: () => {
        for (const vcpu of this.vcpus) vcpu.tlb.flushAll();
      },
      powerOff: () => this.#finish({ kind: 'power-off' }),
      reboot: () => this.#finish({ kind: 'reboot' }),
      osTerm: (message) => this.#finish({ kind: 'os-term', message }),
    };
    const { observer } = this.#listener;
    return createMachine({
      machine,
      disks: this.#disks,
      output: this.#listener.console,
      ...(observer?.rtas === undefined ? {} : { onRtas: (vcpu, name, args) => observer.rtas?.(vcpu.index, name, args) }),
      ...(observer?.diskWrite === undefined ? {} : { onDiskWrite: observer.diskWrite }),
    });
  }
}

const ignore: HcallObserver = () => undefined;

function totalBytes(config: PartitionConfig): number {
  return config.memory.reduce((sum, each) => sum + each.size, 0);
}
