/**
 * Runs vCPUs: owns the compiled interpreter, what it imports, and the turn from its exits to interrupts.
 *
 * One engine serves one arena. `run` executes one vCPU until its budget is used, it leaves service (cede, stop), or the
 * machine ends; everything a guest can do in between is a value that is acted on here.
 */

import { assert } from '../../base/errors.ts';
import { hex32, hex64 } from '../../base/hex.ts';
import { EXIT } from '../cpu/exit.ts';
import { deliver, VECTOR } from '../cpu/interrupts.ts';
import * as layout from '../cpu/layout.ts';
import * as msr from '../cpu/msr.ts';
import { processorModel } from '../cpu/processor.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import type { ReportUnsupported } from '../devices/contract.ts';
import { decode } from '../isa/index.ts';
import type { Arena } from '../memory/arena.ts';
import type { Ram } from '../memory/ram.ts';
import type { GuestMmu } from '../mmu/contract.ts';
import { Slb } from '../mmu/hash/slb.ts';
import * as tlb from '../mmu/tlb.ts';
import { HOST_HELPERS } from '../semantics/host.ts';
import { SPECIAL_NAMES } from '../semantics/specials.ts';
import { CodeCache } from './code-cache.ts';
import { interpreterModule, modeKey } from './modules.ts';
import { type SpecialHost, specialTable } from './specials.ts';
import { type MmioBus, StorageAccess } from './translation.ts';

/** What the engine asks of the machine around it. */
export interface EngineHost {
  /** Nanoseconds since power-on at the start of the running slice. */
  readonly sliceStart: () => number;
  readonly processorVersion: number;
  readonly unsupported: ReportUnsupported;
  readonly randomBytes: (count: number) => Uint8Array;
  /** `sc`: with level 1 in privileged state a hypercall. @returns false when there is no hypervisor: an interrupt then. */
  readonly hypercall: (vcpu: Vcpu) => boolean;
  /** Every interrupt delivered, for the trace. */
  readonly interruptTaken: (vcpu: Vcpu, vector: number, returnTo: bigint) => void;
  /** Every change of MSR that the guest makes itself, after it. */
  /** @param target where a return from interrupt goes; absent for other changes. The vCPU is not there yet. */
  readonly msrChanged?: (vcpu: Vcpu, before: bigint, target?: bigint) => void;
  /** An instruction at a probe is about to be executed; `word` is its arena address. */
  readonly probed?: (vcpu: Vcpu, word: number) => void;
  /** Code is about to run in a page that the TLB did not hold: the real address of the first instruction there. */
  readonly enteredPage?: (vcpu: Vcpu, raddr: number) => void;
  /** A system call, before it is taken. */
  readonly systemCall?: (vcpu: Vcpu) => void;
  /** msgsndp: a doorbell to a thread of the same core, by thread number. */
  readonly doorbell: (from: Vcpu, thread: number) => void;
  /** The thread number within its core (TIR). */
  readonly threadNumber: (vcpu: Vcpu) => number;
  /** Delivers an interrupt that waits and is enabled; called before each entry to compiled code. */
  readonly deliverPending: (vcpu: Vcpu) => void;
  /** Other vCPUs' TLBs, for tlbie. */
  readonly allVcpus: () => readonly Vcpu[];
}

/** Why {@link Engine.run} came back. */
export type RunEnd = 'budget' | 'attn' | 'left-service' | 'event';

type Interpreter = (data: number, code: number, budget: number) => number;

/** Slots for decoded pages: 6144 pages are 24 MiB of code. */
const CODE_PAGES = 6144;

export class Engine {
  readonly code: CodeCache;
  readonly storage: StorageAccess;
  readonly #host: EngineHost;
  readonly #arena: Arena;
  readonly #ram: Ram;
  readonly #instances = new Map<number, Interpreter>();
  readonly #imports: Record<string, unknown>;
  #budget = 0;
  /** Set by the host's parts of instructions: stop after this instruction. */
  #stopRequested = false;
  /** Set where the instruction at NIA raised an interrupt. */
  #raised = false;

