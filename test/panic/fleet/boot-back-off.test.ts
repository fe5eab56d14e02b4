import { expect, it } from 'vitest';
import { BootBackOff } from '../../../src/panic/fleet/boot-back-off.ts';

const WAITS = [0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000];

it('ended: right after each boot → at once, then 1, 2, 4 … 60 s', () => {
  const backOff = new BootBackOff();
  expect(WAITS.map(() => backOff.ended(59_999))).toEqual(WAITS);
  expect(backOff.inARow).toBe(WAITS.length);
});

it('ended: after a minute in service, and after a start by hand → at once again', () => {
  const backOff = new BootBackOff();
  for (const _ of WAITS) backOff.ended(0);
  expect([backOff.ended(60_000), backOff.ended(0)]).toEqual([0, 1000]);
  backOff.reset();
  expect([backOff.ended(0), backOff.ended(0)]).toEqual([0, 1000]);
});
