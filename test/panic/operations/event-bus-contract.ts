/** What every EventBus must do. A second implementation runs the same suite. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { ServiceEvent } from '../../../src/panic/contract/index.ts';
import type { BusMessage, EventBus } from '../../../src/panic/operations/index.ts';
import { eventually } from '../../support/eventually.ts';

const event = (n: number): ServiceEvent => ({ kind: 'capture', id: `c${n}`, partitionId: 'p1' });

/** @param open a new bus that keeps at least 3 events, and fewer than 10 */
export function eventBusContract(name: string, open: () => EventBus): void {
  describe(`EventBus: ${name}`, () => {
    let bus: EventBus;
    beforeEach(() => {
      bus = open();
    });

    type Reader = { readonly messages: BusMessage[]; readonly end: () => void };

    async function follow(after?: string): Promise<Reader> {
      const messages: BusMessage[] = [];
      const end = await bus.subscribe((message) => messages.push(message), after);
      return { messages, end };
    }

    /** Waits until so many messages have come. */
    async function arrived({ messages }: Reader, count: number): Promise<void> {
      await eventually(() => (messages.length < count ? undefined : true));
    }

    /** The captures that were published, in the order in which they came. */
    const captures = ({ messages }: Reader): string[] =>
      messages.flatMap((message) =>
        message.kind === 'event' && message.event.kind === 'capture' ? [message.event.id] : [],
      );
    const starts = ({ messages }: Reader): string[] =>
      messages.flatMap((message) => (message.kind === 'start' ? [message.how] : []));

    it('subscribe: → a start, then what is published, in order, to every subscriber', async () => {
      await bus.publish(event(0));
      const readers = [await follow(), await follow()];
      for (const n of [1, 2, 3]) await bus.publish(event(n));
      for (const reader of readers) {
        await arrived(reader, 4);
        expect(reader.messages[0]).toMatchObject({ kind: 'start', how: 'new' });
        expect(captures(reader)).toEqual(['c1', 'c2', 'c3']);
        expect(new Set(reader.messages.map(({ id }) => id)).size).toBe(4);
      }
      expect(readers[1]?.messages.slice(1)).toEqual(readers[0]?.messages.slice(1));
    });

    it('subscribe: after an event that was seen → what came later, once each, then what comes', async () => {
      const first = await follow();
      for (const n of [1, 2, 3]) await bus.publish(event(n));
      await arrived(first, 4);
      first.end();
      const resumed = await follow(first.messages[1]?.id);
      await bus.publish(event(4));
      await arrived(resumed, 4);
      expect(starts(resumed)).toEqual(['resumed']);
      expect(captures(resumed)).toEqual(['c2', 'c3', 'c4']);
      expect(captures(first)).toEqual(['c1', 'c2', 'c3']);
    });

    it('subscribe: after the start, and after the last event → nothing is missed', async () => {
      const first = await follow();
      await bus.publish(event(1));
      await arrived(first, 2);
      for (const [i, expected] of [['c1', 'c2'], ['c2']].entries()) {
        const reader = await follow(first.messages[i]?.id);
        if (i === 0) await bus.publish(event(2));
        await arrived(reader, expected.length + 1);
        expect(starts(reader)).toEqual(['resumed']);
        expect(captures(reader)).toEqual(expected);
        reader.end();
      }
    });

    it('subscribe: after an event that is kept no more → lost, and the next one resumes from there', async () => {
      const first = await follow();
      await bus.publish(event(1));
      await arrived(first, 2);
      for (let n = 2; n < 20; n++) await bus.publish(event(n));
      await arrived(first, 20);
      const late = await follow(first.messages[1]?.id);
      expect(late.messages[0]).toMatchObject({ kind: 'start', how: 'lost' });
      expect(captures(late)).toEqual([]);
      const resumed = await follow(late.messages[0]?.id);
      await bus.publish(event(20));
      await arrived(resumed, 2);
      expect([starts(resumed), captures(resumed)]).toEqual([['resumed'], ['c20']]);
    });

    it.each(['', 'x', '-1', 'other-1', 'é'])('subscribe: after %j, which no bus gave → lost', async (id) => {
      await bus.publish(event(1));
      expect(starts(await follow(id))).toEqual(['lost']);
    });

    it('subscribe: after an id of another bus → lost', async () => {
      const other = open();
      const messages: BusMessage[] = [];
      await other.subscribe((message) => messages.push(message));
      expect(starts(await follow(messages[0]?.id))).toEqual(['lost']);
    });
  });
}
