/**
 * Keeps the machine at the instants of a plan (contract/events.ts): registers, interrupt controller, what the hypervisor
 * may write, and, by memory/snapshots.ts, memory. The guest cannot notice it.
 */

import { VECTOR } from '../../../base/power.ts';
import {
  type EventMatch,
  type InstantName,
  type InstantPlan,
  type MarkId,
  matchesEvent,
  type ObservePlan,
  vectorsOf,
} from '../../contract/events.ts';
import type {
  InstantRecord,
  RegisterFrame,
  RegisterSet,
  SavePoint,
  VcpuSnapshot,
} from '../../contract/instants.ts';
import { CTR, GPR, LR } from '../../cpu/layout.ts';
import { SPR } from '../../cpu/spr.ts';
import { STORM, type Vcpu } from '../../cpu/vcpu.ts';
import type { MemorySnapshots } from '../../memory/snapshots.ts';

/** What is kept of the machine beside memory and registers. */
export type MachineFacts = Pick<
  InstantRecord,
  'interrupts' | 'hashTable' | 'areas' | 'queues' | 'crqs' | 'tces' | 'inFlight'
>;

export type KeptMachine = {
  readonly vcpus: readonly Vcpu[];
  readonly memory: MemorySnapshots;
  readonly instructions: () => number;
  readonly timebase: () => bigint;
  readonly facts: () => MachineFacts;
};

/** Of these there are too many, and none stops a CPU. */
const NOT_KEPT: ReadonlySet<number> = new Set([
  VECTOR.decrementer,
  VECTOR.systemCall,
  VECTOR.floatingPointUnavailable,
  VECTOR.vectorUnavailable,
  VECTOR.vsxUnavailable,
  VECTOR.facilityUnavailable,
]);

/** An instant that has not come. `ready`: what it must come after has come. */
type Waiting = InstantPlan & { ready: boolean };

export class Instants {
  readonly #machine: KeptMachine;
  #waiting: readonly Waiting[] = [];
  /** Vectors by which an instant may be recognised. */
  #vectors: ReadonlySet<number> = new Set();
  #frames: ReadonlySet<MarkId> = new Set();
  readonly #records = new Map<InstantName, InstantRecord>();
  /** By vCPU. */
  #taken: LastInterrupts[] = [];
  /** By vCPU and probe. */
  readonly #saves = new Map<string, SavePoint>();

  constructor(machine: KeptMachine) {
    this.#machine = machine;
  }

  /** Replaces the plan and forgets what was kept. Between slices only. */
  set(plan: Pick<ObservePlan, 'instants' | 'frames'> | undefined): void {
    this.#waiting = (plan?.instants ?? []).map((each) => ({ ...each, ready: each.after === undefined }));
    this.#vectors = vectorsOf(this.#waiting.flatMap(({ at, after = [] }) => [...at, ...after]));
    this.#frames = new Set(plan?.frames ?? []);
    this.#records.clear();
    this.#saves.clear();
    this.#taken = this.#machine.vcpus.map(() => new LastInterrupts());
    this.#machine.memory.clear();
  }

  record(name: InstantName): InstantRecord | undefined {
    return this.#records.get(name);
  }

