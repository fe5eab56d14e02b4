/** The contract over REST: the rows of the table, without their judges. */

import { afterAll, expect, test } from 'vitest';
import { RULES } from '../../src/panic/rules/index.ts';
import { buildTestService } from '../synth/service.ts';

const { app } = await buildTestService();
afterAll(() => app.close());

test('GET /rules: → every rule in the order of the contract, in words', async () => {
  const answer = await app.inject({ url: '/api/v1/rules' });
  expect(answer.statusCode).toBe(200);
  const { items } = answer.json<{ items: Record<string, unknown>[] }>();
  expect(items).toEqual(RULES.map(({ judge, ...text }) => text));
  expect(items[0]).toEqual({
    name: 'path-panic',
    chapter: 'ways in',
    asks: expect.stringContaining('CPU that panicked'),
    paths: ['crash'],
    source: 'Milton Miller, linuxppc-dev, 9 June 2007',
  });
});
