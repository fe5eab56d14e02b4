/** Verifies and repairs both databases of a data folder, and says what each damage affects and what to do. */

import type { Database } from 'better-sqlite3';
import {
  type ChunkRef,
  isDamage,
  openDatabase,
  openReadOnly,
  orDamaged,
  reindex,
  repairChunks,
  repairRows,
  type VerifyOptions,
  verifyChunks,
} from '../../vmcore/store/index.ts';
import type { StoreDamage, StoreReport } from '../contract/index.ts';
import { META_MIGRATION_STEPS, SEALED_TABLES } from './seal-rows.ts';
import { compareVmcores, verifyMetadata } from './verify-metadata.ts';

export type StorePaths = { readonly metadata: string; readonly chunks: string };

/** `lost`: chunks whose content is gone: of vmcores, or of none, which the next vmcore with that content would take for whole. */
export type StoreCheck = { readonly report: StoreReport; readonly lost: readonly ChunkRef[] };

/** Reads everything and changes nothing; the stores may be in use. */
export async function verifyStore(paths: StorePaths, options: VerifyOptions = {}): Promise<StoreCheck> {
  const begun = performance.now();
  const chunks = await verifyChunks(paths.chunks, options);
  // After the chunks: what was deleted meanwhile is gone from the metadata first.
  const metadata = await verifyMetadata(paths.metadata, options);
  const captureOf = new Map(metadata.captured.map(({ manifestId, captureId }) => [manifestId, captureId]));
  const isReadable = !chunks.damage.some(({ kind, id }) => kind === 'database' && id === undefined);
  const badManifests = new Set(chunks.damage.flatMap(({ kind, id }) => (kind === 'manifest' ? [id] : [])));
  const compared = metadata.captured.filter(({ manifestId }) => isReadable && !badManifests.has(manifestId));
  const damage: StoreDamage[] = [
    ...chunks.damage.map(({ vmcores, ...found }) => {
      const captures = vmcores.flatMap((id) => captureOf.get(id) ?? []);
      return advise({ database: 'chunks.db' as const, ...found, captures });
    }),
    ...[...metadata.damage, ...compareVmcores(compared, chunks.vmcores, (each) => isGone(paths, each))].map(
      (found) => advise({ database: 'metadata.db' as const, ...found }),
    ),
  ];
  const report = {
    verifiedAt: new Date().toISOString(),
    durationMs: Math.round(performance.now() - begun),
    vmcores: chunks.vmcores.length,
    chunks: chunks.chunks,
    bytes: chunks.bytes,
    records: metadata.records,
    damage,
  };
  return { report, lost: [...chunks.lost, ...chunks.unnamed] };
}

/** Repairs what can be proved, and verifies after it. Nothing is invented: what stays damaged is reported. */
export async function repairStore(paths: StorePaths, options: VerifyOptions = {}): Promise<StoreCheck> {
  const repaired: string[] = [];
  for (const repair of [() => repairChunks(paths.chunks, options), () => repairMetadata(paths.metadata)]) {
    try {
      repaired.push(...(await repair()));
    } catch (error) {
      // A file that is refused when it is opened, by SQLite or by us: the verification says why.
      if (!isDamage(error)) throw error;
    }
  }
  const { report, lost } = await verifyStore(paths, options);
  return { report: { ...report, repaired }, lost };
}

async function repairMetadata(path: string): Promise<readonly string[]> {
  const db = openDatabase(path, 'meta', META_MIGRATION_STEPS);
  try {
    const done = orDamaged(() => reindex(db)) > 0 ? ['the indexes of metadata.db were made again'] : [];
    for (const table of Object.keys(SEALED_TABLES)) {
      const count = orDamaged(() => repairRows(db, table));
      if (count > 0) done.push(`${count} rows of ${table} got a bit back`);
    }
    return done;
  } finally {
    db.close();
  }
}

/** Whether a capture is there and its vmcore is not: asked again when both were read at different times. */
function isGone(
  { metadata, chunks }: StorePaths,
  { captureId, manifestId }: { readonly captureId: string; readonly manifestId: string },
): boolean {
  const has = (path: string, what: string, ask: (db: Database) => unknown): boolean => {
    const db = openReadOnly(path, what);
    try {
      return ask(db) !== undefined;
    } finally {
      db.close();
    }
  };
  return (
    has(metadata, 'metadata.db', (db) => db.prepare('SELECT 1 FROM capture WHERE id = ?').get(captureId)) &&
    !has(chunks, 'chunks.db', (db) =>
      db.prepare('SELECT 1 FROM manifest WHERE id = ?').get(Number(manifestId)),
    )
  );
}

function advise(damage: Omit<StoreDamage, 'advice'>): StoreDamage {
  return { ...damage, advice: adviceFor(damage) };
}

function adviceFor({ kind, captures }: Omit<StoreDamage, 'advice'>): string {
  switch (kind) {
    case 'database':
      return 'run `kdumpd store repair`; where that does not help, restore the file from a backup';
    case 'schema':
      return 'restore the file from a backup';
    case 'chunk':
      return captures.length > 0
        ? 'crash the same image again: equal memory heals it; or run `kdumpd store repair`; or delete the captures'
        : 'run `kdumpd store repair`';
    case 'manifest':
    case 'record':
      return 'run `kdumpd store repair`; where that does not help, delete what it belongs to';
    case 'vmcore':
    case 'capture':
      return 'delete the capture, or restore both databases from one backup';
    case 'misnamed':
    case 'unnamed':
    case 'quarantine':
      return 'run `kdumpd store repair`';
  }
}
