/**
 * Lets a run come back in the middle of its slice, so that a slice may take the guest as long as it likes and its owner is
 * still heard. The guest cannot see a pause: the same vCPU continues where it was, with what is left of its slice, before
 * anything else happens (partition/time/scheduler.ts). So it may depend on the host's time, which nothing else does.
 *
 * Two things are counted, because they take the host's time: work outside of compiled code, in units, and instructions, in
 * portions. A pause never comes where it would show: after part of an instruction's accesses, or where the code that runs
 * has lost its translation, which a guest may use until it leaves the page.
 */

import * as layout from '../cpu/layout.ts';
import type { Arena } from '../memory/arena.ts';
import { TLB_EXECUTE, TLB_INDEX_MASK } from '../mmu/tlb.ts';
import { RECORD_SHIFT } from './interpreter/record.ts';
import type { TranslationState } from './translation-state.ts';

/** Calls out of compiled code between two looks at the time; none takes the host longer than some tens of microseconds. */
const UNITS = 512;
/** Instructions of compiled code between two looks: the slowest, helpers' among them, take as long. */
const PORTION = 4096;
/** Exits from compiled code between two looks: hypercalls are among them, which take some milliseconds at the most. */
const EXITS = 4;
/** Looks in a row that a lost translation puts a pause off for: 4 million instructions. */
const MOST_PUT_OFF = 512;

export class Pauses {
  readonly #arena: Arena;
  readonly #state: TranslationState;
  /** Whether it is time to come back. */
  readonly #isTime: () => boolean;
  readonly #portion: number;
  #enabled = false;
  #units = 0;
  #exits = 0;
  #putOff = 0;
  /** LEFT at the last slow access: those of one instruction have it in common. */
  #lastAccess = 0;
  /** The run comes back now. */
  #leaving = false;
  /** Instructions of the slice that compiled code has not been given yet. */
  #kept = 0;

  constructor(arena: Arena, state: TranslationState, isTime: () => boolean, portion: number = PORTION) {
    this.#arena = arena;
    this.#state = state;
    this.#isTime = isTime;
    this.#portion = portion;
  }

  /** A run of `budget` instructions begins at `startNs`. @param enabled whether it may be paused */
  begin(budget: number, startNs: number, enabled: boolean): void {
    this.#enabled = enabled;
    this.#units = 0;
    this.#exits = 0;
    this.#leaving = false;
    const first = Math.min(budget, this.#portion);
    this.#kept = budget - first;
    this.#arena.words[layout.LEFT >> 2] = first;
    this.#arena.view.setBigInt64(layout.SLICE_END, BigInt(startNs + first), true);
  }

  /** Instructions left of the slice, when compiled code is not running or has published where it is. */
  get left(): number {
    return (this.#arena.words[layout.LEFT >> 2] as number) + this.#kept;
  }

  /** Compiled code is entered with {@link left} above 0. @returns its portion */
  enter(): number {
    const left = this.#arena.words[layout.LEFT >> 2] as number;
    if (left > 0) return left;
    this.#give(left);
    return this.#arena.words[layout.LEFT >> 2] as number;
  }

  /** Something that executes nothing takes the time of so many instructions. The slice may be overdrawn. */
  spend(instructions: number): void {
    (this.#arena.words[layout.LEFT >> 2] as number) -= instructions;
  }

  /** An exit from compiled code was dealt with. @returns whether to pause there. */
  afterExit(): boolean {
    return this.#enabled && ++this.#exits % EXITS === 0 && this.#isTime();
  }

  /** Whether compiled code came back for a pause, and not for what its exit code says. */
  takeLeaving(): boolean {
    const leaving = this.#leaving;
    this.#leaving = false;
    return leaving;
  }

  /** The portion is used up at `record`, 0 between pages. @returns 0: LEFT is the next one; 1: the slice ends, or pauses. */
  refill(record: number, left: number): 0 | 1 {
    if (left + this.#kept <= 0) return 1;
    if (this.#enabled && this.#isTime() && (record === 0 || this.#isTranslated(record))) {
      this.#leaving = true;
      return 1;
    }
    this.#give(left);
    return 0;
  }

  /** Called at an instruction that has done nothing yet. @returns whether to leave before it. */
  before(record: number): boolean {
    if (++this.#units < UNITS) return false;
    return this.#leaves(
      record,
      (this.#arena.words[layout.LEFT_BASE >> 2] as number) - (record >>> RECORD_SHIFT),
    );
  }

  /** Whether the next {@link before} may leave. */
  get looksNext(): boolean {
    return this.#units + 1 >= UNITS && this.#enabled;
  }

  /** Called before an access that found no TLB entry. @returns whether to leave before its instruction. */
  beforeAccess(): boolean {
    const left = this.#arena.words[layout.LEFT >> 2] as number;
    const isFirst = left !== this.#lastAccess;
    this.#lastAccess = left;
    if (++this.#units < UNITS || !isFirst) return false;
    return this.#leaves(this.#published(), left);
  }

  /** Called when a special handler has completed its instruction. @returns whether to leave after it. */
  afterSpecial(): boolean {
    if (++this.#units < UNITS) return false;
    return this.#leaves(this.#published(), (this.#arena.words[layout.LEFT >> 2] as number) - 1);
  }

  #leaves(record: number, left: number): boolean {
    // Where nothing is left, the slice ends by itself after the straight-line run.
    if (!this.#enabled || left + this.#kept <= 0) return false;
    if (!this.#isTime()) {
      this.#units = 0;
      return false;
    }
    this.#leaving = this.#isTranslated(record);
    return this.#leaving;
  }

  /** Whether the code at a record would be found again, or has been without its translation for long. */
  #isTranslated(record: number): boolean {
    const { view, words } = this.#arena;
    const ea = view.getBigUint64(layout.CIA_BASE, true) + BigInt(record >>> 2);
    const [lo, hi] = [Number(ea & 0xffff_f000n) | 0, Number((ea >> 32n) & 0xffff_ffffn) | 0];
    const { vcpu, codeSet } = this.#state;
    const at = (vcpu.tlb.set(codeSet) + TLB_EXECUTE + ((lo >>> 8) & TLB_INDEX_MASK)) >>> 2;
    const slot = record - (Number(ea & 0xffcn) << (RECORD_SHIFT - 2));
    const found = words[at] === lo && words[at + 1] === hi && words[at + 2] === slot;
    this.#putOff = found ? 0 : this.#putOff + 1;
    if (this.#putOff <= MOST_PUT_OFF) return found;
    this.#putOff = 0;
    return true;
  }

  /** The record of the instruction that published CIA. */
  #published(): number {
    const { view } = this.#arena;
    const distance = view.getBigUint64(layout.CIA, true) - view.getBigUint64(layout.CIA_BASE, true);
    return Number(BigInt.asUintN(32, distance << 2n));
  }

  /** Another portion, `left` being what is left of the last one: not positive. */
  #give(left: number): void {
    const { words, view } = this.#arena;
    const more = Math.min(this.#kept, this.#portion - left);
    this.#kept -= more;
    words[layout.LEFT >> 2] = left + more;
    view.setBigInt64(layout.SLICE_END, view.getBigInt64(layout.SLICE_END, true) + BigInt(more), true);
  }
}
