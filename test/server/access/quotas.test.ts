import { expect, test } from 'vitest';
import type { Actor, Capture, Fleet, PartitionView } from '../../../src/panic/contract/index.ts';
import { Quotas } from '../../../src/server/access/index.ts';
import { sweepCaptures } from '../../../src/server/schedule/retention.ts';
import { FakeWorld } from '../../synth/fleet.ts';
import { buildTestService, openTestAccess } from '../../synth/service.ts';

const ops: Actor = { kind: 'key', id: 'k1', name: 'ops' };
const ci: Actor = { kind: 'key', id: 'k2', name: 'ci' };
const GIB = 2 ** 30;

/** A fleet whose every creation takes a while. */
function open(maxPartitions = 10) {
  const world = new FakeWorld();
  const fleet: Pick<Fleet, 'list' | 'create'> = {
    list: world.fleet.list,
    create: async (_request, createdBy): Promise<PartitionView> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const id = `p${world.machines.size + 1}`;
      return world.addPartition({ id, ...(createdBy === undefined ? {} : { createdBy }) });
    },
  };
  return {
    world,
    quotas: new Quotas({ fleet, captures: world.captures, operations: world.operations, maxPartitions }),
  };
}

const request = { image: 'debian', memory: '1G' };

test('createPartition: beyond the key’s number or memory → refused with the figures; another key is not', async () => {
  const { quotas } = open();
  const maker = { actor: ops, quota: { maxPartitions: 2 } };
  await quotas.createPartition(request, maker);
  await quotas.createPartition(request, maker);
  await expect(quotas.createPartition(request, maker)).rejects.toMatchObject({
    code: 'quota',
    message: 'partitions: the key has 2 and may have 2; this would be 3.',
  });
  await expect(
    quotas.createPartition(
      { ...request, memory: '512M' },
      { actor: ops, quota: { maxMemoryBytes: 2 * GIB } },
    ),
  ).rejects.toMatchObject({
    code: 'quota',
    message: expect.stringMatching(
      /^memory of partitions: the key has 2\S* GiB and may have 2\S* GiB; this would be 2\.5 GiB\.$/,
    ),
  });
  await quotas.createPartition(request, { actor: ci, quota: { maxPartitions: 1 } });
});

test('createPartition: many at once → no more than allowed', async () => {
  const { quotas, world } = open();
  const asked = Array.from({ length: 8 }, () =>
    quotas.createPartition(request, { actor: ops, quota: { maxPartitions: 3 } }),
  );
  const ended = await Promise.allSettled(asked);
  expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  expect(world.machines.size).toBe(3);
});

test('createPartition: the daemon’s number holds for all, itself too', async () => {
  const { quotas } = open(2);
  await quotas.createPartition(request, { actor: ops });
  await quotas.createPartition(request);
  await expect(quotas.createPartition(request)).rejects.toThrow(
    'partitions: the daemon has 2 and may have 2; this would be 3.',
  );
});

test('submitCrash: as many captures as the key may have, with crashes that have not ended; those of others do not count', async () => {
  const { quotas, world } = open();
  world.addPartition({ id: 'p1' });
  world.addCapture({ id: 'c1', createdBy: ops });
  world.addCapture({ id: 'c2', createdBy: ci });
  world.addCapture({ id: 'c3' });
  world.submit('panic', 'p1', ci);
  world.submit('reset', 'p1', ops);
  const crash = () =>
    quotas.submitCrash({ actor: ops, quota: { maxCaptures: 2 } }, async (admit) => {
      await admit();
      return world.submit('panic', 'p1', ops);
    });
  const [first, second] = await Promise.allSettled([crash(), crash()]);
  expect(first?.status).toBe('fulfilled');
  expect(second).toMatchObject({
    reason: { message: 'captures: the key has 2 and may have 2; this would be 3.' },
  });
  const [, , mine] = world.operationsById.values();
  world.moveOperation(mine?.id ?? '', { state: 'succeeded' });
  await crash();
});

test('a panic that was asked for is answered again with its operation, also where the quota is used up', async () => {
  const access = openTestAccess(true);
  const { app } = await buildTestService({ access });
  const { secret } = await access.keys.create({ name: 'a', scopes: ['panic'], quota: { maxCaptures: 1 } });
  const panic = (key: string) =>
    app.inject({
      method: 'POST',
      url: '/api/v1/partitions/p1/panic',
      headers: { authorization: `Bearer ${secret}`, 'idempotency-key': key },
      payload: { trigger: 'nmi', dump: 'raw' },
    });
  const first = await panic('one');
  expect(first.statusCode).toBe(202);
  const again = await panic('one');
  expect([again.statusCode, again.json().id]).toEqual([202, first.json().id]);
  expect((await panic('two')).json().type).toBe('urn:kdumpd:problem:quota-exceeded');
  await app.close();
});

test('sweepCaptures: a key’s guest that crashes all day loses its own oldest captures, not those of others', async () => {
  const world = new FakeWorld();
  const made: Capture[] = [];
  for (let i = 1; i <= 9; i++)
    made.push(world.addCapture({ id: `c${i}`, ...(i === 1 ? {} : { createdBy: i === 2 ? ci : ops }) }));
  const { removed } = await sweepCaptures(
    world.captures,
    { maxCaptures: 100, minAgeMs: 0, maxOfKey: new Map([['k1', 3]]) },
    Date.parse('2030-01-01T00:00:00Z'),
  );
  expect([...removed].sort()).toEqual(['c3', 'c4', 'c5', 'c6']);
  expect([...world.capturesById.keys()].sort()).toEqual(['c1', 'c2', 'c7', 'c8', 'c9']);
});
