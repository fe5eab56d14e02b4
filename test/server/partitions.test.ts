import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildTestService, type TestService } from '../synth/service.ts';

const P = '/api/v1/partitions';
let service: TestService;
beforeEach(async () => {
  service = await buildTestService();
});
afterEach(() => service.app.close());

describe('partitions', () => {
  test('GET /partitions: → the fleet', async () => {
    const answer = await service.app.inject(P);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ items: service.world.fleet.list() });
  });

  test('POST /partitions: a full request → 201 with Location, and it is there', async () => {
    const answer = await service.app.inject({
      method: 'POST',
      url: P,
      payload: { image: 'debian', name: 'two', cpus: 2, memory: '64M,16M@4G', append: 'quiet', seed: 7 },
    });
    expect(answer.statusCode).toBe(201);
    expect(answer.headers.location).toBe(`${P}/p2`);
    const again = await service.app.inject(`${P}/p2`);
    expect(again.json()).toEqual(answer.json());
  });

  test('POST /partitions: firmware, interrupts and disks → shown; without → the usual ones', async () => {
    const machine = { firmware: 'open-firmware', interrupts: 'xive', diskBus: 'vscsi' };
    const post = async (payload: object) =>
      (await service.app.inject({ method: 'POST', url: P, payload })).json();
    expect(await post({ image: 'debian', ...machine })).toMatchObject(machine);
    const usual = { firmware: 'flat', interrupts: 'xics', diskBus: 'virtio' };
    expect(await post({ image: 'debian' })).toMatchObject(usual);
  });

  test('DELETE /partitions/:id: running → 409; stopped → 204 and gone', async () => {
    expect((await service.app.inject({ method: 'DELETE', url: `${P}/p1` })).statusCode).toBe(409);
    service.world.setState('p1', 'stopped');
    const answer = await service.app.inject({ method: 'DELETE', url: `${P}/p1` });
    expect([answer.statusCode, answer.body]).toEqual([204, '']);
    expect((await service.app.inject(`${P}/p1`)).statusCode).toBe(404);
  });

  test('POST start, stop, reset: → 202 with the operation; twice the same → 409', async () => {
    for (const [action, kind] of [
      ['stop', 'stop'],
      ['start', 'start'],
      ['reset', 'reset'],
    ] as const) {
      const answer = await service.app.inject({ method: 'POST', url: `${P}/p1/${action}` });
      expect(answer.statusCode).toBe(202);
      expect(answer.json()).toMatchObject({ kind, partitionId: 'p1', state: 'queued' });
      expect(answer.headers.location).toBe(`/api/v1/operations/${answer.json().id}`);
      expect((await service.app.inject(String(answer.headers.location))).json()).toEqual(answer.json());
    }
    expect((await service.app.inject({ method: 'POST', url: `${P}/p1/start` })).statusCode).toBe(409);
  });
});

