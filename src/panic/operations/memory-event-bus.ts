/**
 * Publishes events within one process, numbers them and keeps the last ones. An id is `<epoch>-<number>`; each bus has its own
 * epoch, so that it recognises an id of an earlier process. Subscribers are called before `publish` returns.
 */

import { randomBytes } from 'node:crypto';
import type { ServiceEvent } from '../contract/index.ts';
import type { BusMessage, EventBus } from './event-bus.ts';

type Numbered = Extract<BusMessage, { kind: 'event' }>;

export type MemoryEventBusOptions = {
  /** Events kept; default 1024. */
  readonly capacity?: number;
  readonly epoch?: string;
};

export class MemoryEventBus implements EventBus {
  readonly #capacity: number;
  readonly #epoch: string;
  readonly #kept: Numbered[] = [];
  readonly #listeners = new Set<(message: BusMessage) => void>();
  #last = 0;

  constructor(options: MemoryEventBusOptions = {}) {
    this.#capacity = options.capacity ?? 1024;
    this.#epoch = options.epoch ?? randomBytes(6).toString('hex');
  }

  /** How many subscriptions there are. */
  get subscriptions(): number {
    return this.#listeners.size;
  }

  async publish(event: ServiceEvent): Promise<void> {
    this.#last += 1;
    const numbered: Numbered = { kind: 'event', id: this.#lastId(), event };
    this.#kept.push(numbered);
    if (this.#kept.length > this.#capacity) this.#kept.shift();
    for (const listener of [...this.#listeners]) listener(numbered);
  }

  async subscribe(listener: (message: BusMessage) => void, after?: string): Promise<() => void> {
    const missed = after === undefined ? undefined : this.#since(after);
    if (after !== undefined && missed !== undefined) {
      listener({ kind: 'start', how: 'resumed', id: after });
      for (const message of missed) listener(message);
    } else listener({ kind: 'start', how: after === undefined ? 'new' : 'lost', id: this.#lastId() });
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #lastId(): string {
    return `${this.#epoch}-${this.#last}`;
  }

  /** What came after `id`, oldest first; undefined: that is not known. */
  #since(id: string): readonly Numbered[] | undefined {
    const match = /^([0-9a-z]+)-(\d{1,15})$/.exec(id);
    if (match === null || match[1] !== this.#epoch) return undefined;
    const number = Number(match[2]);
    const oldest = this.#last - this.#kept.length;
    if (number > this.#last || number < oldest) return undefined;
    return this.#kept.slice(number - oldest);
  }
}
