/** The routes over the embedded stores. */

import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Captures } from '../../src/panic/captures/index.ts';
import type { Capture } from '../../src/panic/contract/index.ts';
import { randomId } from '../../src/panic/index.ts';
import { MemoryEventBus } from '../../src/panic/operations/index.ts';
import { type MetadataStore, openMetadataStore } from '../../src/panic/store/index.ts';
import { openLocalVmcoreStore, type VmcoreStore } from '../../src/vmcore/store/index.ts';
import { FakeWorld, synthVmcore } from '../synth/fleet.ts';
import { synthTrace } from '../synth/handoff-trace.ts';
import { buildServiceOver } from '../synth/service.ts';

let folder = '';
let metadata: MetadataStore;
let vmcores: VmcoreStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kdumpd-stores-'));
  metadata = openMetadataStore(join(folder, 'meta.db'));
  vmcores = openLocalVmcoreStore(join(folder, 'chunks.db'));
});
afterEach(async () => {
  await metadata.close();
  await vmcores.close();
  await rm(folder, { recursive: true });
});

async function storeCapture(id: string, bytes: Uint8Array): Promise<Capture> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield bytes;
  }
  const stored = await vmcores.writeVmcore(pieces());
  const capture: Capture = {
    id,
    partitionId: 'p1',
    image: 'debian',
    outcome: 'captured',
    phase: 'stored',
    vmcore: { bytes: stored.bytes, format: 'elf', sha256: stored.sha256 },
    rules: { held: 10, broken: 0, notReached: 0, notApplicable: 0 },
    createdAt: '2024-03-01T12:00:00.000Z',
  };
  await metadata.captures.create(capture, {
    manifestId: stored.manifestId,
    trace: JSON.stringify(synthTrace()),
    console: Buffer.from('panic\r\n'),
  });
  return capture;
}

describe('captures over the stores', () => {
  test('a stored vmcore → downloaded whole and in ranges across chunks; deleted → gone', async () => {
    const bytes = Buffer.from(synthVmcore(300_001, 5));
    const capture = await storeCapture('c1', bytes);
    const app = await buildServiceOver(new FakeWorld(), {
      captures: new Captures({
        captures: metadata.captures,
        vmcores,
        bus: new MemoryEventBus(),
        newId: randomId,
        onError: (error) => {
          throw error;
        },
      }),
    });
    const get = (url: string, headers = {}) => app.inject({ url: `/api/v1/captures${url}`, headers });
    expect((await get('')).json()).toEqual({ items: [capture] });
    const whole = await get('/c1/vmcore');
    expect(whole.rawPayload.equals(bytes)).toBe(true);
    expect(whole.headers['x-content-sha256']).toBe(createHash('sha256').update(bytes).digest('hex'));
    const part = await get('/c1/vmcore', { range: 'bytes=65530-131080' });
    expect(part.statusCode).toBe(206);
    expect(part.rawPayload.equals(bytes.subarray(65_530, 131_081))).toBe(true);
    expect((await get('/c1/rules')).json().items).toEqual(JSON.parse(JSON.stringify(synthTrace().rules)));
    expect((await get('/c1/trace')).body).toBe(JSON.stringify(synthTrace()));
    expect((await get('/c1/console')).body).toBe('panic\r\n');
    expect((await get('?cursor=abc')).statusCode).toBe(422);
    expect((await app.inject({ method: 'DELETE', url: '/api/v1/captures/c1' })).statusCode).toBe(204);
    for (const what of ['', '/vmcore', '/trace', '/rules', '/console']) {
      expect((await get(`/c1${what}`)).statusCode).toBe(404);
    }
    expect(await vmcores.list()).toEqual([]);
    expect((await app.inject({ method: 'DELETE', url: '/api/v1/captures/c1' })).statusCode).toBe(404);
    await app.close();
  });
});
