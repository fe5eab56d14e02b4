/** Some thousand requests of the fuzzer; `npm run fuzz -- --requests 100000 --seed S` makes as many as are wanted. */

import { expect, test } from 'vitest';
import { longOr } from '../../support/long.ts';
import { runCampaign } from './campaign.ts';

test('any request → no 5xx, no hang, problems only, as docs/openapi.json says; the process does not grow', {
  timeout: longOr(3_600_000, 300_000),
}, async () => {
  const seed = Number(process.env.KDUMPD_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 32));
  const requests = longOr(100_000, 3_000);
  const { failures, statuses, reached, last, grown } = await runCampaign({ requests, seed });
  expect(failures, `KDUMPD_FUZZ_SEED=${seed}`).toEqual([]);
  // It is of no use where everything is refused before it gets anywhere.
  for (const status of [200, 202, 204, 400, 404, 405, 409, 415, 422])
    expect(statuses.get(status) ?? 0, `answers ${status}, seed ${seed}`).toBeGreaterThan(0);
  expect(reached.size).toBeGreaterThan(30);
  expect(last).toBe('succeeded');
  expect(grown).toBeLessThan(400 * 2 ** 20);
});
