/**
 * A disk that fills while a capture is stored. SQLite itself reports it: the number of pages that a database may have is
 * limited, which gives SQLITE_FULL as a full disk does.
 */

import { createHash } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { arraySource, concatBytes } from '../../../src/base/bytes.ts';
import { DiskError } from '../../../src/base/disk-error.ts';
import { type MetadataStore, openMetadataStore } from '../../../src/panic/store/index.ts';
import {
  ChunkedVmcoreStore,
  SqliteManifestStore,
  SqlitePageStore,
  type VmcoreStore,
} from '../../../src/vmcore/store/index.ts';
import { openChunkDatabase } from '../../../src/vmcore/store/local.ts';
import { eventually } from '../../support/eventually.ts';
import { bootWithCrashKernel, dump, enterKernel, handoff } from '../../synth/crashing-guest.ts';
import { closeFleetWorld, type FleetWorld, openFleetWorld } from '../../synth/fleet-world.ts';
import { elfDump, MACHINE } from '../../synth/vmcore.ts';
import { noise } from '../../vmcore/store/page-store-contract.ts';

const MIB = 2 ** 20;
const BATCH = 8 * MIB;
const SYSRQ = { trigger: 'sysrq', dump: 'raw' } as const;

/** A vmcore of three batches that nothing compresses, with a header that promises all of it. */
const DUMP = bigDump();

function bigDump(): Uint8Array {
  const pages = Math.ceil((2.5 * BATCH) / MACHINE.pageSize);
  const whole = elfDump({ ...MACHINE, ranges: [{ pfn: 0, pages }] });
  whole.set(noise(whole.length - MIB, 5), MIB);
  return whole;
}

let db: Database;
let vmcores: VmcoreStore;
let metadata: MetadataStore;
let world: FleetWorld | undefined;
const errors: Error[] = [];
beforeEach(() => {
  db = openChunkDatabase(':memory:');
  vmcores = new ChunkedVmcoreStore(
    new SqlitePageStore(db, { compressionLevel: 0 }),
    new SqliteManifestStore(db),
  );
  metadata = openMetadataStore(':memory:');
  errors.length = 0;
});
afterEach(async () => {
  if (world !== undefined) await closeFleetWorld(world);
  else {
    await vmcores.close();
    await metadata.close();
  }
  world = undefined;
});

/** Lets the chunk database grow by so many bytes, and no more; undefined: by any. */
function limit(bytes?: number): void {
  const pages = db.pragma('page_count', { simple: true }) as number;
  const size = db.pragma('page_size', { simple: true }) as number;
  db.pragma(`max_page_count = ${bytes === undefined ? 2 ** 30 : pages + Math.ceil(bytes / size)}`);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function readAll(id: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of vmcores.readVmcore(id)) parts.push(part);
  return concatBytes(parts);
}

/** A fleet of one, ready, whose guest leaves {@link DUMP}. */
async function open(wrapped: MetadataStore = metadata): Promise<string> {
  world = await openFleetWorld(
    {
      onStart: bootWithCrashKernel,
      onInput: (guest, vty, text) => {
        if (vty !== 0 || text !== '\x0fc') return guest.rest();
        handoff(guest, 1);
        enterKernel(guest, 1);
        setTimeout(() => dump(guest, DUMP), 20);
      },
    },
    { stores: { metadata: wrapped, vmcores }, onError: (error) => errors.push(error) },
  );
  const { id } = await world.fleet.create({ name: 'one', image: 'debian', cpus: 2 });
  await world.fleet.startAll();
  return id;
}

async function panic(partitionId: string) {
  const { operations, fleet } = world as FleetWorld;
  const { id } = await operations.submit({ kind: 'panic', partitionId, options: SYSRQ });
  const ended = await eventually(async () => {
    const operation = await operations.get(id);
    return operation.state === 'running' || operation.state === 'queued' ? undefined : operation;
  });
  await eventually(async () => fleet.get(partitionId).state === 'ready' || undefined);
  return ended;
}

it('writeVmcore, keepPart: the disk fills after the first batch → the first batch as a vmcore, and why it was cut', async () => {
  limit(BATCH + MIB);
  const stored = await vmcores.writeVmcore(arraySource(DUMP), DUMP.length, { keepPart: true });
  const part = DUMP.subarray(0, BATCH);
  expect(stored).toMatchObject({ bytes: BATCH, sha256: sha256(part), newBytes: BATCH });
  expect(stored.cut).toBeInstanceOf(DiskError);
  expect(stored.cut?.code).toBe('disk-full');
  expect(sha256(await readAll(stored.manifestId))).toBe(sha256(part));
  limit();
  const whole = await vmcores.writeVmcore(arraySource(DUMP), DUMP.length);
  expect(whole).toMatchObject({ bytes: DUMP.length, newBytes: DUMP.length - BATCH });
});

