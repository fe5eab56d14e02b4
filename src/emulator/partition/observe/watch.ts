/**
 * Turns what happens in the machine into events (contract/events.ts), for as long as a plan asks for them. It changes
 * nothing for the guest: probes replace decoded records, watched pages take the slow path of stores.
 */

import { MSR_LOW, MSR_TRANSLATION, VECTOR } from '../../../base/power.ts';
import {
  type DroppedEvents,
  type EoiEvent,
  type EventMatch,
  type FaultEvent,
  type FetchEvent,
  type MachineEvent,
  type MarkId,
  type ObservePlan,
  type RunChange,
  STORE_BYTES,
  type StoreEvent,
  type SystemCallWatch,
  type VcpuPlace,
} from '../../contract/events.ts';
import { LR } from '../../cpu/layout.ts';
import { SPR } from '../../cpu/spr.ts';
import type { Vcpu } from '../../cpu/vcpu.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Ram } from '../../memory/ram.ts';
import { TLB_WRITE } from '../../mmu/tlb.ts';
import type { HcallResult } from '../../platform/contract/contract.ts';
import { hcallNameOf } from '../../platform/contract/opcodes.ts';
import type { Instants } from './instants.ts';
import { Sleep } from './sleep.ts';

/** The mark of pages with watched bytes; see Ram.mark. */
const MARK_WATCH = 2;
const DEFAULT_LIMIT = 16;
/** Calls whose return is waited for; a task may die in one. */
const OPEN_CALLS = 4;
const SYSTEM_CALL_ARGUMENTS = 6;
const HCALL_ARGUMENTS = 5;

/** What the watch needs of the machine. */
export type WatchedMachine = {
  readonly ram: Ram;
  readonly engine: Engine;
  readonly vcpus: readonly Vcpu[];
  readonly instructions: () => number;
  readonly timebase: () => bigint;
  /** The vCPU whose instruction is being executed; -1 for a device. */
  readonly acting: () => number;
  /** Keeps the machine at instants; called before the events that mark them are reported. */
  readonly instants?: Instants;
  /** Ends the run under way: the machine stands still. */
  readonly hold?: () => void;
  readonly systemCalls?: readonly SystemCallWatch[];
};

type Limited = { readonly mark: MarkId; readonly limit?: number };
type Place = Limited & { readonly raddr: number };
type Stamp = Pick<MachineEvent, 'n' | 'cpu' | 'insn' | 'tb'>;
/** Events of one place and vCPU. `since`: the instruction count at the first that was dropped. */
type Count = {
  readonly of: Omit<DroppedEvents, 'count' | 'since'>;
  seen: number;
  dropped: number;
  since?: number;
};

export class MachineWatch {
  readonly #machine: WatchedMachine;
  readonly #emit: (event: MachineEvent) => void;
  #plan: ObservePlan | undefined;
  #n = 0;
  #probes = new Map<number, Place>();
  readonly #sleep = new Sleep();
  /** Watched real addresses by arena page. */
  #pages = new Map<number, number>();
  /** The watched range that each vCPU executes in. */
  #inside = new Map<number, Place | undefined>();
  /** Events of each place so far, by kind and vCPU. */
  #counts = new Map<string, Count>();
  /** A store that was seen before it happened: its new bytes are read when the next thing happens. */
  #store: Omit<StoreEvent, 'new'> | undefined;
  /** vCPUs to which a system reset from outside is on its way. */
  readonly #resets = new Set<number>();
  /** System calls that have not returned. */
  #calls: { readonly number: number; readonly next: bigint; readonly r1: bigint }[] = [];
  /** The last write so far to each disk. */
  readonly #lastWrites = new Map<number, { readonly stamp: Stamp; offset: number; length: number }>();

  constructor(machine: WatchedMachine, emit: (event: MachineEvent) => void) {
    this.#machine = machine;
    this.#emit = emit;
  }

