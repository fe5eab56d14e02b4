/**
 * The service's events as clients follow them: numbered, the last of them kept, so that a client that lost its
 * connection gets what it missed (HTML Standard, §9.2 Server-sent events, Last-Event-ID).
 * An id is `<epoch>-<number>`; the epoch is the log's own, so that an id of an earlier daemon is known as such.
 */

import { randomBytes } from 'node:crypto';
import type { ServiceEvent } from '../../../panic/contract/index.ts';

export type NumberedEvent = { readonly id: string; readonly event: ServiceEvent };

export type Replay =
  /** Everything after the given id, oldest first. */
  | { readonly kind: 'complete'; readonly events: readonly NumberedEvent[] }
  /** Too old, or of another daemon: the client must fetch afresh. */
  | { readonly kind: 'lost' };

export type EventLogOptions = { readonly capacity?: number; readonly epoch?: string };

export class EventLog {
  readonly #capacity: number;
  readonly #epoch: string;
  readonly #kept: NumberedEvent[] = [];
  readonly #listeners = new Set<(event: NumberedEvent) => void>();
  #last = 0;

  constructor(options: EventLogOptions = {}) {
    this.#capacity = options.capacity ?? 1024;
    this.#epoch = options.epoch ?? randomBytes(6).toString('hex');
  }

  /** The id of the newest event, or the one before the first. */
  get lastId(): string {
    return `${this.#epoch}-${this.#last}`;
  }

  add(event: ServiceEvent): void {
    this.#last += 1;
    const numbered: NumberedEvent = { id: this.lastId, event };
    this.#kept.push(numbered);
    if (this.#kept.length > this.#capacity) this.#kept.shift();
    for (const listener of [...this.#listeners]) listener(numbered);
  }

  /** What came after `id`. */
  since(id: string): Replay {
    const match = /^([0-9a-z]+)-(\d{1,15})$/.exec(id);
    if (match === null || match[1] !== this.#epoch) return { kind: 'lost' };
    const number = Number(match[2]);
    const oldest = this.#last - this.#kept.length;
    if (number > this.#last || number < oldest) return { kind: 'lost' };
    return { kind: 'complete', events: this.#kept.slice(number - oldest) };
  }

  /** @returns a function that ends the subscription. */
  subscribe(listener: (event: NumberedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
