/**
 * Parks vCPUs that wait in a loop, so that their waiting costs nothing (docs/adr/004). A vCPU that returns to the same
 * instruction with every register the same, having executed only loads, arithmetic and branches, will repeat that for ever
 * unless a line that it loads or executes changes, the translation of one does, or an interrupt comes. It is parked until
 * then.
 *
 * The check executes the loop instruction by instruction; these steps are the vCPU's own progress, so nothing is lost
 * when it turns out not to wait.
 *
 * Left out: another process table, and a flush of everything. A vCPU that a dead kernel left waiting with translation on
 * stays parked over them, where a processor might fault into the next kernel's vectors.
 */

import * as layout from '../../cpu/layout.ts';
import { SPR, sprOffset } from '../../cpu/spr.ts';
import type { Vcpu } from '../../cpu/vcpu.ts';
import { effectiveAddress } from '../../engine/effective-address.ts';
import type { Engine } from '../../engine/engine.ts';
import { step } from '../../engine/step.ts';
import { decode, type Row } from '../../isa/index.ts';
import type { Arena } from '../../memory/arena.ts';
import type { Ram } from '../../memory/ram.ts';
import { highHalf, lowHalf } from '../../mmu/contract.ts';
import { TLB_WRITE } from '../../mmu/tlb.ts';
import { DelayLoop, readsTimebase } from './delay-loop.ts';

/** The mark of pages that parked vCPUs wait for; see Ram.mark. */
const MARK_WAIT = 4;
const LINE = 128;
/** Loops longer than this are not examined. */
const LONGEST_LOOP = 48;
/** Two slices that end this close together may be a loop. */
const NEAR = 256n;

/** State that says nothing of progress: CIA, what is left of the slice, the reservation, CFAR. */
const IGNORED: readonly (readonly [number, number])[] = [
  [layout.CIA, 8],
  [layout.LEFT, 4],
  [layout.RESERVE, 4],
  [layout.SLICE_END, 8],
  [layout.CIA_BASE, 8],
  [layout.LEFT_BASE, 4],
  [sprOffset(SPR.CFAR) as number, 8],
];

/** A line that a vCPU reads or executes in its loop. */
type Waiter = {
  readonly vcpu: Vcpu;
  readonly page: number;
  readonly offset: number;
  /** The number of its page, from the low half of its effective address; undefined: real mode. */
  readonly virtual: number | undefined;
};

/** Of a page's number, the bits by which translations are dropped: mmu/tlb.ts, dropPages. */
const PAGE_NUMBER = 0xfff;

/** What a vCPU does. `delay`: it waits for the timebase, until an instant in ns since power-on where that is known. */
export type Found =
  | { readonly kind: 'parked' | 'busy' }
  | { readonly kind: 'delay'; readonly untilNs: number | undefined };

const BUSY: Found = { kind: 'busy' };

export class SpinWatch {
  readonly #arena: Arena;
  readonly #ram: Ram;
  readonly #engine: Engine;
  readonly #vcpus: readonly Vcpu[];
  readonly #lastEnd = new Map<Vcpu, bigint>();
  #waiters: Waiter[] = [];

  constructor(arena: Arena, ram: Ram, engine: Engine, vcpus: readonly Vcpu[]) {
    this.#arena = arena;
    this.#ram = ram;
    this.#engine = engine;
    this.#vcpus = vcpus;
  }

  /**
   * Checks a vCPU that has used up its slice and is still active; parks it when it waits.
   * @param account Called with the instructions executed by the check, one by one.
   */
  look(vcpu: Vcpu, account: (executed: number) => void): Found {
    const nia = vcpu.nia;
    const last = this.#lastEnd.get(vcpu);
    this.#lastEnd.set(vcpu, nia);
    if (last === undefined || (nia > last ? nia - last : last - nia) > NEAR) return BUSY;
    return this.walk(vcpu, account);
  }

