/** The routes over the embedded stores, and image imports as operations. */

import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FormatError } from '../../src/base/errors.ts';
import type { Capture, Operation, ServiceEvent } from '../../src/panic/contract/index.ts';
import { type MetadataStore, openMetadataStore } from '../../src/panic/store/index.ts';
import { ImageService, type ImageServiceOptions, type StoredImage } from '../../src/server/image-service.ts';
import { createCaptureReader, createOperationReader } from '../../src/server/store-readers.ts';
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
  await metadata.createCapture(capture, {
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
    const app = await buildServiceOver(new FakeWorld(), { captures: createCaptureReader(metadata, vmcores) });
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

describe('cancel over the store', () => {
  const queued: Operation = {
    id: 'op-1',
    kind: 'panic',
    state: 'queued',
    phase: 'queued',
    createdAt: '2024-03-01T12:00:00.000Z',
    updatedAt: '2024-03-01T12:00:00.000Z',
  };

  test('queued and taken out of its queue → cancelled, and told', async () => {
    await metadata.createOperation(queued);
    const told: Operation[] = [];
    const operations = createOperationReader(metadata, {
      dequeue: async () => true,
      onCancelled: (operation) => told.push(operation),
    });
    expect(await operations.cancel('op-1')).toMatchObject({ state: 'cancelled' });
    expect(told.map((o) => o.state)).toEqual(['cancelled']);
    await expect(operations.cancel('op-1')).rejects.toMatchObject({ code: 'conflict' });
    await expect(operations.cancel('op-9')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('its owner has begun it → conflict, and it stays as it is', async () => {
    await metadata.createOperation(queued);
    const operations = createOperationReader(metadata, {
      dequeue: async () => false,
      onCancelled: () => undefined,
    });
    await expect(operations.cancel('op-1')).rejects.toThrow('beginning');
    expect((await operations.get('op-1')).state).toBe('queued');
  });
});

describe('ImageService', () => {
  type Gate = { readonly finish: () => void; readonly fail: (error: Error) => void };
  const stored: StoredImage[] = [];
  let gate: Gate | undefined;
  let report: ((phase: string, detail: string) => void) | undefined;
  let events: ServiceEvent[] = [];

  function service(change: Partial<ImageServiceOptions> = {}): ImageService {
    stored.length = 0;
    events = [];
    const made = new ImageService({
      catalogue: {
        list: async () => ({
          images: stored,
          broken: [{ name: 'bad', error: new Error('image.json is not JSON') }],
        }),
        remove: async (name) => {
          stored.splice(
            stored.findIndex((image) => image.name === name),
            1,
          );
        },
      },
      importImage: (request, progress) =>
        new Promise((resolve, reject) => {
          report = progress;
          gate = {
            finish: () => {
              stored.push({
                name: request.name,
                kind: 'debian',
                kernelRelease: '6.1.0',
                append: 'console=hvc0',
                files: { kernel: { bytes: 5, sha256: 'a'.repeat(64) }, disk: undefined },
              });
              resolve();
            },
            fail: reject,
          };
        }),
      inUse: () => false,
      operations: metadata,
      logger: pino({ level: 'silent' }),
      ...change,
    });
    made.events((event) => events.push(event));
    return made;
  }

  test('an import that succeeds → importing, progress, ready', async () => {
    const images = service();
    const operation = await images.startImport({ kind: 'debian' });
    expect(operation).toMatchObject({ kind: 'import', state: 'running' });
    report?.('download', '3 of 12 packages');
    expect(await images.get('debian')).toMatchObject({ state: 'importing', detail: '3 of 12 packages' });
    await expect(images.startImport({ kind: 'debian' })).rejects.toMatchObject({ code: 'conflict' });
    await expect(images.remove('debian')).rejects.toMatchObject({ code: 'conflict' });
    gate?.finish();
    await images.settled();
    expect(await images.get('debian')).toEqual({
      name: 'debian',
      kind: 'debian',
      state: 'ready',
      kernelRelease: '6.1.0',
      append: 'console=hvc0',
      files: [{ role: 'kernel', bytes: 5, sha256: 'a'.repeat(64) }],
    });
    expect((await metadata.getOperation(operation.id))?.state).toBe('succeeded');
    expect(events.map((e) => (e.kind === 'image' ? e.state : e.kind))).toEqual([
      'importing',
      'importing',
      'operation',
      'ready',
    ]);
    await expect(images.startImport({ kind: 'debian' })).rejects.toThrow('already');
    await images.remove('debian');
    await expect(images.get('debian')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('an import that fails → failed with the reason; it may be tried again', async () => {
    const images = service();
    const operation = await images.startImport({ kind: 'debian', name: 'x' });
    gate?.fail(new FormatError('image/no-package', 'there is no package linux-image'));
    await images.settled();
    expect(await images.get('x')).toMatchObject({
      state: 'failed',
      detail: 'there is no package linux-image',
    });
    expect(await metadata.getOperation(operation.id)).toMatchObject({
      state: 'failed',
      error: { code: 'image/no-package', message: 'there is no package linux-image' },
    });
    await images.startImport({ kind: 'debian', name: 'x' });
    gate?.fail(new Error('EACCES /srv/data/unreadable'));
    await images.settled();
    expect((await images.get('x')).detail).not.toContain('unreadable');
    await images.remove('x');
    await expect(images.remove('x')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('one whose record cannot be read → listed as failed; in use → not removed', async () => {
    const images = service({ inUse: (name) => name === 'used' });
    stored.push({ name: 'used', kind: 'files', append: '', files: {} });
    expect((await images.list()).map((image) => [image.name, image.state])).toEqual([
      ['bad', 'failed'],
      ['used', 'ready'],
    ]);
    await expect(images.remove('used')).rejects.toMatchObject({ code: 'conflict' });
  });
});
