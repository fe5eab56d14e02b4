/**
 * One machine put together: memory, vCPUs, firmware, devices, the engine that runs them. It lives on one thread and is
 * driven by calls; what happens in it is told to a listener. One life goes from `powerOn` to an end; then another may start.
 */

import { readFileSync } from 'node:fs';
import { assert } from '../../base/errors.ts';
import { hex64 } from '../../base/hex.ts';
import { PROCESSOR_VERSION } from '../cpu/processor.ts';
import { Vcpu } from '../cpu/vcpu.ts';
import type { BlockStore, ReportUnsupported, Unsupported } from '../devices/contract.ts';
import { Engine } from '../engine/engine.ts';
import type {
  InstantName,
  InstantRecord,
  MachineEvent,
  MachineFault,
  ObservePlan,
  PartitionConfig,
  PartitionEnd,
  VcpuSnapshot,
} from '../host/contract.ts';
import { Arena } from '../memory/arena.ts';
import { Ram } from '../memory/ram.ts';
import { MemorySnapshots, type PageWriter, type WrittenPage } from '../memory/snapshots.ts';
import { HashMmu } from '../mmu/hash/hash-mmu.ts';
import { HashTable, tableShift } from '../mmu/hash/table.ts';
import { RadixMmu } from '../mmu/radix.ts';
import { TLB_WRITE } from '../mmu/tlb.ts';
import type { FirmwareMachine } from '../platform/contract.ts';
import { type Platform, RTAS_BYTES } from '../platform/index.ts';
import { CLIENT_STACK, FIRMWARE_BASE, FIRMWARE_BYTES } from '../platform/of-client/index.ts';
import { CLIENT_LOAD_AT, type LoadedKernel, loadKernel, placeBoot, placeClient } from './boot-image.ts';
import { EventClock } from './event-clock.ts';
import { FaultInjector } from './faults.ts';
import { PartitionVcpu } from './firmware-vcpu.ts';
import { runHypercall } from './hypercalls.ts';
import { Instants, snapshotOf } from './instants.ts';
import { createMachine, type Machine } from './machine.ts';
import { machineFacts } from './machine-facts.ts';
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
  readonly #mmu: RadixMmu | HashMmu;
  readonly #listener: PartitionListener;
  readonly #disks: readonly BlockStore[];
  readonly #counts = new Map<string, number>();
  readonly #spins: SpinWatch;
  readonly #stepper: Stepper;
  readonly #watch: MachineWatch;
  readonly #memoryThen: MemorySnapshots;
  readonly #instants: Instants;
  /** Whose host code is at work, for the snapshots. */
  #hostWriter: Exclude<PageWriter['by'], 'cpu'> = 'device';
  readonly #faults: FaultInjector;
  /** When something was last printed, typed or moved, in ns since power-on. */
  #lastActivity = 0;
  #clock: EventClock;
  #scheduler: Scheduler;
  #machine: Machine | undefined;
  #tree: Uint8Array | undefined;
  #firmware: readonly PartitionVcpu[] = [];
  #end: PartitionEnd | undefined;

  constructor(config: PartitionConfig, disks: readonly BlockStore[], listener: PartitionListener) {
    this.config = config;
    this.#listener = listener;
    this.#disks = disks;
    const bytes = config.memory.reduce((sum, each) => sum + each.size, 0);
    this.#arena = new Arena(bytes + ARENA_OVERHEAD);
    this.ram = new Ram(this.#arena, config.memory);
    this.#mmu = config.mmu === 'hash' ? this.#makeHashMmu(bytes) : new RadixMmu(this.#arena, this.ram);
    this.vcpus = Array.from({ length: config.cpus }, (_, i) => new Vcpu(this.#arena, i, hardwareId(i)));
    this.engine = this.#makeEngine();
    this.#stepper = new Stepper(this.engine, this.#arena);
    this.#spins = new SpinWatch(this.#arena, this.ram, this.engine, this.vcpus);
    this.ram.observeWrites((page, offset, length) => {
      this.engine.code.written(page, offset, length);
      this.#spins.written(page, offset, length);
      this.#watch.written(page, offset, length);
      this.#memoryThen.written(page);
    });
    this.#memoryThen = new MemorySnapshots(
      this.ram,
      this.#arena,
      () => this.#writer(),
      () => {
        for (const vcpu of this.vcpus) vcpu.tlb.flushArray(TLB_WRITE);
      },
    );
    this.#instants = new Instants({
      vcpus: this.vcpus,
      memory: this.#memoryThen,
      instructions: () => this.instructions,
      timebase: () => this.#clock.timebase(),
      facts: () => machineFacts(this.vcpus, this.#machine, this.hashTable),
    });
    this.#watch = new MachineWatch(
      {
        ram: this.ram,
        engine: this.engine,
        vcpus: this.vcpus,
        instructions: () => this.instructions,
        timebase: () => this.#clock.timebase(),
        acting: () => this.#scheduler.running?.index ?? -1,
        instants: this.#instants,
      },
      (event) => {
        listener.event(event);
        this.#faults.seen(event);
      },
    );
    this.#faults = new FaultInjector({
      ram: {
        read: (raddr, length) => this.ram.read(raddr, length),
        write: (raddr, bytes) => this.#writingAs('fault', () => this.ram.write(raddr, bytes)),
      },
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
  /** The hashed page table, as it is now: how many entries are valid, and some of them. */
  get hashTable(): HashTable | undefined {
    return this.#mmu.kind === 'hash' ? this.#mmu.table : undefined;
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
    const byClient = config.firmware === 'open-firmware';
    const kernel = loadKernel(this.ram, config.kernel, config.loadAt ?? (byClient ? CLIENT_LOAD_AT : 0));
    const initrd = config.initrd === undefined ? new Uint8Array(0) : readFileSync(config.initrd);
    const rma = config.rma ?? Math.min(totalBytes(config) / 2, MIB256);
    // Radix has no real-mode area: its real addresses are the hypervisor's to limit.
    if (config.mmu === 'hash') this.engine.storage.realLimit = rma;
    const random = new SeededRandom(config.seed);
    const machine = this.#makeMachine(random);
    if (byClient) {
      this.#startClient(machine, kernel, initrd, rma);
      return;
    }
    const layout = placeBoot(rma, kernel.end, RTAS_BYTES, initrd.length);
    this.ram.write(layout.rtasBase, machine.platform.rtasBlob);
    if (layout.initrd !== undefined) this.ram.write(layout.initrd.start, initrd);
    this.#tree = machine.flatTree(layout, rma, config.append);
    this.ram.write(layout.treeBase, this.#tree);
    this.#machine = machine;
    this.#firmware[0]?.start(kernel.entry, BigInt(layout.treeBase));
    // Entered as kexec enters a kernel: r4 = where it lies, r5 = 0 (no client interface).
    this.vcpus[0]?.setGpr(4, BigInt(kernel.entry));
    this.vcpus[0]?.setGpr(5, 0n);
  }

  /** Entered by Open Firmware: r3, r4 = the initramfs and its size, r5 = the client interface, a stack in r1. */
  #startClient(machine: Machine, kernel: LoadedKernel, initrd: Uint8Array, rma: number): void {
    const layout = placeClient(rma, FIRMWARE_BASE + FIRMWARE_BYTES, kernel, initrd.length);
    if (layout.initrd !== undefined) this.ram.write(layout.initrd.start, initrd);
    const firmware = machine.openFirmware(layout, rma, this.config.append);
    this.#machine = machine;
    this.#firmware[0]?.start(kernel.entry, BigInt(layout.initrd?.start ?? 0));
    this.vcpus[0]?.setGpr(1, BigInt(CLIENT_STACK));
    this.vcpus[0]?.setGpr(4, BigInt(initrd.length));
    this.vcpus[0]?.setGpr(5, BigInt(firmware.entry));
  }

  /** Runs until about `instructions` more are executed, the life ends, the partition rests, or `enough` says so. */
  run(instructions: number, enough: () => boolean = () => false): RunOutcome {
    const until = this.#scheduler.instructions + instructions;
    while (this.#end === undefined && this.#scheduler.instructions < until && !enough()) {
      const turn = this.#scheduler.turn(this.#lastActivity);
      if (turn.kind === 'idle') return 'resting';
      if (turn.end === 'attn') this.#finish({ kind: 'error', message: `attn at ${hex64(turn.vcpu.nia)}` });
    }
    return this.#end === undefined ? 'ran' : 'ended';
  }

  /** The flattened tree that power-on gave the kernel. @throws Error before power-on, and where Open Firmware gave none */
  machineTree(): Uint8Array {
    if (this.#tree === undefined) throw new Error('the kernel was given no flattened tree');
    return this.#tree;
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
    this.#scheduler.restWhenStuck = plan?.restWhenStuck === true;
  }

  /** The machine as it was at an instant of the plan; undefined while it has not come. */
  instant(name: InstantName): InstantRecord | undefined {
    return this.#instants.record(name);
  }

  /** Memory as it was at an instant. @throws OutsideMemory; Error where it has not come */
  readInstant(name: InstantName, raddr: number, length: number): Uint8Array {
    return this.#memoryThen.read(name, raddr, length);
  }

  /** The pages of memory as it was at an instant that differ from `bytes`, by real address. @throws as {@link readInstant} */
  differing(name: InstantName, raddr: number, bytes: Uint8Array): readonly number[] {
    return this.#memoryThen.differing(name, raddr, bytes);
  }

  /** The pages written after an instant. @throws Error where it has not come */
  changes(name: InstantName): readonly WrittenPage[] {
    return this.#memoryThen.changes(name);
  }

  /** Damage to be done now or later. Between runs only. @throws OutsideMemory, Error for what is not there */
  inject(faults: readonly MachineFault[]): void {
    this.#active();
    this.#faults.set(faults);
  }

  snapshot(): readonly VcpuSnapshot[] {
    return this.vcpus.map(snapshotOf);
  }

  /** Ends the life from outside. */
  stop(): void {
    this.#finish({ kind: 'stopped' });
  }

  #reset(): void {
    this.#end = undefined;
    this.#tree = undefined;
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
    if (this.#mmu.kind === 'radix') this.#mmu.setProcessTable(0, 0);
    else this.#mmu.table.reset();
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

  #makeHashMmu(memory: number): HashMmu {
    return new HashMmu(
      new HashTable(tableShift(memory), (lo, pages) => {
        for (const vcpu of this.vcpus) vcpu.tlb.dropPages(lo, pages);
      }),
    );
  }

  #makeEngine(): Engine {
    const bus = {
      read: (raddr: number, target: Uint8Array): boolean => this.#machine?.bus.read(raddr, target) ?? false,
      write: (raddr: number, source: Uint8Array): boolean => this.#machine?.bus.write(raddr, source) ?? false,
    };
    return new Engine(this.#arena, this.ram, this.#mmu, bus, {
      sliceStart: () => this.#clock.base,
      processorVersion: PROCESSOR_VERSION[this.config.processor],
      unsupported: this.#report,
      randomBytes: (count) => {
        assert(this.#random !== undefined, 'nothing asks for chance before power-on');
        return this.#random.bytes(count);
      },
      hypercall: (vcpu) => {
        const platform = this.#machine?.platform;
        const firmware = this.#firmware[vcpu.index];
        if (platform === undefined || firmware === undefined) return false;
        this.#writingAs('hypervisor', () =>
          runHypercall(vcpu, firmware, platform.hcall, (opcode, args, result) =>
            this.#watch.hypercall(vcpu, platform.hcallName(opcode), opcode, args, result),
          ),
        );
        return true;
      },
      deliverPending: (vcpu) => this.#scheduler.deliverPending(vcpu),
      interruptTaken: (vcpu, vector, returnTo) => {
        this.#watch.interrupt(vcpu, vector, returnTo);
        this.#stepper.interruptTaken();
      },
      msrChanged: (vcpu, before, target) => this.#watch.msrChanged(vcpu, before, target),
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
      ...(this.#mmu.kind === 'hash' ? { hashTable: this.#mmu.table } : {}),
      randomBytes: (count) => random.bytes(count),
      setProcessTable: (radix, base, sizeLog2) => {
        if (this.#mmu.kind === 'radix') this.#mmu.setProcessTable(base, radix ? 2 ** sizeLog2 : 0);
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
      processor: this.config.processor,
      interruptController: this.config.interruptController ?? 'xics',
      running: () => this.#scheduler.running?.hardwareId ?? 0,
      disks: this.#disks.map((store, i) => ({ store, bus: this.config.disks[i]?.bus ?? 'virtio' })),
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
    if (firmware !== undefined)
      this.#writingAs('hypervisor', () => this.#machine?.platform.dispatched(firmware));
  }

  /** Who is writing to memory, while an observer of writes is told. */
  #writer(): PageWriter {
    const vcpu = this.#scheduler.running;
    return {
      by: this.ram.byHost ? this.#hostWriter : 'cpu',
      cpu: vcpu?.index ?? -1,
      nia: vcpu?.cia ?? 0n,
      insn: this.instructions,
    };
  }

  /** Does what the host does on somebody's behalf. */
  #writingAs(by: Exclude<PageWriter['by'], 'cpu'>, act: () => void): void {
    const before = this.#hostWriter;
    this.#hostWriter = by;
    act();
    this.#hostWriter = before;
  }

  #active(): void {
    this.#lastActivity = this.#clock.now();
  }
}

function totalBytes(config: PartitionConfig): number {
  return config.memory.reduce((sum, each) => sum + each.size, 0);
}
