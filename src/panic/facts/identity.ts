/**
 * Identifies a crash: the reason that the kernel gave, the functions that led to it, and a signature of both by which
 * the same crash is recognised again. It reads T0's registers and the panicking CPU's stack. That stack does not change
 * after the panic: the crash kernel has memory of its own. Modules and stacks outside of the linear map are read through the
 * kernel's page table.
 * Sources: Power Architecture 64-Bit ELF V2 ABI 1.5 §2.2.3 (back chain, LR save); Linux 6.1, 6.12 and 7.2
 * arch/powerpc/include/asm/ptrace.h (STACK_INT_FRAME_MARKER, STACK_INT_FRAME_REGS, pt_regs), thread_info.h (THREAD_SIZE),
 * kernel/vmlinux.lds.S (init_stack), kernel/panic.c, arch/powerpc/kernel/traps.c, exceptions-64s.S (an interrupt's frame has the
 * interrupted r1 as its back chain and in its registers). Left out: code that was made at run time, BPF's for example, has no
 * name; its instructions identify it.
 */

import { createHash } from 'node:crypto';
import { type Endian, getU64, latin1 } from '../../base/bytes.ts';
import { MSR, VECTOR } from '../../base/power.ts';
import type { CrashCause } from '../contract/index.ts';
import type { FetchEvent, FunctionName, InterruptEvent, Trace, TraceEvent } from '../trace/index.ts';
import { dataSymbols, type FindData } from './data-symbols.ts';
import { isKernel, isLinear, KernelMemory } from './kernel-memory.ts';
import { moduleSymbols, nameIn } from './module-names.ts';
import type { KernelSymbols, ReadMemory } from './symbols/index.ts';

export type CrashIdentity = {
  /** 16 hex digits. */
  readonly signature: string;
  readonly cause: CrashCause;
};

const MOST_FRAMES = 24;
/** Frames that are looked at for them: a chain may lead from stack to stack, and in a circle. */
const MOST_STEPS = 4 * MOST_FRAMES;
const MOST_TEXT = 200;
const LR_SAVE = 16n;
/** Of stacks, where the kernel's symbols do not say. */
const THREAD_BYTES = 0x4000n;
/**
 * Where an interrupt's frame has its marker and its registers: ELFv2 since Linux 6.2; before, and ELFv1. What an older frame left
 * behind may look like a marker: the registers decide.
 */
const FRAMES = [
  { marker: 32n, regs: 48n },
  { marker: 96n, regs: 112n },
] as const;
const REGS = { r1: 8n, nip: 256n, msr: 264n, link: 288n, trap: 320n } as const;
const FRAME_BYTES = 440;
const REGS_MARKER = 0x52454753n;
const REGS_MARKER_LITTLE = 0x53474552n;
/** Words of code that identify a function without a name: those up to the address. */
const CODE_BYTES = 32;
/** Vectors of interrupts whose cause is not the interrupted code: system reset, external, decrementers, doorbells, counters. */
const ASYNCHRONOUS: readonly bigint[] = [
  0x100n,
  0x500n,
  0x900n,
  0x980n,
  0xa00n,
  0xe60n,
  0xe80n,
  0xea0n,
  0xf00n,
];
/** The caller is user space. */
const SYSTEM_CALLS: readonly bigint[] = [0xc00n, 0x3000n];
/** A CPU on whose stack one of these is was idle, however deep. */
const IDLE: ReadonlySet<string> = new Set(['do_idle', 'cpu_startup_entry', 'arch_cpu_idle']);
/** The register of the argument that is the kernel's text: panic(format, …), die(text, …), nmi_panic(regs, text). */
const TEXT_ARGUMENT: Readonly<Partial<Record<FunctionName, 'r3' | 'r4'>>> = {
  panic: 'r3',
  die: 'r3',
  nmi_panic: 'r4',
};
const INTERRUPTS: Readonly<Record<number, string>> = {
  [VECTOR.systemReset]: 'system reset',
  [VECTOR.machineCheck]: 'machine check',
};

/**
 * @param vmlinux the kernel with symbols: its kallsyms may name functions only
 * @returns undefined where the trace has no T0. The cause lacks what could not be read from memory.
 */
