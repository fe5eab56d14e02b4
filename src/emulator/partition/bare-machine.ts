/**
 * A processor and its memory, with nothing around them: no hypervisor, no devices, no firmware. It runs bare programs
 * (`kdumpd emulate --raw`) and the tests of instructions.
 *
 * It starts with every register 0 and MSR = SF, and LE in little-endian order; interrupts go to their low vectors in the
 * same byte order. One instruction is one nanosecond, as in a partition.
 */

import { MSR, MSR_LOW, VECTOR } from '../../base/power.ts';
import type { JitOptions } from '../contract/index.ts';
import { Vcpu } from '../cpu/vcpu.ts';
import type { ReportUnsupported } from '../devices/contract.ts';
import { Engine } from '../engine/engine.ts';
import { Arena } from '../memory/arena.ts';
import { Ram } from '../memory/ram.ts';
import type { GuestMmu } from '../mmu/contract.ts';
import { RadixMmu } from '../mmu/radix.ts';
import { SeededRandom } from './machine/random.ts';
import { isTraced, type Step, Stepper } from './time/stepper.ts';

export type BareMachineOptions = {
  /** Bytes of RAM from real address 0; rounded up to 64 KiB. */
  readonly memory: number;
  readonly endian: 'big' | 'little';
  readonly processorVersion: number;
  readonly seed?: number;
  /** How it translates when MSR says so; absent: radix, without a process table. */
  readonly mmu?: GuestMmu;
  /** Real addresses from here on are out of reach in real mode. */
  readonly realModeArea?: number;
  readonly unsupported?: ReportUnsupported;
  /** Absent: all is interpreted. */
  readonly jit?: JitOptions;
};

/** Why a run ended. `stuck`: the first instruction of an interrupt vector raises that same interrupt, for ever. */
export type BareStop = 'attn' | 'limit' | 'stuck';

/** Room beside RAM for decoded code, the registers and the TLB. */
const ARENA_OVERHEAD = 0x0700_0000;
const GRANULE = 0x10000;
/** An engine slice; it overruns its budget by less than a page of instructions. */
const SLICE = 1_000_000;
const LONGEST_OVERRUN = 1024;

export class BareMachine {
  readonly ram: Ram;
  readonly vcpu: Vcpu;
  readonly #options: BareMachineOptions;
  readonly #engine: Engine;
  readonly #stepper: Stepper;
  #executed = 0;
  #stuck = false;
  /** The last interrupt: its vector, and how many instructions had been executed. */
  #lastVector = -1;
  #lastAt = -1;

  constructor(options: BareMachineOptions) {
    const bytes = Math.ceil(options.memory / GRANULE) * GRANULE;
    this.#options = options;
    const arena = new Arena(bytes + ARENA_OVERHEAD);
    this.ram = new Ram(arena, [{ base: 0, size: bytes }]);
    this.vcpu = new Vcpu(arena, 0, 0);
    const random = new SeededRandom(options.seed ?? 0);
    const nothing = { read: (): boolean => false, write: (): boolean => false };
    this.#engine = new Engine(
      arena,
      this.ram,
      options.mmu ?? new RadixMmu(arena, this.ram, () => [this.vcpu.tlb]),
      nothing,
      {
        sliceStart: () => this.#executed,
        processorVersion: options.processorVersion,
        ...(options.jit === undefined ? {} : { jit: options.jit }),
        unsupported: options.unsupported ?? (() => undefined),
        randomBytes: (count) => random.bytes(count),
        hypercall: () => false,
        interruptTaken: (_vcpu, vector, returnTo) => this.#interruptTaken(vector, returnTo),
        doorbell: () => undefined,
        threadNumber: () => 0,
        deliverPending: (vcpu) => this.#deliverPending(vcpu),
        allVcpus: () => [this.vcpu],
      },
    );
    this.#engine.storage.realLimit = options.realModeArea ?? Number.POSITIVE_INFINITY;
    this.#stepper = new Stepper(this.#engine, arena);
    this.reset();
  }

  /** Instructions executed since the start or the last {@link reset}. */
  get instructions(): number {
    return this.#executed;
  }

  /** Registers as at the start. Memory is kept. */
  reset(): void {
    this.vcpu.resetRegisters();
    this.vcpu.state = 'running';
    this.vcpu.interruptLittleEndian = this.#options.endian === 'little';
    this.vcpu.msr = this.#options.endian === 'little' ? MSR.SF | MSR.LE : MSR.SF;
    this.#executed = 0;
    this.#stuck = false;
    this.#lastVector = -1;
  }

  /** Runs from NIA until `attn`, or until `limit` more instructions are executed (never more). */
  run(limit: number = Number.POSITIVE_INFINITY): BareStop {
    const { vcpu } = this;
    const end = this.#executed + limit;
    this.#stuck = false;
    vcpu.activate();
    try {
      while (this.#executed < end) {
        const expiry = vcpu.decrementerExpiry - this.#executed;
        const room = Math.min(SLICE, end - this.#executed - LONGEST_OVERRUN, expiry > 0 ? expiry : SLICE);
        const { end: why, executed } =
          room > 0 && !isTraced(vcpu) ? this.#engine.run(vcpu, room) : this.#step();
        this.#executed += executed;
        if (why === 'attn') return 'attn';
        if (this.#stuck) return 'stuck';
      }
      return 'limit';
    } finally {
      vcpu.deactivate();
    }
  }

  #deliverPending(vcpu: Vcpu): void {
    const now = this.#executed + this.#engine.executedInSlice;
    if (vcpu.msrHas(MSR_LOW.EE) && vcpu.decrementerExpiry <= now)
      this.#engine.interrupt(vcpu, VECTOR.decrementer);
  }

  #step(): Step {
    const { vcpu } = this;
    // A run of nothing: the engine reads MSR, and begins a slice.
    this.#engine.run(vcpu, 0);
    this.#deliverPending(vcpu);
    return isTraced(vcpu) ? this.#stepper.traced(vcpu) : this.#stepper.step(vcpu);
  }

  #interruptTaken(vector: number, returnTo: bigint): void {
    const now = this.#executed + this.#engine.executedInSlice;
    // The first instruction of the handler raised its own interrupt, twice: nothing else will ever happen.
    if (returnTo === BigInt(vector) && vector === this.#lastVector && now === this.#lastAt)
      this.#stuck = true;
    this.#lastVector = vector;
    this.#lastAt = now;
    if (this.#stuck) this.#engine.requestStop();
    this.#stepper.interruptTaken();
  }
}
