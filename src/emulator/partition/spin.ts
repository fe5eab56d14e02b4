/**
 * Waiting loops that cost nothing (architecture, decision 3). A vCPU that comes back to the same instruction with every
 * register the same, having executed only loads, arithmetic and branches, will do so for ever unless what it loads
 * changes or an interrupt comes. It is parked until then.
 *
 * The check executes the loop instruction by instruction; these steps are the vCPU's own progress, so nothing is lost
 * when it turns out not to wait.
 */

import * as layout from '../cpu/layout.ts';
import * as msr from '../cpu/msr.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import type { Engine } from '../engine/engine.ts';
import { step } from '../engine/step.ts';
import { decode, type Row } from '../isa/index.ts';
import type { Arena } from '../memory/arena.ts';
import type { Ram } from '../memory/ram.ts';
import { TLB_WRITE } from '../mmu/tlb.ts';

/** The mark of pages that somebody waits for; see Ram.mark. */
const MARK_WAIT = 4;
const LINE = 128;
/** Loops longer than this are not looked at. */
const LONGEST_LOOP = 48;
/** Two slices that end this close together may be a loop. */
const NEAR = 256n;

const LOADS = new Set([
  'lbz',
  'lhz',
  'lha',
  'lwz',
  'lwa',
  'ld',
  'lbzx',
  'lhzx',
  'lhax',
  'lwzx',
  'lwax',
  'ldx',
  'lwbrx',
  'ldbrx',
]);
const HARMLESS = new Set([
  'addi',
  'addis',
  'add',
  'subf',
  'neg',
  'ori',
  'oris',
  'xori',
  'xoris',
  'and',
  'andi',
  'andis',
  'or',
  'xor',
  'nor',
  'nand',
  'andc',
  'orc',
  'eqv',
  'cmpwi',
  'cmpdi',
  'cmpw',
  'cmpd',
  'cmplwi',
  'cmpldi',
  'cmplw',
  'cmpld',
  'isel',
  'extsb',
  'extsh',
  'extsw',
  'cntlzd',
  'cntlzw',
  'rlwinm',
  'rlwnm',
  'rlwimi',
  'rldicl',
  'rldicr',
  'rldic',
  'rldimi',
  'rldcl',
  'rldcr',
  'slw',
  'srw',
  'sld',
  'srd',
  'srawi',
  'sradi',
  'b',
  'bl',
  'bc',
  'bcl',
  'bclr',
  'bclrl',
  'bcctr',
  'bcctrl',
  'mcrf',
  'crand',
  'cror',
  'crxor',
  'crnor',
  'creqv',
  'crandc',
  'crorc',
  'crnand',
  'isync',
  'sync',
  'eieio',
  'mfcr',
  'mfocrf',
  'mulli',
  'mulld',
  'popcntd',
]);

/** Registers that say nothing of progress: where the host keeps CIA, what is left of the slice, the reservation, CFAR. */
const IGNORED: readonly (readonly [number, number])[] = [
  [layout.CIA, 8],
  [layout.LEFT, 4],
  [layout.RESERVE, 4],
  [layout.SLICE_END, 8],
  [layout.CIA_BASE, 8],
  [layout.LEFT_BASE, 4],
  [layout.sprOffset(28) as number, 8],
];

type Waiter = { readonly vcpu: Vcpu; readonly page: number; readonly offset: number };

export class SpinWatch {
  readonly #arena: Arena;
  readonly #ram: Ram;
  readonly #engine: Engine;
  readonly #vcpus: readonly Vcpu[];
  readonly #lastEnd = new Map<Vcpu, bigint>();
  #waiters: Waiter[] = [];
  /** Parks so far, for the counters. */
  parks = 0;

  constructor(arena: Arena, ram: Ram, engine: Engine, vcpus: readonly Vcpu[]) {
    this.#arena = arena;
    this.#ram = ram;
    this.#engine = engine;
    this.#vcpus = vcpus;
  }

  /**
   * Looks at a vCPU that has used up its slice and is still active; parks it when it waits.
   * @param account Told of instructions executed while looking, one by one.
   * @returns `delay` for a loop that waits for the timebase.
   */
  look(vcpu: Vcpu, account: (executed: number) => void): 'parked' | 'delay' | 'busy' {
    const nia = vcpu.nia;
    const last = this.#lastEnd.get(vcpu);
    this.#lastEnd.set(vcpu, nia);
    if (last === undefined || (nia > last ? nia - last : last - nia) > NEAR) return 'busy';
    return this.#walk(vcpu, account);
  }