  /** Replaces the plan. Between slices only. */
  set(plan: ObservePlan | undefined): void {
    const { ram, engine, instants } = this.#machine;
    this.settle();
    instants?.set(plan);
    this.#stopWatching();
    this.#plan = plan;
    this.#sleep.set(plan?.sleep);
    if (plan !== undefined) this.#counts = new Map();
    this.#probes = new Map();
    for (const probe of plan?.probes ?? []) {
      const at = ram.locate(probe.raddr);
      if (at >= 0) this.#probes.set(at, probe);
    }
    engine.code.setProbes(new Set(this.#probes.keys()));
    if (this.#sleep.isAwake) this.#startWatching();
  }

  /** Watches what costs the guest time: stores, and where it executes. Also while compiled code runs: before an instruction of it. */
  #startWatching(): void {
    const { ram, vcpus } = this.#machine;
    for (const { raddr, length } of this.#plan?.stores ?? []) {
      for (let at = raddr - (raddr % 4096); at < raddr + length; at += 4096) {
        const page = ram.locate(at);
        if (page < 0) continue;
        ram.mark(page, MARK_WATCH);
        this.#pages.set(page, at);
        for (const vcpu of vcpus) vcpu.tlb.flushArenaPage(TLB_WRITE, page);
      }
    }
    // An execute entry that exists already would let a vCPU enter a range unseen.
    for (const vcpu of vcpus) vcpu.tlb.flushExecute();
  }

  #stopWatching(): void {
    for (const page of this.#pages.keys()) this.#machine.ram.unmark(page, MARK_WATCH);
    this.#pages = new Map();
    this.#inside = new Map();
    this.#lastWrites.clear();
  }

  #fallAsleep(cpu: number): void {
    this.settle();
    this.#stopWatching();
    this.#machine.instants?.set(this.#plan);
    this.#counts = new Map();
    this.#emit({ ...this.#stamp(cpu), kind: 'calm' });
  }

  /** As at power-on. */
  reset(): void {
    this.#store = undefined;
    this.#resets.clear();
    this.#calls = [];
    this.#counts = new Map();
    this.set(undefined);
  }

  /** Events of the plan in force, or of the last one, that exceeded their limits. */
  get dropped(): readonly DroppedEvents[] {
    return [...this.#counts.values()].flatMap(({ of, dropped, since }) =>
      since === undefined ? [] : [{ ...of, count: dropped, since }],
    );
  }

  /** Reports a store that has happened by now. */
  settle(): void {
    const store = this.#store;
    if (store === undefined) return;
    this.#store = undefined;
    this.#emit({ ...store, new: this.#machine.ram.read(store.raddr, store.old.length) });
  }

  probed(vcpu: Vcpu, word: number): void {
    const probe = this.#probes.get(word);
    if (probe === undefined) return;
    this.#see(vcpu.index, { kind: 'fetch', mark: probe.mark });
    if (!this.#sleep.isAwake) {
      if (this.#plan?.sleep?.reports.includes(probe.mark) === true)
        this.#fetch(vcpu, vcpu.cia, probe, probe.raddr);
      return;
    }
    this.#machine.instants?.probed(vcpu, probe.mark);
    if (this.#plan?.census?.includes(probe.mark)) this.#census(vcpu);
    this.#fetch(vcpu, vcpu.cia, probe, probe.raddr);
  }

  enteredPage(vcpu: Vcpu, raddr: number): void {
    const plan = this.#plan;
    if (plan === undefined || plan.executes.length === 0 || !this.#sleep.isAwake) return;
    const range = plan.executes.find((each) => raddr >= each.raddr && raddr < each.raddr + each.length);
    const before = this.#inside.get(vcpu.index);
    this.#inside.set(vcpu.index, range);
    if (range !== undefined && range.mark !== before?.mark) this.#fetch(vcpu, vcpu.nia, range, raddr);
  }

  /** Bytes of a watched page are about to change. */
  written(page: number, offset: number, length: number): void {
    const base = this.#pages.get(page);
    if (base === undefined) return;
    // What was written before is there by now, and may be written over.
    this.settle();
    const raddr = base + offset;
    const hit = this.#plan?.stores.find(
      (each) => raddr < each.raddr + each.length && raddr + length > each.raddr,
    );
    if (hit === undefined) return;
    const cpu = this.#machine.acting();
    if (!this.#within('store', cpu, hit)) return;
    const vcpu = this.#machine.vcpus[cpu];
    this.#store = {
      ...this.#stamp(cpu),
      kind: 'store',
      mark: hit.mark,
      raddr,
      length,
      old: this.#machine.ram.read(raddr, Math.min(STORE_BYTES, length)),
      ...(vcpu === undefined ? {} : { by: { nia: vcpu.cia, r3: vcpu.gpr(3) } }),
    };
  }

  /** @param target where a return from interrupt goes */
  msrChanged(vcpu: Vcpu, before: bigint, target?: bigint): void {
    if (target !== undefined && this.#calls.length > 0) this.#returned(vcpu, target);
    if (this.#sleep.mayEnd && vcpu.msrHas(MSR_LOW.PR)) this.#wentOn(vcpu.index);
    const plan = this.#awakePlan;
    if (plan === undefined || ((vcpu.msr ^ before) & plan.msrMask) === 0n) return;
    this.#report({
      ...this.#stamp(vcpu.index),
      kind: 'msr',
      ea: vcpu.cia,
      before,
      after: vcpu.msr,
      r3: vcpu.gpr(3),
    });
  }

  hypercall(vcpu: Vcpu, opcode: number, args: readonly bigint[], result: HcallResult): void {
    const plan = this.#awakePlan;
    if (plan === undefined) return;
    const name = hcallNameOf(opcode);
    if (name === 'H_CEDE' && this.#wentOn(vcpu.index)) return;
    if (name !== undefined && plan.hcallsExcept.includes(name)) return;
    this.#report({
      ...this.#stamp(vcpu.index),
      kind: 'hcall',
      name,
      opcode,
      ea: vcpu.cia,
      args: args.slice(0, HCALL_ARGUMENTS),
      status: result.kind === 'status' ? BigInt.asUintN(64, BigInt(result.status)) : undefined,
    });
  }

  /** The guest ended an interrupt that was pending. */
  ended(of: Pick<EoiEvent, 'controller' | 'source' | 'cppr'>): void {
    if (this.#awakePlan === undefined) return;
    this.#report({ ...this.#stamp(this.#machine.acting()), kind: 'eoi', ...of });
  }

  rtas(cpu: number, name: string, args: readonly number[], message?: string): void {
    if (this.#awakePlan === undefined && message === undefined) return;
    this.#report({
      ...this.#stamp(cpu),
      kind: 'rtas',
      name,
      args: args.map((value) => value >>> 0),
      ...(message === undefined ? {} : { message }),
    });
  }

  interrupt(vcpu: Vcpu, vector: number, returnTo: bigint): void {
    const requestedBy =
      vector !== VECTOR.systemReset ? undefined : this.#resets.delete(vcpu.index) ? 'outside' : 'guest';
    if (this.#sleep.waitsFor(vector))
      this.#see(vcpu.index, {
        kind: 'interrupt',
        vector,
        ...(requestedBy === undefined ? {} : { requestedBy }),
      });
    this.#machine.instants?.interrupt(vcpu, vector, returnTo, requestedBy);
    if (!this.#reports(vcpu, vector)) return;
    this.#report({
      ...this.#stamp(vcpu.index),
      kind: 'interrupt',
      vector,
      ...(requestedBy === undefined ? {} : { requestedBy }),
      regs: {
        srr0: returnTo,
        srr1: vcpu.spr(SPR.SRR1),
        r1: vcpu.gpr(1),
        dar: vcpu.spr(SPR.DAR),
        dsisr: vcpu.spr(SPR.DSISR),
      },
    });
  }

