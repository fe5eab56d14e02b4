/**
 * Joins all observers of the machine and the faults that wait for events: events of a plan, instants with their memory and
 * registers, writers of memory. The guest can notice only the faults.
 */

import type { DroppedEvents, MachineEvent, ObservePlan, SystemCallWatch } from '../../contract/events.ts';
import type { OutputLimits } from '../../contract/limits.ts';
import type { Vcpu } from '../../cpu/vcpu.ts';
import { MemorySnapshots, type PageWriter } from '../../memory/snapshots.ts';
import { EventBudget } from '../limits/event-budget.ts';
import type { Hardware } from '../machine/hardware.ts';
import { FaultInjector } from './faults.ts';
import { Instants, type MachineFacts } from './instants.ts';
import { MachineWatch } from './watch.ts';

/** Who writes from outside of the vCPUs. */
export type HostWriter = Exclude<PageWriter['by'], 'cpu'>;

/** What is looked at. The functions answer also while the partition is off. */
export type ObservedMachine = {
  readonly hardware: Hardware;
  readonly systemCalls?: readonly SystemCallWatch[];
  readonly limits: Pick<OutputLimits, 'events' | 'systemCalls'>;
  /** Nanoseconds since power-on. */
  readonly now: () => number;
  readonly running: () => Vcpu | undefined;
  readonly instructions: () => number;
  readonly timebase: () => bigint;
  /** Ends the run under way. */
  readonly hold: () => void;
  readonly facts: () => MachineFacts;
};

export class Observation {
  readonly watch: MachineWatch;
  readonly instants: Instants;
  readonly memory: MemorySnapshots;
  readonly faults: FaultInjector;
  readonly #machine: ObservedMachine;
  readonly #budget: EventBudget;
  #hostWriter: HostWriter = 'device';

  constructor(machine: ObservedMachine, report: (event: MachineEvent) => void) {
    this.#machine = machine;
    this.#budget = new EventBudget(machine.limits, machine.now);
    const { hardware, instructions, timebase, facts } = machine;
    const { ram, vcpus, engine, arena } = hardware;
    this.memory = new MemorySnapshots(
      ram,
      arena,
      () => this.#writer(),
      () => hardware.dropWriteEntries(),
    );
    this.instants = new Instants({ vcpus, memory: this.memory, instructions, timebase, facts });
    this.watch = new MachineWatch(
      {
        ram,
        engine,
        vcpus,
        instructions,
        timebase,
        acting: () => this.#acting(),
        instants: this.instants,
        hold: machine.hold,
        ...(machine.systemCalls === undefined ? {} : { systemCalls: machine.systemCalls }),
      },
      (event) => {
        if (event.kind === 'calm') this.#budget.forget();
        if (event.kind === 'calm' || this.#budget.lets(event)) report(event);
        this.faults.seen(event);
      },
    );
    this.faults = new FaultInjector({
      ram: {
        read: (raddr, length) => ram.read(raddr, length),
        write: (raddr, bytes) => this.writingAs('fault', () => ram.write(raddr, bytes)),
      },
      vcpus,
      endSlice: () => engine.requestStop(),
      done: (cpu, fault) => this.watch.fault(cpu, fault),
    });
    ram.observeWrites((page, offset, length) => {
      this.watch.written(page, offset, length);
      this.memory.written(page);
    });
  }

  /** Returns to the state of power-on: nothing is watched, and no fault waits. */
  clear(): void {
    this.watch.reset();
    this.faults.set([]);
    this.#budget.reset();
  }

  /** Replaces the plan. Between slices only. */
  set(plan: ObservePlan | undefined): void {
    this.watch.set(plan);
    if (plan !== undefined) this.#budget.forget();
  }

  /** Events of the plan in force, or of the last one, that exceeded a limit. */
  get dropped(): readonly DroppedEvents[] {
    return [...this.watch.dropped, ...this.#budget.dropped];
  }

  /** Runs a write that the host makes for a device or the hypervisor, with it as the writer. */
  writingAs(by: HostWriter, act: () => void): void {
    const before = this.#hostWriter;
    this.#hostWriter = by;
    act();
    this.#hostWriter = before;
  }

  /** The vCPU whose instruction is executed. The hypervisor acts for it; a device or a fault acts by itself. */
  #acting(): number {
    const { hardware, running } = this.#machine;
    if (hardware.ram.byHost && this.#hostWriter !== 'hypervisor') return -1;
    return running()?.index ?? -1;
  }

  /** Who is writing to memory, while an observer of writes is called. */
  #writer(): PageWriter {
    const { hardware, running, instructions } = this.#machine;
    const vcpu = running();
    return {
      by: hardware.ram.byHost ? this.#hostWriter : 'cpu',
      cpu: vcpu?.index ?? -1,
      nia: vcpu?.cia ?? 0n,
      insn: instructions(),
    };
  }
}