  /** A marked page is about to be written: whoever waits for these bytes runs again. */
  written(page: number, offset: number, length: number): void {
    const hit = this.#waiters.filter(
      (each) => each.page === page && offset < each.offset + LINE && offset + length > each.offset,
    );
    for (const each of hit) this.release(each.vcpu);
  }

  /** Ends a vCPU's wait, whatever the reason. */
  release(vcpu: Vcpu): void {
    if (vcpu.state === 'parked') {
      vcpu.state = 'running';
      // Whoever runs alone has a long slice: the released vCPU must not wait for its end.
      this.#engine.requestStop();
    }
    const pages = new Set(this.#waiters.filter((each) => each.vcpu === vcpu).map((each) => each.page));
    this.#waiters = this.#waiters.filter((each) => each.vcpu !== vcpu);
    for (const page of pages)
      if (!this.#waiters.some((each) => each.page === page)) this.#ram.unmark(page, MARK_WAIT);
  }

  clear(): void {
    this.#waiters = [];
    this.#lastEnd.clear();
  }

  #walk(vcpu: Vcpu, account: (executed: number) => void): 'parked' | 'delay' | 'busy' {
    const start = vcpu.nia;
    const before = this.#registers();
    const lines = new Map<string, Waiter>();
    let readsClock = false;
    for (let i = 0; i < LONGEST_LOOP; i++) {
      const word = this.#engine.wordAt(vcpu.nia);
      const row = word === undefined ? undefined : decode(word);
      if (word === undefined || row === undefined) return 'busy';
      if (LOADS.has(row.base)) {
        const line = this.#lineOf(vcpu, row, word);
        if (line === undefined) return 'busy';
        lines.set(`${line.page}:${line.offset}`, line);
      } else if (readsTimebase(row, word)) readsClock = true;
      else if (!HARMLESS.has(row.base)) return 'busy';
      const msrBefore = vcpu.msr;
      const done = step(this.#engine, this.#arena, vcpu);
      account(done.executed);
      // Anything but one plain instruction: an interrupt was taken, or the machine wants attention.
      if (done.executed !== 1 || done.end !== 'budget' || vcpu.msr !== msrBefore) return 'busy';
      if (vcpu.nia !== start) continue;
      if (readsClock) return 'delay';
      if (!equal(before, this.#registers())) return 'busy';
      this.#park(vcpu, [...lines.values()]);
      return 'parked';
    }
    return 'busy';
  }

  #park(vcpu: Vcpu, lines: readonly Waiter[]): void {
    this.parks++;
    vcpu.state = 'parked';
    this.#waiters.push(...lines);
    for (const { page } of lines) {
      this.#ram.mark(page, MARK_WAIT);
      for (const each of this.#vcpus) each.tlb.flushArenaPage(TLB_WRITE, page);
    }
  }

  /** The line that a load reads, or undefined when it cannot be said (a device, a fault). */
  #lineOf(vcpu: Vcpu, row: Row, word: number): Waiter | undefined {
    let ea = 0n;
    for (const operand of row.operands) {
      const value = operand.extract(word);
      if (operand.name === 'RA0') ea += value === 0 ? 0n : vcpu.gpr(Number(value));
      else if (operand.name === 'RB' || operand.name === 'RA') ea += vcpu.gpr(Number(value));
      else if (operand.name === 'D' || operand.name === 'DS') ea += BigInt(value);
    }
    const wide = (vcpu.msr & msr.MSR_SF_BIT) === 0n ? ea & 0xffffffffn : BigInt.asUintN(64, ea);
    const at = this.#engine.storage.resolveLasting(Number(wide & 0xffffffffn) | 0, Number(wide >> 32n) | 0);
    if (at < 0 || at === layout.SCRATCH) {
      this.#engine.storage.fault.kind = 'none';
      return undefined;
    }
    const page = at - (at % 4096);
    return { vcpu, page, offset: Math.floor((at % 4096) / LINE) * LINE };
  }

  /** The active vCPU's registers, without those that {@link IGNORED} names. */
  #registers(): Uint8Array {
    const copy = this.#arena.bytes.slice(0, layout.SCRATCH);
    for (const [offset, length] of IGNORED) copy.fill(0, offset, offset + length);
    return copy;
  }
}

/** mftb and mfspr of TB and TBU. */
function readsTimebase(row: Row, word: number): boolean {
  const spr = row.operands.find((each) => each.name === 'SPR')?.extract(word);
  return (row.base === 'mftb' || row.base === 'mfspr') && (spr === 268 || spr === 269);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
