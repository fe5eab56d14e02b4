/**
 * Does the faults that were injected into the machine (contract/events.ts, MachineFault): at once, or right after the event
 * that a fault waits for, between two instructions of the guest, so that a run with faults can be repeated.
 */

import {
  type FaultEvent,
  type MachineEvent,
  type MachineFault,
  matchesEvent,
} from '../../contract/events.ts';
import type { Vcpu } from '../../cpu/vcpu.ts';
import type { Ram } from '../../memory/ram.ts';

export type FaultyMachine = {
  readonly ram: Pick<Ram, 'read' | 'write'>;
  readonly vcpus: readonly Vcpu[];
  /** Ends the running slice after the current instruction. */
  readonly endSlice: () => void;
  /** Called when a fault was done; `cpu` is -1 for damage that belongs to none. */
  readonly done: (cpu: number, fault: Pick<FaultEvent, 'name' | 'damage'>) => void;
};

export class FaultInjector {
  readonly #machine: FaultyMachine;
  #waiting: readonly MachineFault[] = [];

  constructor(machine: FaultyMachine) {
    this.#machine = machine;
  }

  /** Replaces the faults that wait; does those that need not. @throws OutsideMemory, Error: nothing was done */
  set(faults: readonly MachineFault[]): void {
    for (const { damage } of faults) {
      if (damage.kind === 'flip') this.#machine.ram.read(damage.raddr, 1);
      else this.#vcpu(damage.cpu);
    }
    this.#waiting = faults.filter(({ at }) => at !== undefined);
    for (const fault of faults) if (fault.at === undefined) this.#do(fault);
  }

  /** Does the faults that wait for an event. */
  seen(event: MachineEvent): void {
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter(({ at }) => at?.some((match) => matchesEvent(match, event)));
    if (due.length === 0) return;
    // Each is done once; that it is done is an event, too.
    this.#waiting = this.#waiting.filter((fault) => !due.includes(fault));
    for (const fault of due) this.#do(fault);
  }

  #do({ name, damage }: MachineFault): void {
    const { ram, done, endSlice } = this.#machine;
    if (damage.kind === 'flip') {
      const { raddr } = damage;
      const [old = 0] = ram.read(raddr, 1);
      const flipped = old ^ 0xff;
      ram.write(raddr, Uint8Array.of(flipped));
      done(-1, { name, damage: { kind: 'flip', raddr, old, new: flipped } });
      return;
    }
    const vcpu = this.#vcpu(damage.cpu);
    done(vcpu.index, { name, damage: { kind: 'wedge', ea: vcpu.nia, msr: vcpu.msr, r1: vcpu.gpr(1) } });
    // One that is off hangs, too: it will not answer start-cpu.
    vcpu.state = 'wedged';
    endSlice();
  }

  #vcpu(index: number): Vcpu {
    const vcpu = this.#machine.vcpus[index];
    if (vcpu === undefined) throw new Error(`there is no CPU ${index}`);
    return vcpu;
  }
}
