/** A small data folder with something of everything in both databases, and what reads it whole. */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { arraySource, concatBytes } from '../../../src/base/bytes.ts';
import type { Capture } from '../../../src/panic/contract/index.ts';
import { openMetadataStore } from '../../../src/panic/store/index.ts';
import { openLocalVmcoreStore, type VmcoreStore } from '../../../src/vmcore/store/index.ts';

export type StoredPaths = { readonly metadata: string; readonly chunks: string };

const TIME = '2024-01-01T00:00:00.000Z';
/** How many there are of everything small. */
const NUMBERS = Array.from({ length: 40 }, (_, i) => i);
const WORKER = { id: 'local', epoch: 1 };

export function pathsIn(folder: string): StoredPaths {
  return { metadata: join(folder, 'metadata.db'), chunks: join(folder, 'chunks.db') };
}

/** The vmcores that are stored: they share chunks; some content compresses, some is zero, some does neither. */
export function contents(): readonly Uint8Array[] {
  const shared = concatBytes([noise(150_000, 1), new Uint8Array(140_000), text(200_000)]);
  return [1, 2, 3].map((n) => concatBytes([shared, noise(36_000, n + 10)]));
}

/** Writes everything; the files are whole and alone afterwards, without a log beside them. */
export async function writeStores(paths: StoredPaths): Promise<void> {
  const vmcores = openLocalVmcoreStore(paths.chunks);
  const metadata = openMetadataStore(paths.metadata, { now: () => Date.parse(TIME) });
  const worker = await metadata.operations.enlist('local');
  for (const [i, bytes] of contents().entries()) {
    const stored = await vmcores.writeVmcore(arraySource(bytes));
    const id = `c${i + 1}`;
    const events = Array.from(noise(9000, i + 50), (at, n) => ({ n, at }));
    await metadata.captures.create(captureOf(id, stored), {
      manifestId: stored.manifestId,
      trace: JSON.stringify({ version: 2, events }),
      console: noise(14_000 + i, i + 70),
    });
  }
  for (const i of NUMBERS) {
    const partitionId = `p${i}`;
    const request = { image: 'built-in', cpus: 2, append: `seed=${i} `.repeat(20) };
    await metadata.partitions.create({ id: partitionId, name: `node-${i}`, request });
    await metadata.leases.acquire(partitionId, WORKER, 1000);
    const operation = {
      id: `o${i}`,
      kind: 'panic',
      state: 'queued',
      phase: 'queued',
      partitionId,
      createdAt: TIME,
      updatedAt: TIME,
    } as const;
    const panic = { kind: 'panic', partitionId, options: { trigger: 'sysrq', dump: 'raw' } } as const;
    await metadata.operations.submit({ operation, request: panic, worker, key: `key ${i}` });
    await metadata.firings.add({ scheduleId: 'retention', fireTime: timeOf(i), state: 'missed' });
  }
  await vmcores.close();
  await metadata.close();
  for (const file of Object.values(paths)) {
    const db = new BetterSqlite3(file);
    db.exec('VACUUM');
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.pragma('journal_mode = DELETE');
    db.pragma('journal_mode = WAL');
    db.close();
  }
}

/** Everything that can be read, each under a name: its digest, or the code of the error that reading it gave. */
export async function readStores(paths: StoredPaths): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const note = async (name: string, read: () => Promise<unknown>): Promise<void> => {
    found.set(name, await read().then(digest, codeOf));
  };
  await note('vmcores', async () => {
    const vmcores = openLocalVmcoreStore(paths.chunks);
    try {
      for (const id of ['1', '2', '3']) await note(`vmcore ${id}`, () => readAll(vmcores, id));
      return (await vmcores.list()).map(({ id, sha256 }) => [id, sha256]);
    } finally {
      await vmcores.close();
    }
  });
  await note('metadata', async () => {
    const metadata = openMetadataStore(paths.metadata, { now: () => Date.parse(TIME) });
    const { captures, operations, partitions, leases, firings } = metadata;
    try {
      await note('partitions', async () => partitions.list());
      for (const id of ['c1', 'c2', 'c3']) {
        await note(`capture ${id}`, () => captures.get(id));
        await note(`vmcore of ${id}`, () => captures.manifestId(id));
        await note(`trace of ${id}`, () => captures.trace(id));
        await note(`console of ${id}`, () => captures.console(id));
      }
      for (const i of NUMBERS) {
        await note(`operation o${i}`, () => operations.get(`o${i}`));
        await note(`lease of p${i}`, () => leases.get(`p${i}`));
      }
      await note('captures', async () => (await captures.list({ limit: 9 })).items.map(({ id }) => id));
      await note('operations', async () => (await operations.list({ limit: 99 })).items.map(({ id }) => id));
      await note('firings', () => firings.last('retention', 99));
      return [];
    } finally {
      await metadata.close();
    }
  });
  return found;
}

export async function readAll(vmcores: VmcoreStore, id: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of vmcores.readVmcore(id)) parts.push(part);
  return concatBytes(parts);
}

function digest(value: unknown): string {
  const bytes = value instanceof Uint8Array ? value : JSON.stringify(value);
  return createHash('sha256').update(bytes).digest('hex');
}

/** An error of ours has a code that begins with its area; any other is a fault of the program. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/^(store\/|disk-)/.test(code)) return `error ${code}`;
  throw error;
}

function captureOf(
  id: string,
  { bytes, sha256 }: { readonly bytes: number; readonly sha256: string },
): Capture {
  return {
    id,
    partitionId: 'p1',
    image: 'built-in',
    outcome: 'captured',
    phase: 'stored',
    signature: `${id.slice(1)}`.repeat(16),
    vmcore: { bytes, format: 'elf', sha256 },
    rules: { held: 10, broken: 0, notReached: 0, notApplicable: 2 },
    createdAt: TIME,
  };
}

function timeOf(hour: number): string {
  return new Date(Date.parse(TIME) + hour * 3_600_000).toISOString();
}

function text(length: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => 97 + ((i * 7 + (i >> 7)) % 23));
}

/** Bytes that do not compress, the same for the same seed. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed >>> 0 || 1;
  return new Uint8Array(length).map(() => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 255;
  });
}
