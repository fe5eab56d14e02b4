/** Checks that a daemon owes nothing: everything that it ever answered holds. Gives what does not, as sentences. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import type { Capture, Operation, Page, PartitionView } from '../../src/panic/contract/index.ts';
import { openMetadataStore } from '../../src/panic/store/index.ts';
import { openLocalVmcoreStore } from '../../src/vmcore/store/index.ts';
import type { Client } from './client.ts';
import type { Ledger } from './ledger.ts';
import type { Place } from './service.ts';

/**
 * Asks a daemon that has just started for everything that the one before it owed. Clients may delete captures meanwhile: what is no
 * longer owed when its answer comes is passed over.
 * @param downloads how many captures are downloaded whole; all are looked up
 */
export async function askForAll(
  client: Client,
  ledger: Ledger,
  downloads: number,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  const owed = ledger.captures;
  for (const { id, sha256 } of owed) {
    const { status, body, why } = await client.get<Capture>(`/captures/${id}`);
    if (!ledger.owes(id)) continue;
    if (status !== 200) wrong.push(`capture ${id} is lost: ${why}`);
    else if ((body?.vmcore?.sha256 ?? null) !== sha256) wrong.push(`capture ${id} has another digest`);
  }
  for (const { id, sha256, bytes } of ledger.vmcores.slice(-downloads)) {
    const got = await client.download(id);
    if (!ledger.owes(id)) continue;
    if (got.status !== 200 || got.cut !== undefined || got.sha256 !== sha256 || got.bytes !== bytes)
      wrong.push(`capture ${id} does not download: ${JSON.stringify(got)}`);
  }
  for (const id of ledger.deleted) {
    const { status } = await client.get(`/captures/${id}`);
    if (status !== 404) wrong.push(`capture ${id} was deleted and is back (${status})`);
  }
  const { body: fleet } = await client.get<{ items: PartitionView[] }>('/partitions');
  const partitions = new Set(fleet?.items.map(({ id }) => id));
  for (const id of ledger.all('partition', 'owed'))
    if (!partitions.has(id)) wrong.push(`partition ${id} is lost`);
  for (const id of ledger.all('partition', 'released'))
    if (partitions.has(id)) wrong.push(`partition ${id} was deleted and is back`);
  const { body: catalogue } = await client.get<{ items: { name: string; state: string }[] }>('/images');
  const images = new Map(catalogue?.items.map(({ name, state }) => [name, state]));
  for (const name of ledger.all('image', 'owed'))
    if (images.get(name) !== 'ready') wrong.push(`image ${name} is ${images.get(name) ?? 'lost'}`);
  for (const name of ledger.all('image', 'released'))
    if (images.has(name)) wrong.push(`image ${name} was removed and is back`);
  return wrong;
}

/**
 * Operations of the daemon before must have ended, whatever became of them.
 * @param ids those that it owed when it ended
 */
export async function askForOperations(
  client: Client,
  ledger: Ledger,
  ids: readonly string[] = ledger.all('operation', 'owed'),
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const id of ids) {
    const { status, body, why } = await client.get<Operation>(`/operations/${id}`);
    if (status !== 200 || body === undefined) wrong.push(`operation ${id} is lost: ${why}`);
    else if (body.state === 'queued' || body.state === 'running')
      wrong.push(`operation ${id} (${body.kind}) is still ${body.state} after a restart`);
  }
  ledger.forgetOperations(ids);
  return wrong;
}

/** Operations that have not ended. */
export async function unfinished(client: Client): Promise<readonly Operation[]> {
  const { body } = await client.get<Page<Operation>>('/operations?limit=200');
  return body?.items.filter(({ state }) => state === 'queued' || state === 'running') ?? [];
}

/** Reads the folder of a daemon that does not run: whole databases, what is owed, no capture without its vmcore, no chunk too many. */
export async function readFolder(place: Place, ledger: Ledger): Promise<readonly string[]> {
  const wrong: string[] = [];
  const files = { metadata: join(place.data, 'metadata.db'), chunks: join(place.data, 'chunks.db') };
  for (const file of Object.values(files)) {
    if (!existsSync(file)) return [`${file} is not there`];
    const db = new BetterSqlite3(file);
    const found = db.pragma('integrity_check', { simple: true });
    db.close();
    if (found !== 'ok') wrong.push(`${file}: ${found}`);
  }
  if (wrong.length > 0) return wrong;
  const metadata = openMetadataStore(files.metadata);
  const vmcores = openLocalVmcoreStore(files.chunks);
  try {
    for (const { id, sha256 } of ledger.captures) {
      const capture = await metadata.captures.get(id);
      if (capture === null || (capture.vmcore?.sha256 ?? null) !== sha256)
        wrong.push(`capture ${id} is lost`);
    }
    for (const id of ledger.deleted)
      if ((await metadata.captures.get(id)) !== null) wrong.push(`capture ${id} was deleted and is back`);
    for (const id of ledger.all('operation', 'owed'))
      if ((await metadata.operations.get(id)) === null) wrong.push(`operation ${id} is lost`);
    const partitions = new Set((await metadata.partitions.list()).map(({ id }) => id));
    for (const id of ledger.all('partition', 'owed'))
      if (!partitions.has(id)) wrong.push(`partition ${id} is lost`);
    const named = await metadata.captures.manifestIds();
    for (const id of named)
      await vmcores.verify(id).catch((error: unknown) => wrong.push(`vmcore ${id}: ${error}`));
    // What no capture names goes with a sweep; then the chunks are those that manifests name.
    await vmcores.retain(named);
    const left = new Set((await vmcores.list()).map(({ id }) => id));
    if (left.size !== named.size) wrong.push(`${left.size} vmcores for ${named.size} captures`);
    wrong.push(...orphans(files.chunks));
  } finally {
    await vmcores.close();
    await metadata.close();
  }
  return wrong;
}

/** Chunks that no manifest names. */
function orphans(chunks: string): readonly string[] {
  const db = new BetterSqlite3(chunks, { readonly: true });
  try {
    const named = new Set<string>();
    for (const { chunks: ids } of db
      .prepare<[], { chunks: Buffer }>('SELECT chunks FROM manifest_part')
      .iterate())
      for (let at = 0; at < ids.length; at += 8) named.add(`${ids.readBigUInt64LE(at)}`);
    const all = db.prepare<[], { id: number }>('SELECT id FROM chunk').all();
    const lost = all.filter(({ id }) => !named.has(`${id}`)).length;
    return lost === 0 ? [] : [`${lost} chunks that no vmcore names are left after a sweep`];
  } finally {
    db.close();
  }
}

/** Files that a killed daemon left and the next one has not cleared. Ask when it is up and nothing is imported. */
export function leftovers(place: Place): readonly string[] {
  const images = join(place.data, 'images');
  const work = existsSync(images) ? readdirSync(images).filter((name) => name.startsWith('.')) : [];
  const scratch = readdirSync(place.tmp).filter((name) =>
    statSync(join(place.tmp, name), { throwIfNoEntry: false })?.isFile(),
  );
  return [
    ...work.map((name) => `images/${name} is left behind`),
    ...scratch.map((name) => `${name} is left in the temporary folder`),
  ];
}
