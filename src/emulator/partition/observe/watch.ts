/**
 * Turns what happens in the machine into events (contract/events.ts), for as long as a plan asks for them. Looking changes
 * nothing for the guest: probes replace decoded records, watched pages take the slow path of stores.
 */

import type { MachineEvent, MachineEventKind, ObservePlan } from '../../contract/events.ts';
import { LR } from '../../cpu/layout.ts';
import type { Vcpu } from '../../cpu/vcpu.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Ram } from '../../memory/ram.ts';
import { TLB_WRITE } from '../../mmu/tlb.ts';
import type { HcallResult } from '../../platform/contract/contract.ts';
import type { Instants } from './instants.ts';

/** The mark of pages with watched bytes; see Ram.mark. */
const SRR1 = 27;
/** MSR[IR] and MSR[DR]. */
const TRANSLATION = 0x30n;
const MARK_WATCH = 2;
const DEFAULT_LIMIT = 16;
const KEXEC_LOAD = 268n;
const MAXIMUM_SEGMENTS = 16;
/** Calls whose return is waited for; a task may die in one. */
const OPEN_CALLS = 4;

/** What the watch needs of the machine. */
export type WatchedMachine = {
  readonly ram: Ram;
  readonly engine: Engine;
  readonly vcpus: readonly Vcpu[];
  readonly instructions: () => number;
  readonly timebase: () => bigint;
  /** The vCPU whose instruction is being executed; -1 for a device. */
  readonly acting: () => number;
  /** Keeps the machine at instants; told before the events that mark them. */
  readonly instants?: Instants;
};

type Limited = { readonly name: string; readonly limit?: number };

export class MachineWatch {
  readonly #machine: WatchedMachine;
  readonly #emit: (event: MachineEvent) => void;
  #plan: ObservePlan | undefined;
  #n = 0;
  #probes = new Map<number, ObservePlan['probes'][number]>();
  /** Watched real addresses by arena page. */
  #pages = new Map<number, number>();
  #inside = new Map<number, string | undefined>();
  #counts = new Map<string, number>();
  /** kexec_load calls that have not come back. */
  #calls: { readonly next: bigint; readonly r1: bigint }[] = [];
  /** The last write so far to each disk. */
  readonly #lastWrites = new Map<number, Pick<MachineEvent, 'insn' | 'tb' | 'regs'>>();

  constructor(machine: WatchedMachine, emit: (event: MachineEvent) => void) {
    this.#machine = machine;
    this.#emit = emit;
  }

