/**
 * One machine put together: memory, vCPUs, firmware, devices, the engine that runs them. It lives on one thread and is
 * driven by calls; what happens in it is told to a listener. One life goes from `powerOn` to an end; then another may start.
 */

import { readFileSync } from 'node:fs';
import { assert } from '../../base/errors.ts';
import { hex64 } from '../../base/hex.ts';
import { CTR, LR } from '../cpu/layout.ts';
import { Vcpu } from '../cpu/vcpu.ts';
import type { BlockStore, ReportUnsupported, Unsupported } from '../devices/contract.ts';
import { Engine } from '../engine/engine.ts';
import type {
  MachineEvent,
  MachineFault,
  ObservePlan,
  PartitionConfig,
  PartitionEnd,
  VcpuSnapshot,
} from '../host/contract.ts';
import { Arena } from '../memory/arena.ts';
import { Ram } from '../memory/ram.ts';
import { RadixMmu } from '../mmu/radix.ts';
import type { FirmwareMachine } from '../platform/contract.ts';
import { type Platform, RTAS_BYTES } from '../platform/index.ts';
import { loadKernel, placeBoot } from './boot-image.ts';
import { EventClock } from './event-clock.ts';
import { FaultInjector } from './faults.ts';
import { PartitionVcpu } from './firmware-vcpu.ts';
import { runHypercall } from './hypercalls.ts';
import { createMachine, type Machine } from './machine.ts';
import { SeededRandom } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { SpinWatch } from './spin.ts';
import { Stepper } from './stepper.ts';
import { MachineWatch } from './watch.ts';

/** What a partition tells while it runs. Every callback is synchronous and must not drive the partition. */
export type PartitionListener = {
  readonly console: (vty: 0 | 1, bytes: Uint8Array) => void;
  readonly unsupported: (what: Unsupported, count: number) => void;
  readonly event: (event: MachineEvent) => void;
};