  constructor(arena: Arena, ram: Ram, mmu: GuestMmu, bus: MmioBus, host: EngineHost) {
    this.#host = host;
    this.#arena = arena;
    this.#ram = ram;
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
    this.storage = new StorageAccess(arena, ram, mmu, bus, {
      vcpu: first,
      dataReal: true,
      codeReal: true,
      context: {
        problemState: false,
        pid: 0,
        amrWrite: false,
        amrRead: false,
        iamrExecute: false,
        amr: 0n,
        iamr: 0n,
        slb: new Slb(),
      },
      dataSet: 0,
      codeSet: 0,
    });
    this.#imports = this.#makeImports();
  }

  /** Instructions of the running slice executed so far, when called from the host's part of one. */
  get executedInSlice(): number {
    return this.#budget - this.#arena.view.getInt32(layout.LEFT, true);
  }

  /** Ends the slice after the instruction that the host is acting for. */
  requestStop(): void {
    this.#stopRequested = true;
  }

  /**
   * Executes up to about `budget` instructions of an active vCPU; the last straight-line run is finished. An interrupt at
   * the very first instruction of an interrupt's handler counts as one and ends the slice: a guest whose handlers fault
   * runs for ever, but time passes and its owner is heard.
   * @returns why it came back and how many instructions were executed.
   */
  run(vcpu: Vcpu, budget: number): { readonly end: RunEnd; readonly executed: number } {
    this.storage.state.vcpu = vcpu;
    this.#budget = budget;
    this.#stopRequested = false;
    let left = budget;
    let raisedAt = -1;
    this.#arena.view.setInt32(layout.LEFT, left, true);
    this.#arena.view.setBigInt64(layout.SLICE_END, BigInt(this.#host.sliceStart() + budget), true);
    this.#refresh(vcpu, vcpu.msr);
    for (;;) {
      this.code.settle();
      if (this.#stopRequested)
        return { end: vcpu.state === 'running' ? 'event' : 'left-service', executed: budget - left };
      if (left <= 0) return { end: 'budget', executed: budget - left };
      this.#host.deliverPending(vcpu);
      const mode = vcpu.msr;
      this.#refresh(vcpu, mode);
      const state = this.storage.state;
      const code = this.#interpreter(mode)(
        vcpu.tlb.set(state.dataSet),
        vcpu.tlb.set(state.codeSet) + tlb.TLB_EXECUTE,
        left,
      );
      left = this.#arena.view.getInt32(layout.LEFT, true);
      switch (code) {
        case EXIT.budget:
        case EXIT.special:
          break;
        case EXIT.fetch:
          this.#fetch(vcpu, mode);
          break;
        case EXIT.fault:
          this.#storageInterrupt(vcpu);
          break;
        case EXIT.attn:
          return { end: 'attn', executed: budget - left };
        default:
          this.#instructionInterrupt(vcpu, code);
      }
      if (!this.#raised) continue;
      this.#raised = false;
      if (raisedAt === left) {
        this.#arena.view.setInt32(layout.LEFT, --left, true);
        this.#stopRequested = true;
      }
      raisedAt = left;
    }
  }

  /** Delivers an interrupt at the next instruction. */
  interrupt(vcpu: Vcpu, vector: number, status = 0n): void {
    const returnTo = vcpu.nia;
    deliver(vcpu, vector, returnTo, status);
    this.#host.interruptTaken(vcpu, vector, returnTo);
  }

  /** What the walk needs, from MSR and the translation registers. */
  #refresh(vcpu: Vcpu, mode: bigint): void {
    const state = this.storage.state;
    const problem = (mode & msr.MSR_PR_BIT) !== 0n;
    // Decoded records are of one byte order, and execute entries do not tell which.
    const littleEndian = (mode & msr.MSR_LE_BIT) !== 0n;
    if (littleEndian !== vcpu.executesLittleEndian) {
      vcpu.executesLittleEndian = littleEndian;
      vcpu.tlb.flushExecute();
    }
    state.dataReal = (mode & msr.MSR_DR_BIT) === 0n;
    state.codeReal = (mode & msr.MSR_IR_BIT) === 0n;
    const amr = Number(vcpu.amr >> 62n);
    const translated = problem ? tlb.CONTEXT_USER : tlb.CONTEXT_KERNEL + amr;
    state.dataSet = state.dataReal ? tlb.CONTEXT_REAL : translated;
    state.codeSet = state.codeReal ? tlb.CONTEXT_REAL : problem ? tlb.CONTEXT_USER : tlb.CONTEXT_KERNEL;
    const context = state.context;
    context.problemState = problem;
    context.pid = vcpu.pid;
    context.slb = vcpu.slb;
    context.amr = vcpu.amr;
    context.iamr = vcpu.iamr;
    context.amrWrite = (amr & 2) !== 0;
    context.amrRead = (amr & 1) !== 0;
    context.iamrExecute = ((vcpu.iamr >> 62n) & 1n) !== 0n;
  }

