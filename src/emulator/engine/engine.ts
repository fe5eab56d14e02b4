/**
 * Runs vCPUs: owns the compiled interpreter and its imports, and turns its exits into guest interrupts.
 *
 * One engine serves one arena. `run` executes one vCPU until its budget is used, it leaves service (cede, stop), or the
 * machine ends; no guest can make it throw.
 */

import { assert } from '../../base/errors.ts';
import { hex32, hex64 } from '../../base/hex.ts';
import { EXIT } from '../cpu/exit.ts';
import { deliver } from '../cpu/interrupts.ts';
import { type Mode, modeKey } from '../cpu/mode.ts';
import { processorModel } from '../cpu/processor.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import { decode, type Isa } from '../isa/index.ts';
import type { Arena } from '../memory/arena.ts';
import type { Ram } from '../memory/ram.ts';
import { type GuestMmu, highHalf, lowHalf } from '../mmu/contract.ts';
import * as tlb from '../mmu/tlb.ts';
import { type Cause, causeOfExit, causeOfFault } from './causes.ts';
import { CodeCache } from './code-cache.ts';
import type { EngineHost } from './engine-host.ts';
import { interpreterImports } from './imports.ts';
import { helperFunctions } from './interpreter/helper-functions.ts';
import { interpreterModule } from './interpreter/modules.ts';
import { Jit } from './jit/jit.ts';
import { Pauses } from './pauses.ts';
import { faultAddress, isNothingThere, type MmioBus, StorageAccess } from './translation.ts';
import { followMode, translationState } from './translation-state.ts';

/** Why {@link Engine.run} came back. */
export type RunEnd = 'budget' | 'attn' | 'left-service' | 'event' | 'paused';

/** `pausable`: the run may end `paused`; `resumed`: it continues one that did, with what was left, and may again. */
export type RunMode = 'whole' | 'pausable' | 'resumed';

type Interpreter = (data: number, code: number, budget: number, regions: number) => number;

/** Slots for decoded pages: 6144 pages are 24 MiB of code. */
const CODE_PAGES = 6144;

export class Engine {
  readonly code: CodeCache;
  readonly jit: Jit | undefined;
  readonly storage: StorageAccess;
  readonly #host: EngineHost;
  readonly #arena: Arena;
  readonly #instances = new Map<number, Interpreter>();
  readonly #imports: Record<string, unknown>;
  #budget = 0;
  /** Set by special handlers: stop after this instruction. */
  #stopRequested = false;
  /** Set where the instruction at NIA raised an interrupt. */
  #raised = false;
  /** What was left of the slice when the last interrupt was raised. */
  #raisedAt = -1;
  /** Nanoseconds that the hypervisor took in the instruction that left compiled code. */
  #owed = 0;
  /** The run that was paused had left compiled code for that alone: nothing happens before it is entered again. */
  #pausedInside = false;
  readonly #pauses: Pauses;
  readonly #regions: number;
  /** Regions execute more than one instruction at a time. */
  mayEnterRegions = true;
  readonly #isa: Isa;

