/** Decides when a plan that sleeps is awake (contract/events.ts, SleepPlan). */

import { type EventMatch, matchesEvent, type SleepPlan, vectorsOf } from '../../contract/events.ts';

export class Sleep {
  #plan: SleepPlan | undefined;
  #isAwake = true;
  /** Something has come after which the plan does not fall asleep again. */
  #isOver = false;
  /** vCPUs at which something came that wakes, and that have not gone on since. */
  readonly #by = new Set<number>();
  #vectors: ReadonlySet<number> = new Set();

  /** Replaces the plan; without one everything is awake. */
  set(plan: SleepPlan | undefined): void {
    this.#plan = plan;
    this.#isAwake = plan === undefined;
    this.#isOver = false;
    this.#by.clear();
    this.#vectors = vectorsOf([...(plan?.wakes ?? []), ...(plan?.stays ?? [])]);
  }

  get isAwake(): boolean {
    return this.#isAwake;
  }

  /** Whether an interrupt of this vector may wake the plan: there are thousands a second of others. */
  waitsFor(vector: number): boolean {
    return this.#vectors.has(vector);
  }

  /** Whether the plan is awake and may fall asleep again. */
  get mayEnd(): boolean {
    return this.#by.size > 0 && !this.#isOver;
  }

  /** Something comes on a vCPU. @returns whether the plan woke by it */
  seen(cpu: number, by: EventMatch): boolean {
    const plan = this.#plan;
    if (plan === undefined || this.#isOver) return false;
    const isOneOf = (matches: readonly EventMatch[]): boolean =>
      matches.some((match) => matchesEvent(match, by));
    if (isOneOf(plan.stays)) this.#isOver = true;
    else if (isOneOf(plan.wakes)) this.#by.add(cpu);
    else return false;
    const wakes = !this.#isAwake;
    this.#isAwake = true;
    return wakes;
  }

  /** A vCPU continues as usual. @returns whether the plan fell asleep */
  wentOn(cpu: number): boolean {
    if (!this.mayEnd || !this.#by.delete(cpu) || this.#by.size > 0) return false;
    this.#isAwake = false;
    return true;
  }
}