/** How {@link Partition.run} came back. `resting`: nothing happens any more that anybody would see. */
export type RunOutcome = 'ran' | 'resting' | 'ended';

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
  readonly #stepper: Stepper;
  readonly #watch: MachineWatch;
  readonly #faults: FaultInjector;
  /** When something was last printed, typed or moved, in ns since power-on. */
  #lastActivity = 0;
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
    this.#stepper = new Stepper(this.engine, this.#arena);
    this.#spins = new SpinWatch(this.#arena, this.ram, this.engine, this.vcpus);
    this.ram.observeWrites((page, offset, length) => {
      this.engine.code.written(page, offset, length);
      this.#spins.written(page, offset, length);
      this.#watch.written(page, offset, length);
    });
    this.#watch = new MachineWatch(
      {
        ram: this.ram,
        engine: this.engine,
        vcpus: this.vcpus,
        instructions: () => this.instructions,
        timebase: () => this.#clock.timebase(),
        acting: () => this.#scheduler.running?.index ?? -1,
      },
      (event) => {
        listener.event(event);
        this.#faults.seen(event);
      },
    );
    this.#faults = new FaultInjector({
      ram: this.ram,
      vcpus: this.vcpus,
      endSlice: () => this.engine.requestStop(),
      done: (cpu, event) => this.#watch.fault(cpu, event),
    });
    this.#clock = this.#makeClock();
    this.#scheduler = this.#makeScheduler();
  }

  /** Instructions executed in this life, by all vCPUs. */
  get instructions(): number {
    return (
      this.#scheduler.instructions + (this.#scheduler.running === undefined ? 0 : this.engine.executedInSlice)
    );
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

  /** Runs until about `instructions` more are executed, the life ends, or the partition rests. */
  run(instructions: number): RunOutcome {
    const until = this.#scheduler.instructions + instructions;
    while (this.#end === undefined && this.#scheduler.instructions < until) {
      const turn = this.#scheduler.turn(this.#lastActivity);
      if (turn.kind === 'idle') return 'resting';
      if (turn.end === 'attn') this.#finish({ kind: 'error', message: `attn at ${hex64(turn.vcpu.nia)}` });
    }
    return this.#end === undefined ? 'ran' : 'ended';
  }

  /** Types on a terminal. Between runs only. */
  input(vty: 0 | 1, bytes: Uint8Array): void {
    this.#active();
    this.#machine?.platform.input(vty, bytes);
  }

  /** A system reset interrupt, as the operator's NMI gives it. Between runs only. */
  nmi(cpu: number | 'all'): void {
    this.#active();
    for (const vcpu of this.#firmware) {
      if (cpu !== 'all' && vcpu.index !== cpu) continue;
      this.#watch.reset(vcpu.index);
      vcpu.systemReset();
    }
  }

  /** Replaces what is looked out for. Between runs only. */
  observe(plan: ObservePlan | undefined): void {
    this.#watch.set(plan);
  }

  /** Damage to be done now or later. Between runs only. @throws OutsideMemory, Error for what is not there */
  inject(faults: readonly MachineFault[]): void {
    this.#active();
    this.#faults.set(faults);
  }

  snapshot(): readonly VcpuSnapshot[] {
    return this.vcpus.map((vcpu) => ({
      index: vcpu.index,
      hardwareId: vcpu.hardwareId,
      state: vcpu.state,
      gpr: Array.from({ length: 32 }, (_, n) => vcpu.gpr(n)),
      nia: vcpu.nia,
      msr: vcpu.msr,
      lr: vcpu.get64(LR),
      ctr: vcpu.get64(CTR),
      cr: vcpu.cr,
      xer: vcpu.xer,
    }));
  }

  /** Ends the life from outside. */
  stop(): void {
    this.#finish({ kind: 'stopped' });
  }

  #reset(): void {
    this.#end = undefined;
    this.#lastActivity = 0;
    this.#watch.set(undefined);
    this.#faults.set([]);
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
    this.#scheduler = this.#makeScheduler();
    this.#firmware = this.vcpus.map(
      (vcpu) =>
        new PartitionVcpu(vcpu, {
          endSlice: () => this.engine.requestStop(),
          interruptPending: (each) => this.#scheduler.pending(each),
          woken: (each) => this.#woken(each),
          changed: (each, what) => this.#watch.run(each, what),
        }),
    );
  }

  #finish(end: PartitionEnd): void {
    if (this.#end === undefined) this.#watch.ended();
    this.#end ??= end;
    this.engine.requestStop();
  }

  #makeScheduler(): Scheduler {
    return new Scheduler(this.vcpus, this.engine, this.#clock, this.#spins, this.#stepper, (vcpu) =>
      this.#woken(vcpu),
    );
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
      randomBytes: (count) => {
        assert(this.#random !== undefined, 'nothing asks for chance before power-on');
        return this.#random.bytes(count);
      },
      hypercall: (vcpu) => {
        const platform = this.#machine?.platform;
        const firmware = this.#firmware[vcpu.index];
        if (platform === undefined || firmware === undefined) return false;
        runHypercall(vcpu, firmware, platform.hcall, (opcode, args, result) =>
          this.#watch.hypercall(vcpu, platform.hcallName(opcode), opcode, args, result),
        );
        return true;
      },
      deliverPending: (vcpu) => this.#scheduler.deliverPending(vcpu),
      interruptTaken: (vcpu, vector, returnTo) => {
        this.#watch.interrupt(vcpu, vector, returnTo);
        this.#stepper.interruptTaken();
      },
      msrChanged: (vcpu, before) => this.#watch.msrChanged(vcpu, before),
      probed: (vcpu, word) => this.#watch.probed(vcpu, word),
      enteredPage: (vcpu, raddr) => this.#watch.enteredPage(vcpu, raddr),
      systemCall: (vcpu) => this.#watch.systemCall(vcpu),
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
    return createMachine({
      machine,
      disks: this.#disks,
      ...(this.config.refuseSysReset === undefined ? {} : { refuseSysReset: this.config.refuseSysReset }),
      output: (vty, bytes) => {
        this.#active();
        this.#listener.console(vty, bytes);
      },
      onRtas: (vcpu, name, args) => this.#watch.rtas(vcpu.index, name, args),
      onDiskWrite: (disk, offset, length) => {
        this.#active();
        this.#watch.diskWritten(disk, offset, length);
      },
    });
  }

  /** The hypervisor's side of a dispatch: the VPA's yield count. */
  #woken(vcpu: Vcpu): void {
    const firmware = this.#firmware[vcpu.index];
    if (firmware !== undefined) this.#machine?.platform.dispatched(firmware);
  }

  #active(): void {
    this.#lastActivity = this.#clock.now();
  }
}

function totalBytes(config: PartitionConfig): number {
  return config.memory.reduce((sum, each) => sum + each.size, 0);
}
