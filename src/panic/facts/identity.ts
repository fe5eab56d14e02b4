/**
 * Identifies a crash: the reason that the kernel gave, the functions that led to it, and a signature of both by which
 * the same crash is recognised again. It reads T0's registers and the panicking CPU's stack. That stack does not change
 * after the panic: the crash kernel has memory of its own.
 * Sources: Power Architecture 64-Bit ELF V2 ABI 1.5 §2.2.3 (back chain, LR save); Linux 6.1
 * arch/powerpc/include/asm/ptrace.h (STACK_FRAME_MARKER, pt_regs), kernel/panic.c, arch/powerpc/kernel/traps.c.
 * Left out: functions of modules (they have no symbols here); interrupt frames of kernels from 6.2 on, which lie
 * elsewhere: a backtrace goes through them as if they were none.
 */

import { createHash } from 'node:crypto';
import { type Endian, getU64, latin1 } from '../../base/bytes.ts';
import { MSR, VECTOR } from '../../base/power.ts';
import type { CrashCause } from '../contract/index.ts';
import type { FetchEvent, FunctionName, InterruptEvent, Trace, TraceEvent } from '../trace/index.ts';
import type { KernelSymbols, ReadMemory } from './symbols/index.ts';
import { ifThere, realOf } from './symbols/index.ts';

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
/** Stacks are 16 KiB, aligned (arch/powerpc/include/asm/thread_info.h: THREAD_SIZE). */
const THREAD_SHIFT = 14n;
/** Of an interrupt's frame: the marker, where pt_regs begin, and fields of those. */
const FRAME = { marker: 96n, regs: 112n, nip: 256n, trap: 320n, bytes: 440 } as const;
const REGS_MARKER = 0x52454753n;
const REGS_MARKER_LITTLE = 0x53474552n;
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

/** @returns undefined where the trace has no T0. The cause lacks what could not be read from memory. */
export async function identifyCrash(
  trace: Pick<Trace, 'events' | 'instants'>,
  read: ReadMemory,
  production: KernelSymbols,
): Promise<CrashIdentity | undefined> {
  const t0 = trace.instants.t0;
  const begin = t0 === undefined ? undefined : trace.events[t0.event];
  // A panic begins with a call or with an interrupt (watch/instants.ts).
  if (begin?.kind !== 'fetch' && begin?.kind !== 'interrupt') return undefined;
  const stack = new Stack(read, production, endianOf(begin));
  const own = trace.events.filter(({ n, cpu }) => n >= begin.n && cpu === begin.cpu);
  const cause: CrashCause = {
    reason: (await reasonOf(own, stack)) ?? beginning(begin),
    backtrace: await backtraceOf(begin, stack),
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

async function backtraceOf(begin: FetchEvent | InterruptEvent, stack: Stack): Promise<readonly string[]> {
  const names = [stack.name(BigInt(begin.kind === 'fetch' ? begin.addr : begin.regs.srr0))];
  // A function that was just entered has no frame: its caller's is r1's, and the link register leads there.
  if (begin.kind === 'fetch') names.push(stack.caller(BigInt(begin.regs.lr)));
  names.push(...(await stack.walk(BigInt(begin.regs.r1), MOST_FRAMES - names.length)));
  return begin.kind === 'interrupt' && names.some((name) => IDLE.has(name)) ? ['idle'] : names;
}

function endianOf(begin: FetchEvent | InterruptEvent): Endian {
  const msr = BigInt(begin.kind === 'fetch' ? begin.regs.msr : begin.regs.srr1);
  return (msr & MSR.LE) === 0n ? 'big' : 'little';
}

/** The production kernel's memory, as the panicking CPU saw it. */
class Stack {
  readonly #read: ReadMemory;
  readonly #symbols: KernelSymbols;
  readonly #endian: Endian;

  constructor(read: ReadMemory, symbols: KernelSymbols, endian: Endian) {
    this.#read = read;
    this.#symbols = symbols;
    this.#endian = endian;
  }

  /** The function of an instruction, without what compilers append to the names of its parts. */
  name(address: bigint): string {
    const place = isLinear(address) ? this.#symbols.table.locate(address) : undefined;
    return place === undefined
      ? '?'
      : place.name.replace(/^\./, '').replace(/\.(?:constprop|isra|part|cold).*$/, '');
  }

  /** The function that a return address leads back to: a call that never returns may be its last instruction. */
  caller(address: bigint): string {
    return this.name(address - 4n);
  }

  /** Functions along the back chain from a frame on, up to user space or to the interrupted code. */
  async walk(from: bigint, limit: number): Promise<string[]> {
    const names: string[] = [];
    let sp = from;
    for (let step = 0; step < MOST_STEPS && names.length < limit; step++) {
      const frame = await this.#bytes(sp, FRAME.bytes);
      if (frame === undefined) break;
      const word = (offset: bigint): bigint => getU64(frame, Number(offset), this.#endian);
      const trap = this.#isInterrupt(word) ? word(FRAME.regs + FRAME.trap) & ~0xfn : undefined;
      if (trap !== undefined) {
        if (ASYNCHRONOUS.includes(trap) || SYSTEM_CALLS.includes(trap)) break;
        names.push(this.name(word(FRAME.regs + FRAME.nip)));
      }
      const back = word(0n);
      const above = back === 0n ? undefined : await this.#bytes(back, Number(LR_SAVE) + 8);
      if (above === undefined) break;
      // What an interrupted function saved as its return address may be of an earlier call: its caller is found above.
      // The same holds where another stack was switched to: that call's address is in the new stack's first frame.
      if (trap === undefined && sp >> THREAD_SHIFT === back >> THREAD_SHIFT)
        names.push(this.caller(getU64(above, Number(LR_SAVE), this.#endian)));
      sp = back;
    }
    // The stack's first frame has no return address.
    while (names.at(-1) === '?') names.pop();
    return names.slice(0, limit);
  }

  /** A C string; undefined where there is none in the linear map. */
  async text(address: bigint): Promise<string | undefined> {
    const bytes = await this.#bytes(address, MOST_TEXT);
    if (bytes === undefined) return undefined;
    const end = bytes.indexOf(0);
    return latin1(bytes.subarray(0, end < 0 ? bytes.length : end));
  }

  #isInterrupt(word: (offset: bigint) => bigint): boolean {
    const marker = word(FRAME.marker);
    return marker === REGS_MARKER || marker === REGS_MARKER_LITTLE;
  }

  async #bytes(address: bigint, length: number): Promise<Uint8Array | undefined> {
    if (!isLinear(address)) return undefined;
    return await ifThere(this.#read(realOf(address), length));
  }
}

function isLinear(address: bigint): boolean {
  return address >> 52n === 0xc00n;
}