describe('panic', () => {
  const panic = { trigger: 'sysrq', onCpu: 1, dump: 'raw' };
  const post = (payload: unknown, headers: Record<string, string> = {}, id = 'p1') =>
    service.app.inject({ method: 'POST', url: `${P}/${id}/panic`, payload: payload as object, headers });

  test('a ready partition → 202 and Location', async () => {
    const answer = await post(panic);
    expect(answer.statusCode).toBe(202);
    expect(answer.headers.location).toBe('/api/v1/operations/op-1');
    expect(answer.json()).toMatchObject({ id: 'op-1', kind: 'panic', state: 'queued', phase: 'queued' });
  });

  test('a partition that is not ready → 409 problem', async () => {
    await post(panic);
    const answer = await post(panic);
    expect(answer.statusCode).toBe(409);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json()).toMatchObject({ type: 'urn:kdumpd:problem:conflict', status: 409 });
  });

  test('Idempotency-Key: the same key again → the same operation, nothing new', async () => {
    const first = await post(panic, { 'idempotency-key': 'abc' });
    service.world.moveOperation(first.json().id, { state: 'running', phase: 'panic' });
    const second = await post(panic, { 'idempotency-key': 'abc' });
    expect(second.statusCode).toBe(202);
    expect(second.json()).toMatchObject({ id: first.json().id, state: 'running', phase: 'panic' });
    expect(service.world.operationsById.size).toBe(1);
  });

  test('Idempotency-Key: the same key with another body → 422 idempotency-mismatch, nothing new', async () => {
    await post(panic, { 'idempotency-key': 'abc' });
    const other = await post({ ...panic, trigger: 'nmi' }, { 'idempotency-key': 'abc' });
    expect(other.statusCode).toBe(422);
    expect(other.json()).toMatchObject({ type: 'urn:kdumpd:problem:idempotency-mismatch' });
    expect(service.world.operationsById.size).toBe(1);
  });

  test('makedumpfile options, nmi without a CPU and a limit → taken', async () => {
    const answer = await post({ trigger: 'nmi', dump: '-l -d 31', timeoutSeconds: 90 });
    expect(answer.statusCode).toBe(202);
  });

  test('a CPU that is not there → 422; an unknown partition → 404', async () => {
    expect((await post({ ...panic, onCpu: 2 })).statusCode).toBe(422);
    expect((await post(panic, {}, 'p7')).statusCode).toBe(404);
  });

  test.each([
    ['an unknown trigger', { ...panic, trigger: 'kick' }, '/trigger'],
    ['a CPU as text', { ...panic, onCpu: '1' }, '/onCpu'],
    ['a negative CPU', { ...panic, onCpu: -1 }, '/onCpu'],
    ['half a CPU', { ...panic, onCpu: 0.5 }, '/onCpu'],
    ['no dump', { trigger: 'nmi' }, ''],
    ['a dump that is a command', { ...panic, dump: 'raw; reboot' }, '/dump'],
    ['a dump with a new line', { ...panic, dump: '-l\n-d 31' }, '/dump'],
    ['a field nobody knows', { ...panic, oncpu: 1 }, ''],
    ['a fault nobody knows', { ...panic, faults: [{ kind: 'melt' }] }, '/faults/0'],
    ['a fault nowhere', { ...panic, faults: [{ kind: 'flip', of: 'kernel', offset: -1 }] }, '/faults/0'],
    ['a list', [panic], ''],
    ['null', null, ''],
    ['a number', 5, ''],
  ])('%s → 400 with the field', async (_what, body, pointer) => {
    const answer = await service.app.inject({
      method: 'POST',
      url: `${P}/p1/panic`,
      payload: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.statusCode).toBe(400);
    const problem = answer.json();
    expect(problem.type).toBe('urn:kdumpd:problem:invalid-parameters');
    expect(
      problem.errors.some((e: { in: string; pointer: string }) => e.in === 'body' && e.pointer === pointer),
    ).toBe(true);
    expect(service.world.operationsById.size).toBe(0);
  });

  test('an Idempotency-Key with spaces or too long → 400', async () => {
    for (const key of ['a b', 'x'.repeat(129)]) {
      const answer = await post(panic, { 'idempotency-key': key });
      expect(answer.statusCode).toBe(400);
      expect(answer.json().errors[0]).toMatchObject({ in: 'headers', pointer: '/idempotency-key' });
    }
  });
});

test.each([
  ['no image', {}],
  ['an image that is a path', { image: '../../etc/passwd' }],
  ['no CPUs', { image: 'debian', cpus: 0 }],
  ['too many CPUs', { image: 'debian', cpus: 4096 }],
  ['memory as a number', { image: 'debian', memory: 1024 }],
  ['memory that is prose', { image: 'debian', memory: 'lots' }],
  ['a command line with a NUL', { image: 'debian', append: 'a\u0000b' }],
  ['a command line with a new line', { image: 'debian', append: 'a\nb' }],
  ['a command line without end', { image: 'debian', append: 'x'.repeat(5000) }],
  ['a processor of another house', { image: 'debian', processor: 'x86' }],
  ['firmware of another house', { image: 'debian', firmware: 'uefi' }],
  ['firmware as a list', { image: 'debian', firmware: ['flat'] }],
  ['an interrupt controller of another house', { image: 'debian', interrupts: 'apic' }],
  ['an interrupt controller in capitals', { image: 'debian', interrupts: 'XIVE' }],
  ['the command line’s spelling', { image: 'debian', 'disk-bus': 'vscsi' }],
  ['a disk bus of another house', { image: 'debian', diskBus: 'ide' }],
  ['no disk bus', { image: 'debian', diskBus: null }],
  ['a prototype', { image: 'debian', constructor: { prototype: { polluted: true } } }],
])('POST /partitions: %s → 400 and nothing made', async (_what, payload) => {
  const answer = await service.app.inject({ method: 'POST', url: P, payload });
  expect(answer.statusCode).toBe(400);
  expect(service.world.fleet.list()).toHaveLength(1);
});

test('POST /partitions: an image that is not there → 422 with the reason', async () => {
  const answer = await service.app.inject({ method: 'POST', url: P, payload: { image: 'other' } });
  expect(answer.statusCode).toBe(422);
  expect(answer.json().detail).toBe('There is no image other.');
});
