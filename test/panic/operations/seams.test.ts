/** The contract suites over the embedded implementations and over second ones. */

import { setTimeout as after } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ServiceEvent } from '../../../src/panic/contract/index.ts';
import { type BusMessage, type EventBus, MemoryEventBus } from '../../../src/panic/operations/index.ts';
import { openMetadataStore } from '../../../src/panic/store/index.ts';
import { memoryMetadataStore } from '../store/memory-metadata-store.ts';
import { eventBusContract } from './event-bus-contract.ts';
import { leaseContract } from './lease-contract.ts';
import { queueContract } from './queue-contract.ts';

/** A bus as a broker might be: an append-only log with names for ids, which readers poll. */
class PolledEventBus implements EventBus {
  readonly #name = Math.random().toString(36).slice(2);
  #log: { readonly at: number; readonly event: ServiceEvent }[] = [];
  #count = 0;

  async publish(event: ServiceEvent): Promise<void> {
    await after(Math.random() < 0.3 ? 1 : 0);
    this.#log.push({ at: ++this.#count, event });
    this.#log = this.#log.slice(-5);
  }

  async subscribe(listener: (message: BusMessage) => void, id?: string): Promise<() => void> {
    await after(0);
    const from = id === undefined ? undefined : this.#placeOf(id);
    let seen = from ?? this.#count;
    const how = id === undefined ? 'new' : from === undefined ? 'lost' : 'resumed';
    listener({ kind: 'start', how, id: this.#idOf(seen) });
    let isOpen = true;
    const poll = async (): Promise<void> => {
      while (isOpen) {
        for (const { at, event } of this.#log) {
          if (at <= seen) continue;
          seen = at;
          listener({ kind: 'event', id: this.#idOf(at), event });
        }
        await after(1);
      }
    };
    void poll();
    return () => {
      isOpen = false;
    };
  }

  #idOf(at: number): string {
    return `${this.#name}/${'i'.repeat(at)}`;
  }

  #placeOf(id: string): number | undefined {
    const match = /^(\w+)\/(i*)$/.exec(id);
    const at = match?.[1] === this.#name ? (match[2] ?? '').length : undefined;
    const oldest = this.#log[0]?.at ?? this.#count + 1;
    return at !== undefined && at >= oldest - 1 && at <= this.#count ? at : undefined;
  }
}

const sqlite = async (now: () => number) => openMetadataStore(':memory:', { now });
const memory = async (now: () => number) => memoryMetadataStore(now);

queueContract('SQLite', sqlite);
queueContract('in memory, remote', memory);
leaseContract('SQLite', sqlite);
leaseContract('in memory, remote', memory);
eventBusContract('in memory', () => new MemoryEventBus({ capacity: 5 }));
eventBusContract('a polled log', () => new PolledEventBus());

describe('MemoryEventBus', () => {
  it('older than what is kept → lost; the oldest kept → resumed', async () => {
    const bus = new MemoryEventBus({ capacity: 3, epoch: 'e' });
    const ids: string[] = [];
    await bus.subscribe(({ id }) => ids.push(id));
    for (let i = 0; i < 5; i++) await bus.publish({ kind: 'capture', id: `c${i}`, partitionId: 'p' });
    expect(ids).toEqual(['e-0', 'e-1', 'e-2', 'e-3', 'e-4', 'e-5']);
    const resume = async (id: string): Promise<string[]> => {
      const seen: string[] = [];
      const end = await bus.subscribe(
        (message) => seen.push(message.kind === 'start' ? message.how : message.id),
        id,
      );
      end();
      return seen;
    };
    expect(await resume('e-1')).toEqual(['lost']);
    expect(await resume('e-2')).toEqual(['resumed', 'e-3', 'e-4', 'e-5']);
    expect(await resume('e-5')).toEqual(['resumed']);
    expect(await resume('e-6')).toEqual(['lost']);
    expect(bus.subscriptions).toBe(1);
  });
});
