/**
 * One power cycle of a partition, from power-on to its end: its time, the turns of its vCPUs, firmware, and the devices
 * around them. Each starts with fresh state; what outlasts it is in machine/hardware.ts.
 */

import { hex64 } from '../../base/hex.ts';
import { VECTOR } from '../../base/power.ts';
import type { OutputLimits } from '../contract/limits.ts';
import type { PartitionConfig, PartitionEnd } from '../contract/partition.ts';
import { SPR } from '../cpu/spr.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import type { BlockStore, ReportUnsupported } from '../devices/contract.ts';
import type { FirmwareMachine } from '../platform/contract/contract.ts';
import { TerminalBudget, type TerminalUse } from './limits/terminal-budget.ts';
import { PartitionVcpu } from './machine/firmware-vcpu.ts';
import type { Hardware } from './machine/hardware.ts';
import { runHypercall } from './machine/hypercalls.ts';
import { createMachine, type Machine } from './machine/machine.ts';
import { SeededRandom } from './machine/random.ts';
import type { Observation } from './observe/observation.ts';
import { EventClock } from './time/event-clock.ts';
import { Scheduler } from './time/scheduler.ts';

/**
 * How a run came back. `resting`: every vCPU waits, and nothing that is due would be visible from outside. `held`: the plan asks for
 * a stop, which the guest cannot notice; the next run continues.
 */
export type RunOutcome = 'ran' | 'resting' | 'held' | 'ended';

const NS_PER_SECOND = 1e9;

/** What a power cycle is made of. */
export type PowerCycleParts = {
  readonly config: PartitionConfig;
  readonly hardware: Hardware;
  readonly observation: Observation;
  readonly disks: readonly BlockStore[];
  readonly limits: OutputLimits;
  readonly unsupported: ReportUnsupported;
  readonly console: (vty: 0 | 1, bytes: Uint8Array) => void;
};

export class PowerCycle {
  /** Nanoseconds and timebase since power-on. */
  readonly clock: EventClock;
  readonly scheduler: Scheduler;
  readonly machine: Machine;
  readonly firmware: readonly PartitionVcpu[];
  readonly #parts: PowerCycleParts;
  readonly #random: SeededRandom;
  readonly #terminals: readonly [TerminalBudget, TerminalBudget];
  /** When something was last printed, typed or moved, in ns since power-on. */
  #lastActivity = 0;
  #end: PartitionEnd | undefined;
  /** Whether the run under way shall end as soon as it can, because of the host's time, or because the plan asks for it. */
  #enough: () => boolean = () => false;
  #isHeld = false;
  /** Slices that are over. */
  slices = 0;
  /** What of the configuration's input was typed. */
  #typed = 0;