it('writeVmcore: no part is asked for, or there is none → DiskError, nothing is listed, and a sweep gives the room back', async () => {
  limit(BATCH + MIB);
  await expect(vmcores.writeVmcore(arraySource(DUMP), DUMP.length)).rejects.toMatchObject({
    code: 'disk-full',
  });
  expect(await vmcores.list()).toEqual([]);
  expect(await vmcores.retain(new Set())).toMatchObject({ bytes: BATCH });
  limit(MIB);
  await expect(vmcores.writeVmcore(arraySource(DUMP), DUMP.length, { keepPart: true })).rejects.toMatchObject(
    { code: 'disk-full' },
  );
});

it('panic: the chunk database fills in the middle → failed with disk-full, an incomplete capture with its trace, the partition is ready, and the next crash is whole', async () => {
  const partition = await open();
  limit(BATCH + MIB);
  const operation = await panic(partition);
  const reason = "the disk is full (SQLITE_FULL): 8.0 MiB of the vmcore's 20.1 MiB are stored";
  expect(operation).toMatchObject({
    state: 'failed',
    captureId: expect.any(String),
    error: { code: 'disk-full', message: reason },
  });
  const { captures } = world as FleetWorld;
  const id = operation.captureId ?? '';
  expect(await captures.get(id)).toMatchObject({
    outcome: 'failed',
    phase: 'dumped',
    reason,
    vmcore: { bytes: BATCH, format: 'elf', incomplete: true, sha256: sha256(DUMP.subarray(0, BATCH)) },
  });
  expect(await captures.trace(id)).not.toBeNull();
  expect(errors).toMatchObject([{ code: 'disk-full' }]);
  limit();
  expect(await panic(partition)).toMatchObject({ state: 'succeeded' });
});

it('panic: there is no room for a single batch → a capture without a vmcore, and what was stored of it is gone', async () => {
  const partition = await open();
  limit(MIB);
  const operation = await panic(partition);
  expect(operation).toMatchObject({ state: 'failed', error: { code: 'disk-full' } });
  expect(await world?.captures.get(operation.captureId ?? '')).toMatchObject({
    outcome: 'failed',
    vmcore: null,
    reason: "the disk is full (SQLITE_FULL): nothing of the vmcore's 20.1 MiB is stored",
  });
  expect(db.prepare('SELECT count(*) FROM chunk').pluck().get()).toBe(0);
});

/** Metadata of which some methods fail with an error of the disk while it does not work. */
function failing(isBroken: (method: string, parameters: readonly unknown[]) => boolean): MetadataStore {
  const wrap = <T extends object>(part: T): T =>
    new Proxy(part, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...parameters: readonly unknown[]): Promise<unknown> => {
          if (isBroken(String(name), parameters))
            throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_WRITE' });
          return Reflect.apply(method, target, parameters);
        };
      },
    });
  return { ...metadata, captures: wrap(metadata.captures), operations: wrap(metadata.operations) };
}

it('panic: trace and console cannot be stored → the capture with its whole vmcore, and its reason says what is missing', async () => {
  const partition = await open(
    failing(
      (method, [, parts]) => method === 'create' && typeof parts === 'object' && 'trace' in (parts ?? {}),
    ),
  );
  const operation = await panic(partition);
  expect(operation).toMatchObject({ state: 'failed', error: { code: 'disk-error' } });
  expect(await world?.captures.get(operation.captureId ?? '')).toMatchObject({
    outcome: 'failed',
    reason: 'the disk failed to read or write (SQLITE_IOERR_WRITE): trace and console are not stored',
    vmcore: { bytes: DUMP.length },
  });
});

it('panic: nothing can be stored of the capture, nor how the operation ended → shown as failed with the reason, and stored when the disk works again', async () => {
  let isBroken = true;
  const partition = await open(
    failing((method) => isBroken && (method === 'create' || method === 'complete')),
  );
  const operation = await panic(partition);
  expect(operation).toMatchObject({
    state: 'failed',
    error: { code: 'disk-error', message: expect.stringContaining('the capture could not be stored') },
  });
  expect((await metadata.operations.get(operation.id))?.state).toBe('running');
  // The vmcore that no capture names is gone again.
  expect(await vmcores.list()).toEqual([]);
  isBroken = false;
  expect(await world?.operations.retryEnds()).toBe(0);
  expect(await metadata.operations.get(operation.id)).toMatchObject({
    state: 'failed',
    error: { code: 'disk-error' },
  });
});