  #interpreter(mode: bigint): Interpreter {
    const wanted = {
      mode64: (mode & msr.MSR_SF_BIT) !== 0n,
      littleEndian: (mode & msr.MSR_LE_BIT) !== 0n,
    };
    const key = modeKey(wanted);
    const known = this.#instances.get(key);
    if (known !== undefined) return known;
    const instance = new WebAssembly.Instance(interpreterModule(wanted), { env: this.#imports });
    const run = instance.exports.run as Interpreter;
    this.#instances.set(key, run);
    return run;
  }

  #fetch(vcpu: Vcpu, mode: bigint): void {
    const nia = vcpu.nia;
    const lo = Number(nia & 0xffffffffn) | 0;
    const hi = Number(nia >> 32n) | 0;
    const address = this.storage.resolveCode(lo, hi);
    if (address < 0) {
      this.#storageInterrupt(vcpu);
      return;
    }
    this.#host.enteredPage?.(vcpu, this.storage.codeAt);
    const page = address - (address % 4096);
    const slot = this.code.slotFor(page | 0, (mode & msr.MSR_LE_BIT) !== 0n);
    vcpu.tlb.fill(this.storage.state.codeSet, tlb.TLB_EXECUTE, lo, hi, slot);
  }

  #storageInterrupt(vcpu: Vcpu): void {
    const fault = this.storage.fault;
    const address = (BigInt(fault.hi >>> 0) << 32n) | BigInt(fault.lo >>> 0);
    const kind = fault.kind;
    fault.kind = 'none';
    this.#raised = true;
    switch (kind) {
      case 'data':
        vcpu.setSpr(19, address);
        vcpu.setSpr(18, BigInt(fault.status >>> 0));
        this.interrupt(vcpu, VECTOR.dataStorage);
        return;
      case 'data-segment':
        vcpu.setSpr(19, address);
        this.interrupt(vcpu, VECTOR.dataSegment);
        return;
      case 'instruction':
        this.interrupt(vcpu, VECTOR.instructionStorage, BigInt(fault.status >>> 0) & 0x783f0000n);
        return;
      case 'instruction-segment':
        this.interrupt(vcpu, VECTOR.instructionSegment);
        return;
      case 'machine-check':
        this.#host.unsupported({
          kind: 'mmio',
          key: hex64(address),
          where: hex64(vcpu.nia),
          detail: 'nothing at this address',
        });
        vcpu.setSpr(19, address);
        this.interrupt(vcpu, VECTOR.machineCheck, 0x00040000n);
        return;
      case 'none':
        assert(false, 'a fault has a kind');
    }
  }

  #instructionInterrupt(vcpu: Vcpu, code: number): void {
    this.#raised = true;
    switch (code) {
      case EXIT.illegal: {
        const word = this.wordAt(vcpu.nia);
        const row = word === undefined ? undefined : decode(word);
        this.#host.unsupported({
          kind: 'instruction',
          key: row?.mnemonic ?? (word === undefined ? 'unknown' : hex32(word)),
          where: hex64(vcpu.nia),
        });
        this.interrupt(vcpu, VECTOR.program, 0x00080000n);
        return;
      }
      case EXIT.privileged:
        this.interrupt(vcpu, VECTOR.program, 0x00040000n);
        return;
      case EXIT.trap:
        this.interrupt(vcpu, VECTOR.program, 0x00020000n);
        return;
      case EXIT.fpEnabled:
        this.interrupt(vcpu, VECTOR.program, 0x00100000n);
        return;
      case EXIT.fpUnavailable:
        this.interrupt(vcpu, VECTOR.fpUnavailable);
        return;
      case EXIT.vectorUnavailable:
        this.interrupt(vcpu, VECTOR.vectorUnavailable);
        return;
      case EXIT.vsxUnavailable:
        this.interrupt(vcpu, VECTOR.vsxUnavailable);
        return;
      case EXIT.alignment:
        // Whoever exits by it leaves the operand's address in HELPER.
        vcpu.setSpr(19, vcpu.get64(layout.HELPER));
        this.interrupt(vcpu, VECTOR.alignment);
        return;
      default:
        assert(false, `exit code ${code} is handled`);
    }
  }

  /** Eight bytes at an arena address that the storage path gave. */
  readArena64(address: number, littleEndian: boolean): bigint {
    return this.#arena.view.getBigUint64(address, littleEndian);
  }

  /** The instruction word at an effective address of the running vCPU, or undefined where it cannot be fetched. */
  wordAt(nia: bigint): number | undefined {
    const address = this.storage.resolveCode(Number(nia & 0xffffffffn) | 0, Number(nia >> 32n) | 0);
    if (address < 0) {
      this.storage.fault.kind = 'none';
      return undefined;
    }
    return this.#arena.view.getInt32(address, (this.storage.state.vcpu.msr & msr.MSR_LE_BIT) !== 0n);
  }

  #makeImports(): Record<string, unknown> {
    const specialHost: SpecialHost = {
      host: this.#host,
      storage: this.storage,
      arena: this.#arena,
      ram: this.#ram,
      vcpu: () => this.storage.state.vcpu,
      now: () => this.#host.sliceStart() + this.executedInSlice,
      requestStop: () => this.requestStop(),
    };
    const table = specialTable(specialHost);
    const specials = SPECIAL_NAMES.map((name) => {
      const run = table.get(name);
      assert(run !== undefined, `special ${name} is implemented`);
      return run;
    });
    const imports: Record<string, unknown> = {
      memory: this.#arena.memory,
      decode: (address: number) => (this.code.decodeRecord(address >>> 0) ? 0 : EXIT.fetch),
      probe: (address: number) => {
        const { handler, word } = this.code.probed(address >>> 0);
        this.#host.probed?.(this.storage.state.vcpu, word);
        return handler;
      },
      special: (id: number, record: number) =>
        (specials[id] as (word: number) => number)(this.code.wordAt(record >>> 0)),
      resolveRead: (lo: number, hi: number, bytes: number) => this.storage.resolveRead(lo, hi, bytes) | 0,
      resolveWrite: (lo: number, hi: number, bytes: number) => this.storage.resolveWrite(lo, hi, bytes) | 0,
      commitWrite: () => this.storage.commitWrite(),
    };
    for (const [name, helper] of HOST_HELPERS) {
      imports[`helper_${name}`] = (a: number, b: number, c: number, d: number) =>
        helper.run(this.#arena.view, a, b, c, d);
    }
    return imports;
  }
}