  /** The hardware must be as at power-on. */
  constructor(parts: PowerCycleParts) {
    this.#parts = parts;
    const { config, hardware, observation } = parts;
    const { vcpus, engine, spins, stepper } = hardware;
    this.#random = new SeededRandom(config.seed);
    this.clock = new EventClock(
      () => (this.running === undefined ? 0 : engine.executedInSlice),
      () => engine.requestStop(),
    );
    this.scheduler = new Scheduler(vcpus, engine, this.clock, spins, stepper, (vcpu) => this.#woken(vcpu));
    this.firmware = vcpus.map(
      (vcpu) =>
        new PartitionVcpu(vcpu, {
          endSlice: () => engine.requestStop(),
          interruptPending: (each) => this.scheduler.pending(each),
          woken: (each) => this.#woken(each),
          changed: (each, change) => observation.watch.run(each, change),
        }),
    );
    this.#terminals = [this.#terminal(0), this.#terminal(1)];
    this.machine = this.#createMachine();
  }

  /** What the terminals took and refused. */
  get terminals(): readonly [TerminalUse, TerminalUse] {
    const [first, second] = this.#terminals;
    return [first.use, second.use];
  }

  /** Types what is due; see {@link PartitionConfig.typed}. */
  #type(): void {
    const { typed = [] } = this.#parts.config;
    for (let next = typed[this.#typed]; next !== undefined && next.slice <= this.slices; ) {
      this.machine.platform.input(next.vty, next.bytes);
      this.active();
      next = typed[++this.#typed];
    }
  }

  /** The vCPU whose slice is running. */
  get running(): Vcpu | undefined {
    return this.scheduler.running;
  }
  /** Instructions executed so far, by all vCPUs. */
  get instructions(): number {
    const slice = this.running === undefined ? 0 : this.#parts.hardware.engine.executedInSlice;
    return this.scheduler.instructions + slice;
  }
  /** How it ended, once it has. */
  get end(): PartitionEnd | undefined {
    return this.#end;
  }

  /**
   * Runs until about `instructions` more are executed, the power cycle ends, the partition rests, or `enough` returns true:
   * asked between slices and every few thousand instructions or calls within one. What the guest does, and when in its
   * time, does not depend on how often a run is ended so.
   */
  run(instructions: number, enough: () => boolean): RunOutcome {
    const { scheduler } = this;
    const until = scheduler.instructions + instructions;
    const { watch } = this.#parts.observation;
    this.#enough = enough;
    this.#isHeld = false;
    while (this.#end === undefined && scheduler.instructions < until && !this.isTime) {
      if (!scheduler.paused) {
        watch.settle();
        this.#type();
      }
      const turn = scheduler.turn(
        () => this.#lastActivity,
        () => this.isTime,
      );
      // In the middle of a slice nothing may show that there was a pause: not even the order of notices.
      if (turn.kind === 'paused') return this.#isHeld ? 'held' : 'ran';
      if (turn.kind === 'idle') {
        watch.settle();
        return 'resting';
      }
      this.slices++;
      if (turn.end === 'attn') this.finish({ kind: 'error', message: `attn at ${hex64(turn.vcpu.nia)}` });
    }
    watch.settle();
    if (this.#end !== undefined) return 'ended';
    return this.#isHeld ? 'held' : 'ran';
  }

  /** Whether a slice may be paused: the host's time is up, or the partition is held. */
  get isTime(): boolean {
    return this.#isHeld || this.#enough();
  }

  /** The run under way ends as soon as it can, with `held`. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Ends it, unless it has ended. */
  finish(end: PartitionEnd): void {
    if (this.#end === undefined) this.#parts.observation.watch.powerCycleOver();
    this.#end ??= end;
    this.#parts.hardware.engine.requestStop();
  }

  /** Something was printed, typed or moved: the partition does not rest for a while. */
  active(): void {
    this.#lastActivity = this.clock.now();
  }

  /** `sc 1` of a vCPU. */
  hypercall(vcpu: Vcpu): void {
    const { platform } = this.machine;
    const firmware = this.firmware[vcpu.index] as PartitionVcpu;
    const { observation } = this.#parts;
    observation.writingAs('hypervisor', () =>
      runHypercall(vcpu, firmware, platform.hcall, (opcode, args, result) =>
        observation.watch.hypercall(vcpu, opcode, args, result),
      ),
    );
  }

  /** A vCPU has taken an interrupt at its vector: a handler that the guest has registered for it takes it instead. */
  interruptTaken(vcpu: Vcpu, vector: number): void {
    if (vector !== VECTOR.systemReset && vector !== VECTOR.machineCheck) return;
    const firmware = this.firmware[vcpu.index] as PartitionVcpu;
    const [srr0, srr1, dar] = [vcpu.spr(SPR.SRR0), vcpu.spr(SPR.SRR1), vcpu.spr(SPR.DAR)];
    this.#parts.observation.writingAs('hypervisor', () =>
      this.machine.platform.nonMaskable(firmware, { vector, srr0, srr1, dar }),
    );
  }

  /** A system reset from outside, on one vCPU or on all. */
  systemReset(cpus: readonly number[]): void {
    for (const vcpu of this.firmware) {
      if (!cpus.includes(vcpu.index)) continue;
      this.#parts.observation.watch.systemReset(vcpu.index);
      vcpu.systemReset();
    }
  }

  randomBytes(count: number): Uint8Array {
    return this.#random.bytes(count);
  }

  /** The hypervisor's side of a dispatch: the VPA's yield count. */
  #woken(vcpu: Vcpu): void {
    const firmware = this.firmware[vcpu.index] as PartitionVcpu;
    this.#parts.observation.writingAs('hypervisor', () => this.machine.platform.dispatched(firmware));
  }

  #terminal(vty: 0 | 1): TerminalBudget {
    const { config, limits } = this.#parts;
    const lines = vty === 1 && config.lineTerminal !== undefined ? limits.lines : undefined;
    const { most } = limits.terminals[vty];
    const budget: TerminalBudget = new TerminalBudget(
      limits.terminals[vty],
      lines,
      () => this.clock.now(),
      () => {
        const { bytes, refused } = budget.use;
        const seconds = Math.round(this.clock.now() / NS_PER_SECOND);
        const message =
          `the guest printed ${bytes} bytes on its ${vty === 0 ? 'first' : 'second'} terminal in ${seconds} s of its time, and ` +
          `printed on ${refused} times while that was busy; it may print ${most.burst} bytes and ${most.perSecond} more a second`;
        this.finish({ kind: 'exceeded', vty, message });
      },
    );
    return budget;
  }

  #createMachine(): Machine {
    const { config, disks, observation, console } = this.#parts;
    return createMachine({
      machine: this.#firmwareMachine(),
      processor: config.processor,
      interruptController: config.interruptController ?? 'xics',
      running: () => this.running?.hardwareId ?? 0,
      disks: disks.map((store, i) => ({ store, bus: config.disks[i]?.bus ?? 'virtio' })),
      ...(config.refuseSysReset === undefined ? {} : { refuseSysReset: config.refuseSysReset }),
      output: (vty, bytes) => {
        this.active();
        this.#terminals[vty].printed(bytes);
        console(vty, bytes);
      },
      isBusy: (vty) => this.#terminals[vty].isBusy(),
      onRtas: (vcpu, name, args, text) => observation.watch.rtas(vcpu.index, name, args, text),
      onDiskWrite: (disk, offset, length) => {
        this.active();
        observation.watch.diskWritten(disk, offset, length);
      },
      onDeferred: () => this.active(),
      onEoi: (eoi) => observation.watch.ended(eoi),
    });
  }

  #firmwareMachine(): FirmwareMachine {
    const { config, hardware, unsupported } = this.#parts;
    const { hashTable } = hardware;
    return {
      memory: hardware.ram,
      clock: this.clock,
      vcpus: this.firmware,
      unsupported,
      ...(hashTable === undefined ? {} : { hashTable }),
      randomBytes: (count) => this.randomBytes(count),
      setProcessTable: (radix, base, sizeLog2) => hardware.setProcessTable(base, radix ? 2 ** sizeLog2 : 0),
      spend: (nanoseconds) => hardware.engine.spend(nanoseconds),
      flushTlbs: () => hardware.flushTlbs(),
      powerOff: () => this.finish({ kind: 'power-off' }),
      reboot: () => this.finish({ kind: 'reboot' }),
      osTerm: (message) => {
        this.active();
        if (config.endsAtOsTerm === true) this.finish({ kind: 'os-term', message });
      },
      cannotGoOn: (message) => this.finish({ kind: 'os-term', message }),
    };
  }
}
