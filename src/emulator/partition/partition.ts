/**
 * A partition: hardware, which survives power cycles; one power cycle at a time, from `powerOn` to its end; and observers.
 * It runs on one thread and is driven by calls; it reports what happens to a listener.
 */

import { assert } from '../../base/errors.ts';
import type {
  DroppedEvents,
  InstantName,
  MachineEvent,
  MachineFault,
  ObservePlan,
} from '../contract/events.ts';
import type { InstantRecord, VcpuSnapshot } from '../contract/instants.ts';
import { DEFAULT_OUTPUT_LIMITS, type OutputLimits } from '../contract/limits.ts';
import type { PartitionConfig, PartitionEnd } from '../contract/partition.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import type { BlockStore, Unsupported } from '../devices/contract.ts';
import type { Engine } from '../engine/engine.ts';
import type { Ram } from '../memory/ram.ts';
import type { WrittenPage } from '../memory/snapshots.ts';
import type { HashTable } from '../mmu/hash/table.ts';
import type { Platform } from '../platform/index.ts';
import { boot } from './boot.ts';
import type { TerminalUse } from './limits/terminal-budget.ts';
import { UnsupportedCounts } from './limits/unsupported-counts.ts';
import { Hardware, type HardwareHost } from './machine/hardware.ts';
import { snapshotOf } from './observe/instants.ts';
import { machineFacts } from './observe/machine-facts.ts';
import { Observation } from './observe/observation.ts';
import { PowerCycle, type RunOutcome } from './power-cycle.ts';
import type { EventClock } from './time/event-clock.ts';

/** What a partition reports while it runs. Every callback is synchronous and must not drive the partition. */
export type PartitionListener = {
  readonly console: (vty: 0 | 1, bytes: Uint8Array) => void;
  /** See UnsupportedCounts: not every time. */
  readonly unsupported: (what: Unsupported, count: number) => void;
  readonly event: (event: MachineEvent) => void;
};

const NOTHING_PRINTED: readonly [TerminalUse, TerminalUse] = [
  { bytes: 0, refused: 0 },
  { bytes: 0, refused: 0 },
];

export class Partition {
  readonly config: PartitionConfig;
  readonly #listener: PartitionListener;
  readonly #disks: readonly BlockStore[];
  readonly #limits: OutputLimits;
  readonly #unsupported: UnsupportedCounts;
  readonly #hardware: Hardware;
  readonly #observation: Observation;
  /** Undefined before power-on, and where the kernel could not be loaded. */
  #cycle: PowerCycle | undefined;
  #tree: Uint8Array | undefined;

  constructor(config: PartitionConfig, disks: readonly BlockStore[], listener: PartitionListener) {
    this.config = config;
    this.#listener = listener;
    this.#limits = config.limits ?? DEFAULT_OUTPUT_LIMITS;
    this.#unsupported = new UnsupportedCounts(this.#limits.unsupported, listener.unsupported);
    this.#disks = disks;
    const bus = {
      read: (raddr: number, target: Uint8Array): boolean => this.#running().machine.bus.read(raddr, target),
      write: (raddr: number, source: Uint8Array): boolean => this.#running().machine.bus.write(raddr, source),
    };
    this.#hardware = new Hardware(config, bus, this.#hardwareHost());
    this.#observation = new Observation(
      {
        hardware: this.#hardware,
        limits: this.#limits,
        now: () => this.#cycle?.clock.now() ?? 0,
        running: () => this.#cycle?.running,
        instructions: () => this.instructions,
        timebase: () => this.#cycle?.clock.timebase() ?? 0n,
        hold: () => this.#running().hold(),
        facts: () => machineFacts(this.vcpus, this.#cycle?.machine, this.hashTable),
        ...(config.systemCalls === undefined ? {} : { systemCalls: config.systemCalls }),
      },
      listener.event,
    );
  }

  get ram(): Ram {
    return this.#hardware.ram;
  }
  get vcpus(): readonly Vcpu[] {
    return this.#hardware.vcpus;
  }
  get engine(): Engine {
    return this.#hardware.engine;
  }
  /** Instructions executed in this power cycle, by all vCPUs. */
  get instructions(): number {
    return this.#cycle?.instructions ?? 0;
  }
  /** Slices that are over in this power cycle. */
  get slices(): number {
    return this.#cycle?.slices ?? 0;
  }
  /** Nanoseconds during which every vCPU waited. */
  get idleNs(): number {
    return this.#cycle?.scheduler.idleNs ?? 0;
  }
  /** Nanoseconds and timebase since power-on. */
  get clock(): EventClock {
    return this.#running().clock;
  }
  /** The hashed page table, for counts and samples of its valid entries. */
  get hashTable(): HashTable | undefined {
    return this.#hardware.hashTable;
  }
  /** Firmware of this power cycle. */
  get platform(): Platform | undefined {
    return this.#cycle?.machine.platform;
  }
  /** How this power cycle ended, once it has. */
  get ended(): PartitionEnd | undefined {
    return this.#cycle?.end;
  }
  /** What was met in this power cycle that the machine lacks: `kind key` → times. */
  get unsupported(): ReadonlyMap<string, number> {
    return this.#unsupported.counts;
  }
  /** What the terminals took and refused in this power cycle. */
  get terminals(): readonly [TerminalUse, TerminalUse] {
    return this.#cycle?.terminals ?? NOTHING_PRINTED;
  }

