/**
 * Bounds the events that no limit of a plan bounds: a guest decides how many calls it makes and interrupts it takes. Events
 * beyond the budget are counted. Left out: places, which have limits of their own, and what the owner asked for.
 */

import type { DroppedEvents, ObservedEvent } from '../../contract/events.ts';
import type { OutputLimits } from '../../contract/limits.ts';
import { Bucket } from './bucket.ts';

type Count = { -readonly [Key in keyof DroppedEvents]: DroppedEvents[Key] };

export class EventBudget {
  readonly #limits: Pick<OutputLimits, 'events' | 'systemCalls'>;
  readonly #now: () => number;
  #events: Bucket;
  #systemCalls: Bucket;
  #counts = new Map<string, Count>();

  constructor(limits: Pick<OutputLimits, 'events' | 'systemCalls'>, now: () => number) {
    this.#limits = limits;
    this.#now = now;
    this.#events = new Bucket(limits.events, now);
    this.#systemCalls = new Bucket(limits.systemCalls, now);
  }

  /** As at power-on. */
  reset(): void {
    this.#events = new Bucket(this.#limits.events, this.#now);
    this.#systemCalls = new Bucket(this.#limits.systemCalls, this.#now);
    this.forget();
  }

  /** Counts from now on. */
  forget(): void {
    this.#counts = new Map();
  }

  get dropped(): readonly DroppedEvents[] {
    return [...this.#counts.values()];
  }

  /** Whether the event may be reported. */
  lets({ kind, cpu, insn }: ObservedEvent): boolean {
    const bucket = this.#bucketOf(kind);
    if (bucket === undefined) return true;
    if (!bucket.isEmpty) {
      bucket.take(1);
      return true;
    }
    const key = `${kind} ${cpu}`;
    const count: Count = this.#counts.get(key) ?? { kind, cpu, count: 0, since: insn };
    count.count++;
    this.#counts.set(key, count);
    return false;
  }

  #bucketOf(kind: ObservedEvent['kind']): Bucket | undefined {
    switch (kind) {
      case 'fetch':
      case 'store':
      case 'disk':
      case 'reset':
      case 'fault':
        return undefined;
      case 'syscall':
      case 'syscall-return':
        return this.#systemCalls;
      case 'msr':
      case 'hcall':
      case 'rtas':
      case 'interrupt':
      case 'eoi':
      case 'run':
      case 'census':
        return this.#events;
    }
  }
}
