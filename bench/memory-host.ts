/**
 * The process that memory.ts measures: opens partitions one after the other, says `at rest` when all rest (first with
 * none), and waits for a line before the next. Argument: how many.
 */

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { openPartition, type PartitionHandle } from '../src/emulator/host/index.ts';
import { stockGuest } from './guests/image.ts';
import { partitionConfig } from './guests/our-guest.ts';

const guests = Number(process.argv[2]);
const spec = await stockGuest();
const input = createInterface({ input: process.stdin });
const open: PartitionHandle[] = [];

async function boot(): Promise<PartitionHandle> {
  const partition = openPartition(partitionConfig(spec));
  let agent = '';
  const rests = new Promise<void>((resolve, reject) => {
    partition.subscribe((notice) => {
      if (notice.kind === 'console' && notice.vty === 1)
        agent += Buffer.from(notice.bytes).toString('latin1');
      else if (notice.kind === 'progress' && notice.resting) resolve();
      else if (notice.kind === 'ended') reject(new Error(`the partition ended: ${notice.end.kind}`));
    });
  });
  await partition.start();
  await rests;
  if (!/^kdumpd-agent ready\r?$/m.test(agent))
    throw new Error(`the guest rests, but its agent said ${JSON.stringify(agent)}`);
  return partition;
}

for (let count = 0; count <= guests; count++) {
  if (count > 0) open.push(await boot());
  process.stdout.write('at rest\n');
  await once(input, 'line');
}
for (const partition of open) await partition.close();
input.close();