  /** Replaces the plan. Between slices only. */
  set(plan: ObservePlan | undefined): void {
    const { ram, engine, vcpus, instants } = this.#machine;
    instants?.set(plan);
    for (const page of this.#pages.keys()) ram.unmark(page, MARK_WATCH);
    this.#pages = new Map();
    this.#inside = new Map();
    this.#counts = new Map();
    this.#lastWrites.clear();
    this.#plan = plan;
    this.#probes = new Map();
    for (const probe of plan?.probes ?? []) {
      const at = ram.locate(probe.raddr);
      if (at >= 0) this.#probes.set(at, probe);
    }
    engine.code.setProbes(new Set(this.#probes.keys()));
    for (const { raddr, length } of plan?.stores ?? []) {
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

  probed(vcpu: Vcpu, word: number): void {
    const probe = this.#probes.get(word);
    if (probe === undefined) return;
    this.#machine.instants?.probed(vcpu, probe.name);
    if (this.#plan?.census?.includes(probe.name)) this.#census(vcpu);
    this.#fetch(vcpu, vcpu.cia, probe, probe.raddr);
  }

  enteredPage(vcpu: Vcpu, raddr: number): void {
    const plan = this.#plan;
    if (plan === undefined || plan.executes.length === 0) return;
    const range = plan.executes.find((each) => raddr >= each.raddr && raddr < each.raddr + each.length);
    const before = this.#inside.get(vcpu.index);
    this.#inside.set(vcpu.index, range?.name);
    if (range !== undefined && range.name !== before) this.#fetch(vcpu, vcpu.nia, range, raddr);
  }

  written(page: number, offset: number, length: number): void {
    const base = this.#pages.get(page);
    if (base === undefined) return;
    const from = base + offset;
    const hit = this.#plan?.stores.find(
      (each) => from < each.raddr + each.length && from + length > each.raddr,
    );
    if (hit === undefined) return;
    const cpu = this.#machine.acting();
    if (!this.#within(cpu, hit)) return;
    const shown = Math.min(8, length);
    const old = this.#machine.ram.read(from, shown).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
    const vcpu = this.#machine.vcpus[cpu];
    this.#event(cpu, 'store', {
      addr: BigInt(from),
      detail: hit.name,
      regs: {
        length: BigInt(length),
        old,
        ...(vcpu === undefined ? {} : { nia: vcpu.cia, r3: vcpu.gpr(3) }),
      },
    });
  }

  /** @param target where a return from interrupt goes */
  msrChanged(vcpu: Vcpu, before: bigint, target?: bigint): void {
    if (target !== undefined && this.#calls.length > 0) this.#returned(vcpu, target);
    const plan = this.#plan;
    if (plan === undefined || ((vcpu.msr ^ before) & plan.msrMask) === 0n) return;
    this.#event(vcpu.index, 'msr', {
      addr: vcpu.cia,
      regs: { before, after: vcpu.msr, nia: vcpu.nia, r3: vcpu.gpr(3) },
    });
  }

  hypercall(vcpu: Vcpu, name: string, opcode: number, args: readonly bigint[], result: HcallResult): void {
    const plan = this.#plan;
    if (plan === undefined || plan.quiet === true || plan.hcallsExcept.includes(name)) return;
    const [r4 = 0n, r5 = 0n, r6 = 0n, r7 = 0n, r8 = 0n] = args;
    const status = result.kind === 'status' ? BigInt.asUintN(64, BigInt(result.status)) : 0n;
    this.#event(vcpu.index, 'hcall', {
      detail: name,
      addr: vcpu.cia,
      regs: { opcode: BigInt(opcode), r4, r5, r6, r7, r8, status },
    });
  }

  rtas(cpu: number, name: string, args: readonly number[]): void {
    if (this.#plan === undefined || this.#plan.quiet === true) return;
    this.#event(cpu, 'rtas', {
      detail: name,
      regs: Object.fromEntries(args.map((value, i) => [`arg${i}`, BigInt(value >>> 0)])),
    });
  }

