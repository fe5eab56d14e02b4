/** Images as REST shows them, and imports as operations. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FormatError } from '../../src/base/errors.ts';
import type { ImportProgress } from '../../src/images/index.ts';
import { ImageService, type ImageServiceOptions, type StoredImage } from '../../src/images/index.ts';
import type { ImageImport, Operation, ServiceEvent } from '../../src/panic/contract/index.ts';
import { randomId } from '../../src/panic/index.ts';
import { MemoryEventBus, OperationService } from '../../src/panic/operations/index.ts';
import { type MetadataStore, openMetadataStore } from '../../src/panic/store/index.ts';
import { eventually } from '../support/eventually.ts';

describe('ImageService', () => {
  type Gate = { readonly finish: () => void; readonly fail: (error: Error) => void };
  const stored: StoredImage[] = [];
  let gate: Gate | undefined;
  let report: ((progress: ImportProgress) => void) | undefined;
  let events: ServiceEvent[] = [];
  let errors: Error[] = [];
  let metadata: MetadataStore;
  let operations: OperationService;
  beforeEach(() => {
    metadata = openMetadataStore(':memory:');
  });
  afterEach(async () => {
    gate?.fail(new Error('the test is over'));
    await operations.close();
    await metadata.close();
  });

  async function service(change: Partial<ImageServiceOptions> = {}): Promise<ImageService> {
    stored.length = 0;
    events = [];
    errors = [];
    const bus = new MemoryEventBus();
    const onError = (error: Error): void => void errors.push(error);
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
      importImage: (request, progress, signal) =>
        new Promise((resolve, reject) => {
          report = progress;
          signal.addEventListener('abort', () => reject(new Error('aborted')));
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
      bus,
      onError,
      ...change,
    });
    const worker = await metadata.operations.enlist('local');
    operations = new OperationService({ queue: metadata.operations, bus, worker, newId: randomId, onError });
    operations.serve(made);
    await bus.subscribe((message) => {
      if (message.kind === 'event') events.push(message.event);
    });
    return made;
  }

  function startImport(options: ImageImport): Promise<Operation> {
    return operations.submit({ kind: 'import', options });
  }

  /** Waits until an operation is where a test wants it. */
  async function until(id: string, is: (operation: Operation) => boolean): Promise<Operation> {
    return eventually(async () => {
      const operation = await operations.get(id);
      return is(operation) ? operation : undefined;
    });
  }
  const running = (id: string): Promise<Operation> => until(id, ({ state }) => state === 'running');
  const ended = (id: string): Promise<Operation> =>
    until(id, ({ state }) => state !== 'queued' && state !== 'running');

  test('an import that succeeds → importing, progress as phases, ready', async () => {
    const images = await service();
    const operation = await startImport({ kind: 'debian' });
    expect(operation).toMatchObject({ kind: 'import', state: 'queued' });
    await running(operation.id);
    report?.({ step: 'download', done: 3, total: 12, detail: 'busybox' });
    expect(await until(operation.id, ({ phase }) => phase === 'download')).toMatchObject({
      state: 'running',
    });
    expect(await images.get('debian')).toMatchObject({ state: 'importing', detail: '3/12 busybox' });
    await expect(startImport({ kind: 'debian' })).rejects.toMatchObject({ code: 'conflict' });
    await expect(images.remove('debian')).rejects.toMatchObject({ code: 'conflict' });
    gate?.finish();
    expect(await ended(operation.id)).toMatchObject({ state: 'succeeded', phase: 'ready' });
    expect(await images.get('debian')).toEqual({
      name: 'debian',
      kind: 'debian',
      state: 'ready',
      kernelRelease: '6.1.0',
      append: 'console=hvc0',
      files: [{ role: 'kernel', bytes: 5, sha256: 'a'.repeat(64) }],
    });
    expect(events.flatMap((e) => (e.kind === 'image' ? [e.state] : []))).toEqual([
      'importing',
      'importing',
      'ready',
    ]);
    expect(events.flatMap((e) => (e.kind === 'operation' ? [`${e.state} ${e.phase}`] : []))).toEqual([
      'queued queued',
      'running queued',
      'running download',
      'succeeded ready',
    ]);
    await expect(startImport({ kind: 'debian' })).rejects.toThrow('already');
    await images.remove('debian');
    await expect(images.get('debian')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('an import that fails → failed with the reason; it may be tried again', async () => {
    const images = await service();
    const operation = await startImport({ kind: 'debian', name: 'x' });
    await running(operation.id);
    gate?.fail(new FormatError('image/no-package', 'there is no package linux-image'));
    expect(await ended(operation.id)).toMatchObject({
      state: 'failed',
      error: { code: 'image/no-package', message: 'there is no package linux-image' },
    });
    expect(await images.get('x')).toMatchObject({
      state: 'failed',
      detail: 'there is no package linux-image',
    });
    const again = await startImport({ kind: 'debian', name: 'x' });
    await running(again.id);
    gate?.fail(new Error('EACCES /srv/data/unreadable'));
    await ended(again.id);
    expect((await images.get('x')).detail).not.toContain('unreadable');
    expect(errors.map(({ message }) => message)).toContain('EACCES /srv/data/unreadable');
    await images.remove('x');
    await expect(images.remove('x')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('an import that is cancelled while it runs → cancelled, and it may be tried again', async () => {
    const images = await service();
    const { id } = await startImport({ kind: 'debian' });
    await running(id);
    expect(await operations.cancel(id)).toMatchObject({ state: 'running' });
    expect(await ended(id)).toMatchObject({ state: 'cancelled' });
    expect(await images.get('debian')).toMatchObject({
      state: 'failed',
      detail: 'The import was cancelled.',
    });
    const again = await startImport({ kind: 'debian' });
    await running(again.id);
    gate?.finish();
    expect(await ended(again.id)).toMatchObject({ state: 'succeeded' });
  });

  test('imports that fail without end → the last of them are listed', async () => {
    const images = await service({ importImage: () => Promise.reject(new Error('no')) });
    for (let i = 0; i < 105; i++) {
      const { id } = await startImport({ kind: 'debian', name: `x${i}` });
      await ended(id);
    }
    const names = (await images.list()).map(({ name }) => name);
    expect(names).toHaveLength(101);
    expect([names.includes('x4'), names.includes('x5')]).toEqual([false, true]);
  });

  test('one whose record cannot be read → listed as failed; in use → not removed', async () => {
    const images = await service({ inUse: (name) => name === 'used' });
    stored.push({ name: 'used', kind: 'files', append: '', files: {} });
    expect((await images.list()).map((image) => [image.name, image.state])).toEqual([
      ['bad', 'failed'],
      ['used', 'ready'],
    ]);
    await expect(images.remove('used')).rejects.toMatchObject({ code: 'conflict' });
  });
});
