/**
 * The partition's one clock (ARCHITECTURE.md, "How execution works"): one instruction of any vCPU is one nanosecond; it
 * jumps only when every vCPU waits. Events are called between instructions, in order of time and then of registration.
 */

import { timebaseAt } from '../../cpu/timebase.ts';
import type { Clock } from '../../devices/contract.ts';

type Event = { readonly at: number; readonly order: number; callback: (() => void) | undefined };

export class EventClock implements Clock {
  #base = 0;
  #order = 0;
  /** Sorted by time, then order; few at a time. */
  readonly #events: Event[] = [];
  /** Nanoseconds into the running slice, asked of the engine. */
  readonly #intoSlice: () => number;
  /** An event was registered that is due before the running slice ends. */
  readonly #earlier: () => void;

  constructor(intoSlice: () => number, earlier: () => void) {
    this.#intoSlice = intoSlice;
    this.#earlier = earlier;
  }

  now(): number {
    return this.#base + this.#intoSlice();
  }

  /** Time at the start of the running slice. */
  get base(): number {
    return this.#base;
  }

  timebase(): bigint {
    return timebaseAt(this.now());
  }

  at(atNs: number, callback: () => void): () => void {
    const event: Event = { at: atNs, order: this.#order++, callback };
    let place = this.#events.length;
    while (place > 0 && (this.#events[place - 1] as Event).at > atNs) place--;
    this.#events.splice(place, 0, event);
    if (place === 0) this.#earlier();
    return () => {
      event.callback = undefined;
    };
  }

  /** When the next event is due; infinity without one. */
  get next(): number {
    this.#dropCancelled();
    return this.#events[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Moves on by executed instructions or to an instant; only between slices. */
  advance(nanoseconds: number): void {
    this.#base += nanoseconds;
  }

  /** Calls the first of what is due. @returns whether there was something */
  fireOne(): boolean {
    if (this.next > this.#base) return false;
    this.#events.shift()?.callback?.();
    return true;
  }

  #dropCancelled(): void {
    while (this.#events.length > 0 && (this.#events[0] as Event).callback === undefined) this.#events.shift();
  }
}