  /**
   * Starts a new power cycle: empty memory, the kernel loaded, vCPU 0 at its entry.
   * @throws FormatError when kernel or initramfs cannot be loaded; the partition stays off.
   */
  powerOn(): void {
    this.#cycle = undefined;
    this.#tree = undefined;
    this.#observation.clear();
    this.#unsupported.reset();
    this.#hardware.reset();
    const cycle = new PowerCycle({
      config: this.config,
      hardware: this.#hardware,
      observation: this.#observation,
      disks: this.#disks,
      limits: this.#limits,
      unsupported: this.#unsupported.add,
      console: this.#listener.console,
    });
    this.#tree = boot(this.config, this.#hardware, cycle);
    this.#cycle = cycle;
  }

  /** Runs until about `instructions` more are executed, the power cycle ends, the partition rests, or `enough` says so. */
  run(instructions: number, enough: () => boolean = () => false): RunOutcome {
    const outcome = this.#running().run(instructions, enough);
    if (outcome === 'ended' || outcome === 'resting') this.#unsupported.settle();
    return outcome;
  }

  /** Whether the last run ended in the middle of a slice; the next one continues there. */
  get paused(): boolean {
    return this.#cycle?.scheduler.paused === true;
  }

  /** The flattened tree that power-on gave the kernel; undefined before power-on, and where Open Firmware gave none. */
  machineTree(): Uint8Array | undefined {
    return this.#tree;
  }

  /**
   * Types on a terminal. Between runs only. A machine that was never on loses it.
   * @returns whether the terminal had room for all of it; else it took nothing, and the guest sees no difference
   */
  input(vty: 0 | 1, bytes: Uint8Array): boolean {
    if (this.platform?.input(vty, bytes) === false) return false;
    this.#cycle?.active();
    return true;
  }

  /** A system reset interrupt, as the operator's NMI gives it. Between runs only. */
  nmi(cpus: readonly number[]): void {
    this.#cycle?.active();
    this.#cycle?.systemReset(cpus);
  }

  /** Replaces the plan of what is observed. Between runs only. */
  observe(plan: ObservePlan | undefined): void {
    this.#observation.set(plan);
    if (this.#cycle !== undefined) this.#cycle.scheduler.restWhenStuck = plan?.restWhenStuck === true;
  }

  /** Damage to be done now or later. Between runs only. @throws OutsideMemory, Error for what is not there */
  inject(faults: readonly MachineFault[]): void {
    this.#cycle?.active();
    this.#observation.faults.set(faults);
  }

  /** The machine as it was at an instant of the plan; undefined while it has not come. */
  instant(name: InstantName): InstantRecord | undefined {
    return this.#observation.instants.record(name);
  }

  /** What exceeded the limits of the plan. */
  get dropped(): readonly DroppedEvents[] {
    return this.#observation.dropped;
  }

  /** Memory as it was at an instant. @throws OutsideMemory; Error where it has not come */
  readInstant(name: InstantName, raddr: number, length: number): Uint8Array {
    return this.#observation.memory.read(name, raddr, length);
  }

  /** The pages of memory as it was at an instant that differ from `bytes`, by real address. @throws as {@link readInstant} */
  differing(name: InstantName, raddr: number, bytes: Uint8Array): readonly number[] {
    return this.#observation.memory.differing(name, raddr, bytes);
  }

  /** Those that are not zeros. @throws as {@link readInstant} */
  notZero(name: InstantName, raddr: number, length: number): readonly number[] {
    return this.#observation.memory.notZero(name, raddr, length);
  }

  /** The first pages from an address on that were written after an instant. @throws Error where it has not come */
  changes(name: InstantName, from = 0): readonly WrittenPage[] {
    return this.#observation.memory.changes(name, from);
  }

  snapshot(): readonly VcpuSnapshot[] {
    return this.vcpus.map(snapshotOf);
  }

  /** Ends the power cycle from outside. */
  stop(): void {
    this.#cycle?.finish({ kind: 'stopped' });
    this.#unsupported.settle();
  }

  /** What the engine calls: the power cycle answers, the observation records. */
  #hardwareHost(): HardwareHost {
    return {
      sliceStart: () => this.#running().clock.base,
      isTime: () => this.#running().isTime,
      unsupported: (what) => this.#unsupported.add(what),
      randomBytes: (count) => this.#running().randomBytes(count),
      hypercall: (vcpu) => {
        this.#running().hypercall(vcpu);
        return true;
      },
      deliverPending: (vcpu) => this.#running().scheduler.deliverPending(vcpu),
      interruptTaken: (vcpu, vector, returnTo) => {
        this.#observation.watch.interrupt(vcpu, vector, returnTo);
        this.#running().interruptTaken(vcpu, vector);
      },
      msrChanged: (vcpu, before, target) => this.#observation.watch.msrChanged(vcpu, before, target),
      probed: (vcpu, word) => this.#observation.watch.probed(vcpu, word),
      enteredPage: (vcpu, raddr) => this.#observation.watch.enteredPage(vcpu, raddr),
      systemCall: (vcpu) => this.#observation.watch.systemCall(vcpu),
    };
  }

  #running(): PowerCycle {
    assert(this.#cycle !== undefined, 'the partition is on');
    return this.#cycle;
  }
}