  /** As {@link look}, wherever the last slice ended. */
  walk(vcpu: Vcpu, account: (executed: number) => void): Found {
    const start = vcpu.nia;
    const before = this.#registers();
    const lines = new Map<string, Waiter>();
    const delay = new DelayLoop();
    let readings = 0;
    let turns = 1;
    for (let i = 0; i < LONGEST_LOOP; i++) {
      const word = this.#engine.wordAt(vcpu.nia);
      const row = word === undefined ? undefined : decode(word);
      if (word === undefined || row === undefined) return BUSY;
      const touched = [this.#codeLine(vcpu)];
      if (readsTimebase(row, word)) readings++;
      else if (row.spins !== true) return BUSY;
      else if (row.effect === 'load') touched.push(this.#dataLine(vcpu, row, word));
      for (const line of touched) {
        if (line === undefined) return BUSY;
        lines.set(`${line.page}:${line.offset}:${line.virtual}`, line);
      }
      delay.see(vcpu, row, word);
      const msrBefore = vcpu.msr;
      const done = step(this.#engine, this.#arena, vcpu);
      account(done.executed);
      // Anything but one plain instruction: an interrupt was taken, or the machine wants attention.
      if (done.executed !== 1 || done.end !== 'budget' || vcpu.msr !== msrBefore) return BUSY;
      if (vcpu.nia !== start) continue;
      if (readings > 0) {
        // More than one reading a turn: a wait ended and another began, or it is something else.
        if (readings > turns) return BUSY;
        // Where the check began between the reading and the comparison, one more turn shows both.
        if (!delay.compared && turns++ === 1) continue;
        return { kind: 'delay', untilNs: delay.untilNs };
      }
      if (!equal(before, this.#registers())) return BUSY;
      this.#park(vcpu, [...lines.values()]);
      return { kind: 'parked' };
    }
    return BUSY;
  }

  /** A marked page is about to be written: vCPUs that wait for these bytes run again. */
  written(page: number, offset: number, length: number): void {
    const hit = this.#waiters.filter(
      (each) => each.page === page && offset < each.offset + LINE && offset + length > each.offset,
    );
    for (const each of hit) this.release(each.vcpu);
  }

  /**
   * Translations of single pages were dropped everywhere: a vCPU that waits through one of them runs again, and finds where
   * its loop leads now. @param lo the low half of the first page's addresses
   */
  translationsDropped(lo: number, pages: number): void {
    if (this.#waiters.length === 0) return;
    const hit = this.#waiters.filter(
      ({ virtual }) => virtual !== undefined && ((virtual - (lo >>> 12)) & PAGE_NUMBER) < pages,
    );
    for (const each of hit) this.release(each.vcpu);
  }

  /** Ends a vCPU's wait, whatever the reason. */
  release(vcpu: Vcpu): void {
    if (vcpu.state === 'parked') {
      vcpu.state = 'running';
      // A vCPU that runs alone has a long slice: the released one must not wait for its end.
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

  #park(vcpu: Vcpu, lines: readonly Waiter[]): void {
    vcpu.state = 'parked';
    this.#waiters.push(...lines);
    for (const { page } of lines) {
      this.#ram.mark(page, MARK_WAIT);
      for (const each of this.#vcpus) each.tlb.flushArenaPage(TLB_WRITE, page);
    }
  }

  /** The line that a load reads. */
  #dataLine(vcpu: Vcpu, row: Row, word: number): Waiter | undefined {
    const { storage } = this.#engine;
    const ea = effectiveAddress(vcpu, row, word);
    return this.#line(vcpu, ea, storage.resolveLasting(lowHalf(ea), highHalf(ea)), storage.state.dataReal);
  }

  /** The line of the next instruction. */
  #codeLine(vcpu: Vcpu): Waiter | undefined {
    const { storage } = this.#engine;
    const at = storage.resolveCode(lowHalf(vcpu.nia), highHalf(vcpu.nia));
    return this.#line(vcpu, vcpu.nia, at, storage.state.codeReal);
  }

  /** Undefined when it cannot be said: a device, a fault. */
  #line(vcpu: Vcpu, ea: bigint, at: number, real: boolean): Waiter | undefined {
    if (at < 0 || at === layout.SCRATCH) {
      this.#engine.storage.fault.kind = 'none';
      return undefined;
    }
    const page = at - (at % 4096);
    const offset = Math.floor((at % 4096) / LINE) * LINE;
    return { vcpu, page, offset, virtual: real ? undefined : lowHalf(ea) >>> 12 };
  }

  /** The active vCPU's registers, without those that {@link IGNORED} names. */
  #registers(): Uint8Array {
    const copy = this.#arena.bytes.slice(0, layout.SCRATCH);
    for (const [offset, length] of IGNORED) copy.fill(0, offset, offset + length);
    return copy;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