export async function identifyCrash(
  trace: Pick<Trace, 'events' | 'instants' | 'machine'>,
  read: ReadMemory,
  production: KernelSymbols,
  vmlinux?: string,
): Promise<CrashIdentity | undefined> {
  const t0 = trace.instants.t0;
  const begin = t0 === undefined ? undefined : trace.events[t0.event];
  // A panic begins with a call or with an interrupt (watch/instants.ts).
  if (begin?.kind !== 'fetch' && begin?.kind !== 'interrupt') return undefined;
  const find = await dataSymbols(production, vmlinux);
  const memory = new KernelMemory(read, find('swapper_pg_dir'), trace.machine.mmu);
  const stack = new Stack(memory, production, find, endianOf(begin));
  const own = trace.events.filter(({ n, cpu }) => n >= begin.n && cpu === begin.cpu);
  const cause: CrashCause = {
    reason: (await reasonOf(own, stack)) ?? beginning(begin),
    backtrace: await backtraceOf(begin, own, stack),
  };
  const text = [cause.reason, ...cause.backtrace].join('\n');
  return { signature: createHash('sha256').update(text).digest('hex').slice(0, 16), cause };
}

/** The first text that the kernel gives, on its way to the crash kernel. */
async function reasonOf(events: readonly TraceEvent[], stack: Stack): Promise<string | undefined> {
  for (const event of events) {
    if (event.kind !== 'fetch' || event.mark.at !== 'function' || event.mark.in !== 'production') continue;
    const argument = TEXT_ARGUMENT[event.mark.name];
    if (argument === undefined) continue;
    const text = await stack.text(BigInt(event.regs[argument]));
    // panic("%s", …): the text is the next argument.
    const inner = text?.trim() === '%s' ? await stack.text(BigInt(event.regs.r4)) : undefined;
    const found = inner ?? text;
    if (found !== undefined && found.trim() !== '')
      return found.trim().replace(/\b0x[0-9a-f]+\b|\b[0-9]+\b/gi, '#');
  }
  return undefined;
}

/** What the panic began with, where the kernel gave no text. */
function beginning(begin: FetchEvent | InterruptEvent): string {
  if (begin.kind === 'interrupt') return INTERRUPTS[begin.vector] ?? begin.kind;
  return begin.mark.at === 'function' ? begin.mark.name : begin.kind;
}

async function backtraceOf(
  begin: FetchEvent | InterruptEvent,
  own: readonly TraceEvent[],
  stack: Stack,
): Promise<readonly string[]> {
  const sp = BigInt(begin.regs.r1);
  if (begin.kind === 'fetch') {
    // A function that was just entered has no frame: its caller's is r1's, and the link register leads there.
    const names = [await stack.name(BigInt(begin.addr)), await stack.caller(BigInt(begin.regs.lr))];
    return [...names, ...(await stack.walk(sp, MOST_FRAMES - names.length))];
  }
  const nip = BigInt(begin.regs.srr0);
  // The interrupt's own frame has the link register; the next function that the CPU enters leads to it.
  const next = own.find((event) => event.kind === 'fetch');
  const link = next === undefined ? undefined : await stack.linkOf(nip, BigInt(next.regs.r1));
  const names = await stack.interrupted(nip, sp, link);
  names.push(...(await stack.walk(sp, MOST_FRAMES - names.length)));
  return names.some((name) => IDLE.has(name)) ? ['idle'] : names;
}

function endianOf(begin: FetchEvent | InterruptEvent): Endian {
  const msr = BigInt(begin.kind === 'fetch' ? begin.regs.msr : begin.regs.srr1);
  return (msr & MSR.LE) === 0n ? 'big' : 'little';
}

type Interrupted = { readonly nip: bigint; readonly link: bigint; readonly trap: bigint };

/** The production kernel's memory, as the panicking CPU saw it. */
class Stack {
  readonly #memory: KernelMemory;
  readonly #symbols: KernelSymbols;
  readonly #endian: Endian;
  readonly #find: FindData;
  readonly #threadBytes: bigint;
  #modules: ReturnType<typeof moduleSymbols> | undefined;

  constructor(memory: KernelMemory, symbols: KernelSymbols, find: FindData, endian: Endian) {
    this.#memory = memory;
    this.#symbols = symbols;
    this.#endian = endian;
    this.#find = find;
    const [start, end] = [find('init_stack'), find('__end_init_stack') ?? find('__end_init_task')];
    const bytes = start === undefined || end === undefined ? 0n : end - start;
    this.#threadBytes = bytes >= THREAD_BYTES && (bytes & (bytes - 1n)) === 0n ? bytes : THREAD_BYTES;
  }

