/**
 * `npm run fuzz [-- --requests N] [--seed S]`: asks a service for N requests of the fuzzer (test/server/fuzz), right, wrong and
 * damaged ones, and ends with 1 where an answer is not what every answer must be.
 */

import { parseArgs } from 'node:util';
import { runCampaign } from '../test/server/fuzz/campaign.ts';

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const begun = performance.now();
const { failures, statuses, reached, slowestMs, stalledMs, grown, captured, last } = await runCampaign({
  requests: Number(values.requests),
  seed: Number(values.seed),
  progress: (done) =>
    process.stderr.write(`${done} requests, ${Math.round((performance.now() - begun) / 1000)} s\n`),
});
for (const failure of failures) process.stderr.write(`${failure}\n`);
const counts = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status} ${count}`);
process.stdout.write(
  `${values.requests} requests, seed ${values.seed}: ${failures.length} wrong; answers ${counts.join(', ')}\n` +
    `${reached.size} addresses reached, ${captured} crashes captured, one more afterwards ${last}; slowest answer ${slowestMs} ms, event loop at most ${stalledMs} ms, ` +
    `memory ${Math.round(grown / 2 ** 20)} MiB more than after the first fifth\n`,
);
process.exitCode = failures.length === 0 && last === 'succeeded' ? 0 : 1;