  /** A vCPU is at a probe. */
  probed(vcpu: Vcpu, mark: MarkId): void {
    if (this.#frames.has(mark))
      this.#saves.set(`${vcpu.index} ${mark}`, {
        cpu: vcpu.index,
        at: { kind: 'probe', mark },
        insn: this.#machine.instructions(),
        regs: { ...registersOf(vcpu), nia: vcpu.cia },
        interrupts: this.#interruptsOf(vcpu.index),
      });
    this.#seen(vcpu.index, { kind: 'fetch', mark }, vcpu);
  }

  /** An interrupt was delivered: the handler is next. */
  interrupt(
    vcpu: Vcpu,
    vector: number,
    returnTo: bigint,
    requestedBy: 'outside' | 'guest' | undefined,
  ): void {
    if (this.#waiting.length === 0) return;
    if (this.#frames.size > 0 && !NOT_KEPT.has(vector))
      this.#taken[vcpu.index]?.take(vcpu, vector, returnTo, this.#machine.instructions());
    if (this.#vectors.has(vector))
      this.#seen(vcpu.index, {
        kind: 'interrupt',
        vector,
        ...(requestedBy === undefined ? {} : { requestedBy }),
      });
  }

  /** @param probed the vCPU that is at a probe: its next instruction is the one that it is at. */
  #seen(cpu: number, by: EventMatch, probed?: Vcpu): void {
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter(({ ready, at }) => ready && at.some((match) => matchesEvent(match, by)));
    for (const each of this.#waiting)
      each.ready ||= each.after?.some((match) => matchesEvent(match, by)) === true;
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((each) => !due.includes(each));
    const { memory, vcpus, instructions, timebase, facts } = this.#machine;
    for (const { name } of due) {
      memory.take(name);
      this.#records.set(name, {
        name,
        by,
        cpu,
        insn: instructions(),
        tb: timebase(),
        vcpus: vcpus.map((vcpu) =>
          vcpu === probed ? { ...snapshotOf(vcpu), nia: vcpu.cia } : snapshotOf(vcpu),
        ),
        ...facts(),
        saves: [...this.#saves.values()],
        taken: vcpus.map(({ index }) => ({ cpu: index, interrupts: this.#interruptsOf(index) })),
      });
    }
  }

  #interruptsOf(cpu: number): readonly RegisterFrame[] {
    return this.#taken[cpu]?.frames ?? [];
  }
}

/** Registers of a vCPU when it last took an interrupt of each vector. A guest takes thousands a second: they are kept as they lie. */
class LastInterrupts {
  readonly #slots = new Map<number, Slot>();

  /** @param insn the partition's instruction count */
  take(vcpu: Vcpu, vector: number, returnTo: bigint, insn: number): void {
    const known = this.#slots.get(vector);
    const slot = known ?? { block: new Uint8Array(BLOCK_BYTES), insn, nia: 0n, msr: 0n, cr: 0, xer: 0 };
    vcpu.copyBlock(slot.block);
    slot.insn = insn;
    slot.nia = returnTo;
    slot.msr = vcpu.spr(SPR.SRR1);
    slot.cr = vcpu.cr;
    slot.xer = vcpu.xer;
    if (known === undefined) this.#slots.set(vector, slot);
  }

  get frames(): readonly RegisterFrame[] {
    return [...this.#slots].map(([vector, { block, insn, nia, msr, cr, xer }]) => {
      const view = new DataView(block.buffer);
      const at = (offset: number): bigint => view.getBigUint64(offset, true);
      const gpr = Array.from({ length: 32 }, (_, n) => at(GPR + 8 * n));
      const regs = { gpr, nia, msr, lr: at(LR), ctr: at(CTR), cr, xer };
      return { at: { kind: 'interrupt', vector }, insn, regs };
    });
  }
}

/** `block`: general purpose registers, LR and CTR (cpu/layout.ts). */
type Slot = { readonly block: Uint8Array; insn: number; nia: bigint; msr: bigint; cr: number; xer: number };
const BLOCK_BYTES = CTR + 8;

export function registersOf(vcpu: Vcpu): RegisterSet {
  return {
    gpr: Array.from({ length: 32 }, (_, n) => vcpu.gpr(n)),
    nia: vcpu.nia,
    msr: vcpu.msr,
    lr: vcpu.get64(LR),
    ctr: vcpu.get64(CTR),
    cr: vcpu.cr,
    xer: vcpu.xer,
  };
}

export function snapshotOf(vcpu: Vcpu): VcpuSnapshot {
  const { index, hardwareId, state, unreturned } = vcpu;
  return {
    index,
    hardwareId,
    state,
    ...registersOf(vcpu),
    ...(unreturned < STORM ? {} : { storm: unreturned }),
  };
}