  constructor(arena: Arena, ram: Ram, mmu: GuestMmu, bus: MmioBus, host: EngineHost) {
    this.#host = host;
    this.#arena = arena;
    this.#isa = processorModel(host.processorVersion).isa;
    this.code = new CodeCache(
      arena,
      ram,
      () => host.allVcpus().map((each) => each.tlb),
      CODE_PAGES,
      processorModel(host.processorVersion),
    );
    for (const vcpu of host.allVcpus()) vcpu.xerMask = processorModel(host.processorVersion).xerMask;
    ram.observeWrites((page, offset, length) => this.code.written(page, offset, length));
    const [first] = host.allVcpus();
    assert(first !== undefined, 'an engine has a vCPU to run');
    this.storage = new StorageAccess(arena, ram, mmu, bus, translationState(first));
    const isTime = (): boolean => host.isTime?.() === true;
    this.#pauses = new Pauses(arena, this.storage.state, isTime, host.jit?.portion);
    const helpers = helperFunctions(arena);
    this.jit = host.jit === undefined ? undefined : new Jit(arena, this.code, helpers, host.jit);
    this.#regions = this.jit?.entries ?? 0;
    this.#imports = interpreterImports({
      helpers,
      jit: this.jit,
      host,
      pauses: this.#pauses,
      arena,
      ram,
      storage: this.storage,
      code: this.code,
      vcpu: () => this.storage.state.vcpu,
      now: () => host.sliceStart() + this.executedInSlice,
      requestStop: () => this.requestStop(),
    });
  }

  /** Instructions of the running slice executed so far, when called from a special handler. */
  get executedInSlice(): number {
    return this.#budget - this.#pauses.left;
  }

  /** Ends the slice after the instruction that a special handler executes. */
  requestStop(): void {
    this.#stopRequested = true;
  }

  /** The hypervisor takes the guest's time: it passes after the instruction that a special handler executes. */
  spend(nanoseconds: number): void {
    this.#owed += nanoseconds;
  }

  /**
   * Executes up to about `budget` instructions of an active vCPU; the last straight-line run is finished. An interrupt at
   * the very first instruction of an interrupt's handler counts as one and ends the slice: a guest whose handlers fault
   * runs for ever, but time passes and calls from its owner get through.
   * @param mode whether the host's time may end it in the middle: pauses.ts. A run that was paused must be resumed, with the
   * same vCPU and what was left of its budget, before any other.
   * @returns why it came back and how many instructions were executed.
   */
  run(
    vcpu: Vcpu,
    budget: number,
    mode: RunMode = 'whole',
  ): { readonly end: RunEnd; readonly executed: number } {
    const pauses = this.#pauses;
    this.storage.state.vcpu = vcpu;
    this.#budget = budget;
    let inside = mode === 'resumed' && this.#pausedInside;
    if (mode !== 'resumed') {
      this.#stopRequested = false;
      this.#raisedAt = -1;
    }
    pauses.begin(budget, this.#host.sliceStart(), mode !== 'whole');
    followMode(this.storage.state, vcpu);
    for (;;) {
      if (!inside) {
        this.code.settle();
        const executed = this.executedInSlice;
        if (this.#stopRequested)
          return { end: vcpu.state === 'running' ? 'event' : 'left-service', executed };
        if (executed >= budget) return { end: 'budget', executed };
        if (pauses.afterExit()) return this.#paused(false);
        this.#host.deliverPending(vcpu);
      }
      inside = false;
      const state = this.storage.state;
      followMode(state, vcpu);
      const code = this.#interpreter(vcpu)(
        vcpu.tlb.set(state.dataSet),
        vcpu.tlb.set(state.codeSet) + tlb.TLB_EXECUTE,
        pauses.enter(),
        this.mayEnterRegions && vcpu.mode64 ? this.#regions : 0,
      );
      if (this.#owed > 0) {
        pauses.spend(this.#owed);
        this.#owed = 0;
      }
      if (pauses.takeLeaving()) return this.#paused(true);
      switch (code) {
        case EXIT.budget:
        case EXIT.special:
          break;
        case EXIT.fetch:
          this.#fetch(vcpu);
          break;
        case EXIT.fault:
          this.#storageInterrupt(vcpu);
          break;
        case EXIT.attn:
          return { end: 'attn', executed: this.executedInSlice };
        default:
          this.#instructionInterrupt(vcpu, code);
      }
      if (!this.#raised) continue;
      this.#raised = false;
      if (this.#raisedAt === pauses.left) {
        pauses.spend(1);
        this.#stopRequested = true;
      }
      this.#raisedAt = pauses.left;
    }
  }

  #paused(inside: boolean): { readonly end: RunEnd; readonly executed: number } {
    this.#pausedInside = inside;
    return { end: 'paused', executed: this.executedInSlice };
  }

  /** Delivers an interrupt at the next instruction. */
  interrupt(vcpu: Vcpu, vector: number, status = 0n): void {
    const returnTo = vcpu.nia;
    deliver(vcpu, vector, returnTo, status);
    this.#host.interruptTaken(vcpu, vector, returnTo);
  }

  /** The doubleword at an effective address of the running vCPU, or undefined where it cannot be read. */
  doublewordAt(ea: bigint): bigint | undefined {
    const address = this.storage.resolveRead(lowHalf(ea), highHalf(ea), 8);
    return address < 0
      ? this.#unfaulted()
      : this.#arena.view.getBigUint64(address, this.storage.state.vcpu.littleEndian);
  }

  /** The instruction word at an effective address of the running vCPU, or undefined where it cannot be fetched. */
  wordAt(ea: bigint): number | undefined {
    const address = this.storage.resolveCode(lowHalf(ea), highHalf(ea));
    return address < 0
      ? this.#unfaulted()
      : this.#arena.view.getInt32(address, this.storage.state.vcpu.littleEndian);
  }

  #interpreter(mode: Mode): Interpreter {
    const key = modeKey(mode);
    const known = this.#instances.get(key);
    if (known !== undefined) return known;
    const wanted = { mode64: mode.mode64, littleEndian: mode.littleEndian };
    const instance = new WebAssembly.Instance(interpreterModule(wanted), { env: this.#imports });
    const run = instance.exports.run as Interpreter;
    this.#instances.set(key, run);
    return run;
  }

  /** Gives the vCPU decoded code for NIA. */
  #fetch(vcpu: Vcpu): void {
    if (this.#host.stopsHere?.(vcpu) === true) {
      this.#stopRequested = true;
      return;
    }
    const lo = lowHalf(vcpu.nia);
    const hi = highHalf(vcpu.nia);
    const address = this.storage.resolveCode(lo, hi);
    if (address < 0) {
      this.#storageInterrupt(vcpu);
      return;
    }
    this.#host.enteredPage?.(vcpu, this.storage.codeAt);
    const page = address - (address % 4096);
    const slot = this.code.slotFor(page | 0, vcpu.littleEndian);
    vcpu.tlb.fill(this.storage.state.codeSet, tlb.TLB_EXECUTE, lo, hi, slot);
  }

  #storageInterrupt(vcpu: Vcpu): void {
    const { fault } = this.storage;
    if (isNothingThere(fault))
      this.#host.unsupported({
        kind: 'mmio',
        key: hex64(faultAddress(fault)),
        where: hex64(vcpu.nia),
        detail: 'nothing at this address',
      });
    const cause = causeOfFault(vcpu, fault, this.#isa);
    fault.kind = 'none';
    this.#raise(vcpu, cause);
  }

  #instructionInterrupt(vcpu: Vcpu, code: number): void {
    if (code === EXIT.illegal) {
      const word = this.wordAt(vcpu.nia);
      const row = word === undefined ? undefined : decode(word);
      this.#host.unsupported({
        kind: 'instruction',
        key: row?.mnemonic ?? (word === undefined ? 'unknown' : hex32(word)),
        where: hex64(vcpu.nia),
      });
    }
    this.#raise(vcpu, causeOfExit(vcpu, code));
  }

  #raise(vcpu: Vcpu, { vector, status }: Cause): void {
    this.#raised = true;
    vcpu.unreturned++;
    this.interrupt(vcpu, vector, status);
  }

  /** An inspection is no access of the guest's: it raises nothing. */
  #unfaulted(): undefined {
    this.storage.fault.kind = 'none';
  }
}
