/** A real crash of the built-in guest: the master releases its secondaries after the copy to 0 and before they arrive. */

import { expect, it } from 'vitest';
import { fetchesAt, storesAt } from '../../src/panic/trace/index.ts';
import { LIMIT, run } from './mutants.ts';

it('the store to kexec_flag lies between the copy to 0 and the first arrival at 0x60', LIMIT, async () => {
  const { outcome, reason, trace } = await run({ cpus: 4 });
  expect(outcome, reason).toBe('captured');
  const events = trace?.events ?? [];
  const released = events.filter((event) => storesAt(event, { at: 'release' }));
  const master = trace?.instants.t1?.cpu;
  expect(released).toHaveLength(1);
  const [release] = released;
  expect(release).toMatchObject({ cpu: master, length: 4, old: '00000000', new: '00000001' });
  const copied = events.find((event) => storesAt(event, { at: 'low' }) && event.length === 0x100);
  expect(copied?.cpu).toBe(master);
  const arrived = events.find((event) => fetchesAt(event, { at: 'low' }) && BigInt(event.raddr) >= 0x60n);
  expect(arrived?.cpu).not.toBe(master);
  const order = [copied, release, arrived].map((event) => event?.n ?? -1);
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(new Set(order).size).toBe(3);
});