  interrupt(vcpu: Vcpu, vector: number, returnTo: bigint): void {
    this.#machine.instants?.interrupt(vcpu, vector, returnTo);
    if (!this.#tells(vcpu, vector)) return;
    this.#event(vcpu.index, 'interrupt', {
      addr: BigInt(vector),
      regs: { srr0: returnTo, srr1: vcpu.spr(27), r1: vcpu.gpr(1), dar: vcpu.spr(19), dsisr: vcpu.spr(18) },
    });
  }

  #tells(vcpu: Vcpu, vector: number): boolean {
    const { vectors = [], realModeVectors = [] } = this.#plan ?? {};
    return (
      vectors.includes(vector) || (realModeVectors.includes(vector) && (vcpu.spr(SRR1) & TRANSLATION) === 0n)
    );
  }

  /** kexec_load is told with or without a plan, from whatever state: it says where the next kernel lies. */
  systemCall(vcpu: Vcpu): void {
    if (vcpu.gpr(0) !== KEXEC_LOAD) return;
    const regs: Record<string, bigint> = { entry: vcpu.gpr(3), segments: vcpu.gpr(4), flags: vcpu.gpr(6) };
    const count = Number(vcpu.gpr(4) < BigInt(MAXIMUM_SEGMENTS) ? vcpu.gpr(4) : BigInt(MAXIMUM_SEGMENTS));
    for (let i = 0; i < count; i++) {
      for (const [field, name] of ['buf', 'bufsz', 'mem', 'memsz'].entries()) {
        const value = this.#machine.engine.doublewordAt(vcpu.gpr(5) + BigInt(i * 32 + field * 8));
        // A page of the list that is not there yet faults in the system call itself, and is then called again by nobody.
        if (value !== undefined && name !== 'buf') regs[`seg${i}_${name}`] = value;
      }
    }
    this.#event(vcpu.index, 'syscall', { detail: 'kexec_load', addr: vcpu.cia, regs });
    this.#calls.push({ next: vcpu.cia + 4n, r1: vcpu.gpr(1) });
    if (this.#calls.length > OPEN_CALLS) this.#calls.shift();
  }

  /** Whoever comes back behind the call with the stack pointer that it was made with brings its result. */
  #returned(vcpu: Vcpu, target: bigint): void {
    const at = this.#calls.findIndex(({ next, r1 }) => next === target && r1 === vcpu.gpr(1));
    if (at < 0) return;
    this.#calls.splice(at, 1);
    this.#event(vcpu.index, 'syscall', {
      detail: 'kexec_load result',
      addr: target,
      regs: { r3: vcpu.gpr(3), so: BigInt((vcpu.cr >>> 28) & 1) },
    });
  }

  reset(cpu: number): void {
    this.#machine.instants?.reset(cpu);
    this.#event(cpu, 'reset', { detail: 'system reset from outside' });
  }

  run(vcpu: Vcpu, what: string): void {
    if (this.#plan !== undefined && this.#plan.quiet !== true)
      this.#event(vcpu.index, 'run', {
        detail: what,
        addr: vcpu.nia,
        regs: { msr: vcpu.msr, r3: vcpu.gpr(3) },
      });
  }

  /** What the guest wrote is in the store. The first write under a plan is told at once, the last one by {@link ended}. */
  diskWritten(disk: number, offset: number, length: number): void {
    if (this.#plan === undefined || this.#plan.quiet === true) return;
    const write = {
      insn: this.#machine.instructions(),
      tb: this.#machine.timebase(),
      regs: { disk: BigInt(disk), offset: BigInt(offset), length: BigInt(length) },
    };
    if (!this.#lastWrites.has(disk)) this.#tell(-1, 'disk', { detail: 'first write', ...write });
    this.#lastWrites.set(disk, write);
  }

  /** The life is over: nothing is written any more. */
  ended(): void {
    for (const [, write] of [...this.#lastWrites].sort(([a], [b]) => a - b))
      this.#tell(-1, 'disk', { detail: 'last write', ...write });
    this.#lastWrites.clear();
  }

  /** A fault was done; told with or without a plan. */
  fault(cpu: number, event: Pick<MachineEvent, 'addr' | 'regs' | 'detail'>): void {
    this.#event(cpu, 'fault', event);
  }

  /** What every other vCPU is doing. */
  #census(probed: Vcpu): void {
    for (const vcpu of this.#machine.vcpus)
      if (vcpu !== probed && vcpu.state !== 'stopped') this.run(vcpu, `is ${vcpu.state}`);
  }

  #fetch(vcpu: Vcpu, at: bigint, what: Limited, raddr: number): void {
    if (!this.#within(vcpu.index, what)) return;
    const regs: Record<string, bigint> = { nia: at, msr: vcpu.msr, lr: vcpu.get64(LR), raddr: BigInt(raddr) };
    for (const n of [1, 3, 4, 5, 6]) regs[`r${n}`] = vcpu.gpr(n);
    this.#event(vcpu.index, 'fetch', { addr: at, detail: what.name, regs });
  }

  #within(cpu: number, what: Limited): boolean {
    const key = `${cpu} ${what.name}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count <= (what.limit ?? DEFAULT_LIMIT);
  }

  #event(cpu: number, kind: MachineEventKind, rest: Pick<MachineEvent, 'addr' | 'regs' | 'detail'>): void {
    this.#tell(cpu, kind, {
      insn: this.#machine.instructions(),
      tb: this.#machine.timebase(),
      ...rest,
    });
  }

  #tell(cpu: number, kind: MachineEventKind, rest: Omit<MachineEvent, 'n' | 'cpu' | 'kind'>): void {
    this.#emit({ n: this.#n++, cpu, kind, ...rest });
  }
}