  /** The function of an instruction, without what compilers append to the names of its parts; `?`: there is no such code. */
  async name(address: bigint): Promise<string> {
    const place = isLinear(address) ? this.#symbols.table.locate(address) : undefined;
    const found = place?.name ?? (await this.#nameOutside(address));
    return found.replace(/^\./, '').replace(/\.(?:constprop|isra|part|cold)[^ ]*/, '');
  }

  /** The function that a return address leads back to: a call that never returns may be its last instruction. */
  async caller(address: bigint): Promise<string> {
    return await this.name(address - 4n);
  }

  /** The link register of an interrupt that took `nip`, by its frame on the chain from `sp` on; undefined: none is found. */
  async linkOf(nip: bigint, sp: bigint): Promise<bigint | undefined> {
    for (let at = sp, step = 0; step < MOST_STEPS; step++) {
      const frame = await this.#frame(at);
      const taken = frame === undefined ? undefined : this.#interrupt(frame);
      if (frame === undefined || taken?.nip === nip) return taken?.link;
      at = frame(0n);
    }
    return undefined;
  }

  /**
   * The interrupted function, and its caller where that is not on the stack: a leaf has no frame, and keeps the address that
   * it returns to in the link register.
   * @param sp its r1. @param link its link register; undefined: not known
   */
  async interrupted(nip: bigint, sp: bigint, link: bigint | undefined): Promise<string[]> {
    const own = await this.name(nip);
    if (link === undefined || !isKernel(link)) return [own];
    const frame = await this.#frame(sp);
    const above = frame === undefined ? undefined : await this.#frame(frame(0n));
    // It has saved the address in a frame of its own, or has called another function meanwhile.
    if (above?.(LR_SAVE) === link) return [own];
    const caller = await this.caller(link);
    return caller === own || caller === '?' ? [own] : [own, caller];
  }

  /** Functions along the back chain from a frame on, up to user space or to the interrupted code. */
  async walk(from: bigint, limit: number): Promise<string[]> {
    const names: string[] = [];
    let sp = from;
    for (let step = 0; step < MOST_STEPS && names.length < limit; step++) {
      const frame = await this.#frame(sp);
      if (frame === undefined) break;
      const taken = this.#interrupt(frame);
      const back = frame(0n);
      if (taken !== undefined) {
        if (ASYNCHRONOUS.includes(taken.trap) || SYSTEM_CALLS.includes(taken.trap)) break;
        names.push(...(await this.interrupted(taken.nip, back, taken.link)));
      }
      const above = back === 0n ? undefined : await this.#frame(back);
      if (above === undefined) break;
      // What an interrupted function saved as its return address may be of an earlier call: its caller is found above.
      // The same holds where another stack was switched to: that call's address is in the new stack's first frame.
      if (taken === undefined && sp / this.#threadBytes === back / this.#threadBytes) {
        const caller = above(LR_SAVE);
        // The stack's first frame has no return address.
        if (caller !== 0n) names.push(await this.caller(caller));
      }
      sp = back;
    }
    while (names.at(-1) === '?') names.pop();
    return names.slice(0, limit);
  }

  /** A C string; undefined where there is none. */
  async text(address: bigint): Promise<string | undefined> {
    const bytes = await this.#memory.upTo(address, MOST_TEXT);
    if (bytes.length === 0) return undefined;
    const end = bytes.indexOf(0);
    return latin1(bytes.subarray(0, end < 0 ? bytes.length : end));
  }

  /** Code outside of the linear map is a module's; other code is known by its instructions, wherever it lies. */
  async #nameOutside(address: bigint): Promise<string> {
    if (!isKernel(address) || isLinear(address)) return '?';
    const head = this.#find('modules');
    this.#modules ??=
      head === undefined ? Promise.resolve([]) : moduleSymbols(head, this.#memory, this.#endian);
    const named = nameIn(await this.#modules, address);
    if (named !== undefined) return named;
    const code = await this.#memory.bytes(address + 4n - BigInt(CODE_BYTES), CODE_BYTES);
    return code === undefined ? '?' : `code-${createHash('sha256').update(code).digest('hex').slice(0, 8)}`;
  }

  #interrupt(frame: (offset: bigint) => bigint): Interrupted | undefined {
    for (const { marker, regs } of FRAMES) {
      const mark = frame(marker);
      if (mark !== REGS_MARKER && mark !== REGS_MARKER_LITTLE) continue;
      if (frame(regs + REGS.r1) !== frame(0n) && (frame(regs + REGS.msr) & MSR.PR) === 0n) continue;
      return {
        nip: frame(regs + REGS.nip),
        link: frame(regs + REGS.link),
        trap: frame(regs + REGS.trap) & ~0xfn,
      };
    }
    return undefined;
  }

  /** Reads doublewords of a frame; what is not in memory is 0. Undefined where not even its head is. */
  async #frame(sp: bigint): Promise<((offset: bigint) => bigint) | undefined> {
    const bytes = await this.#memory.upTo(sp, FRAME_BYTES);
    if (bytes.length < Number(LR_SAVE) + 8) return undefined;
    return (offset) =>
      Number(offset) + 8 <= bytes.length ? getU64(bytes, Number(offset), this.#endian) : 0n;
  }
}