  #reports(vcpu: Vcpu, vector: number): boolean {
    const { vectors = [], realModeVectors = [] } = this.#awakePlan ?? {};
    return (
      vectors.includes(vector) ||
      (realModeVectors.includes(vector) && (vcpu.spr(SPR.SRR1) & MSR_TRANSLATION) === 0n)
    );
  }

  /** Reports a system call that the machine watches, with or without a plan, from whatever state. */
  systemCall(vcpu: Vcpu): void {
    const made = vcpu.gpr(0);
    const watch = this.#machine.systemCalls?.find(({ number }) => made === BigInt(number));
    if (watch === undefined) return;
    const wanted = vcpu.gpr(watch.rowCount);
    const count = wanted < BigInt(watch.mostRows) ? Number(wanted) : watch.mostRows;
    const at = vcpu.gpr(watch.rowsAt);
    const rows = Array.from({ length: count }, (_, row) =>
      Array.from({ length: watch.rowDoublewords }, (_none, column) =>
        this.#machine.engine.doublewordAt(at + BigInt((row * watch.rowDoublewords + column) * 8)),
      ),
    );
    this.#report({
      ...this.#stamp(vcpu.index),
      kind: 'syscall',
      number: watch.number,
      ea: vcpu.cia,
      args: Array.from({ length: SYSTEM_CALL_ARGUMENTS }, (_, i) => vcpu.gpr(3 + i)),
      rows,
    });
    this.#calls.push({ number: watch.number, next: vcpu.cia + 4n, r1: vcpu.gpr(1) });
    if (this.#calls.length > OPEN_CALLS) this.#calls.shift();
  }

  /** A return to behind the call, with the stack pointer that the call was made with, brings its result. */
  #returned(vcpu: Vcpu, target: bigint): void {
    const at = this.#calls.findIndex(({ next, r1 }) => next === target && r1 === vcpu.gpr(1));
    const call = this.#calls[at];
    if (call === undefined) return;
    this.#calls.splice(at, 1);
    this.#report({
      ...this.#stamp(vcpu.index),
      kind: 'syscall-return',
      number: call.number,
      ea: target,
      r3: vcpu.gpr(3),
      so: ((vcpu.cr >>> 28) & 1) !== 0,
    });
    if (this.#plan?.holdsAfterCall === true) this.#machine.hold?.();
  }

  /** A system reset from outside is sent to a vCPU. One that is stopped does not take it. */
  systemReset(cpu: number): void {
    if (this.#machine.vcpus[cpu]?.state !== 'stopped') this.#resets.add(cpu);
    this.#report({ ...this.#stamp(cpu), kind: 'reset' });
  }

  run(vcpu: Vcpu, change: RunChange): void {
    if (this.#awakePlan !== undefined)
      this.#report({ ...this.#stamp(vcpu.index), kind: 'run', change, ...placeOf(vcpu) });
  }

  /** What the guest wrote is in the store. The first write under a plan is reported at once, the last one at the end. */
  diskWritten(disk: number, offset: number, length: number): void {
    if (this.#awakePlan === undefined) return;
    if (!this.#lastWrites.has(disk))
      this.#report({ ...this.#stamp(-1), kind: 'disk', write: 'first', disk, offset, length });
    this.#lastWrites.set(disk, { stamp: this.#stamp(-1, 0), offset, length });
  }

  /** The power cycle is over: nothing is written any more. */
  powerCycleOver(): void {
    this.settle();
    for (const [disk, { stamp, offset, length }] of [...this.#lastWrites].sort(([a], [b]) => a - b))
      this.#report({ ...stamp, n: this.#n++, kind: 'disk', write: 'last', disk, offset, length });
    this.#lastWrites.clear();
  }

  /** A fault was done; reported with or without a plan. */
  fault(cpu: number, fault: Pick<FaultEvent, 'name' | 'damage'>): void {
    this.#report({ ...this.#stamp(cpu), kind: 'fault', ...fault });
  }

  /** The plan, where it does not sleep. */
  get #awakePlan(): ObservePlan | undefined {
    return this.#sleep.isAwake ? this.#plan : undefined;
  }

  /** What may wake the plan happens. */
  #see(cpu: number, by: EventMatch): void {
    if (this.#sleep.seen(cpu, by)) this.#startWatching();
  }

  /** A vCPU does what one in a crash does not do. @returns whether the plan fell asleep */
  #wentOn(cpu: number): boolean {
    const falls = this.#sleep.wentOn(cpu);
    if (falls) this.#fallAsleep(cpu);
    return falls;
  }

  /** What every other vCPU is doing. */
  #census(probed: Vcpu): void {
    for (const vcpu of this.#machine.vcpus)
      if (vcpu !== probed && vcpu.state !== 'stopped')
        this.#report({ ...this.#stamp(vcpu.index), kind: 'census', state: vcpu.state, ...placeOf(vcpu) });
  }

  #fetch(vcpu: Vcpu, ea: bigint, place: Limited, raddr: number): void {
    const { mark } = place;
    if (!this.#within('fetch', vcpu.index, place)) return;
    const regs: FetchEvent['regs'] = {
      r1: vcpu.gpr(1),
      r3: vcpu.gpr(3),
      r4: vcpu.gpr(4),
      r5: vcpu.gpr(5),
      r6: vcpu.gpr(6),
      lr: vcpu.get64(LR),
      msr: vcpu.msr,
    };
    this.#report({ ...this.#stamp(vcpu.index), kind: 'fetch', mark, ea, raddr, regs });
  }

  /** Whether a place's limit lets one more event through. Places with one mark are counted together. */
  #within(kind: DroppedEvents['kind'], cpu: number, { mark, limit = DEFAULT_LIMIT }: Limited): boolean {
    const key = `${kind} ${cpu} ${mark}`;
    const count: Count = this.#counts.get(key) ?? { of: { kind, cpu, mark }, seen: 0, dropped: 0 };
    this.#counts.set(key, count);
    count.seen++;
    if (count.seen <= limit) return true;
    count.dropped++;
    count.since ??= this.#machine.instructions();
    return false;
  }

  /** @param n its number; default the next one */
  #stamp(cpu: number, n: number = this.#n++): Stamp {
    return { n, cpu, insn: this.#machine.instructions(), tb: this.#machine.timebase() };
  }

  #report(event: MachineEvent): void {
    this.settle();
    this.#emit(event);
  }
}

function placeOf(vcpu: Vcpu): VcpuPlace {
  return { ea: vcpu.nia, msr: vcpu.msr, r3: vcpu.gpr(3) };
}
