/** Checks the metadata database whole: its structure, and every row against its seal. It changes nothing. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import { StoredDataError } from '../../base/errors.ts';
import {
  checkStructure,
  databaseError,
  isSealed,
  type Manifest,
  openReadOnly,
  recordId,
  type SqlRow,
  type VerifyOptions,
} from '../../vmcore/store/index.ts';
import type { Capture } from '../contract/index.ts';
import { SEALED_TABLES } from './seal-rows.ts';

/** Rows that are checked before other work of the thread has its turn. */
const PIECE_ROWS = 64;
/** Tables whose rows belong to a capture, by the column that names it. */
const OF_A_CAPTURE: ReadonlySet<string> = new Set(['capture', 'trace', 'console']);

export type MetadataDamage = {
  readonly kind: 'database' | 'schema' | 'record' | 'capture';
  /** The table and the id of a record; the id of a capture. */
  readonly id?: string;
  readonly problem: string;
  readonly captures: readonly string[];
};

/** A capture that has a vmcore, as far as its record is whole. */
export type CapturedVmcore = {
  readonly captureId: string;
  readonly manifestId: string;
  readonly vmcore: Capture['vmcore'];
};

export type MetadataReport = {
  readonly records: number;
  readonly captured: readonly CapturedVmcore[];
  readonly damage: readonly MetadataDamage[];
};

export async function verifyMetadata(path: string, options: VerifyOptions = {}): Promise<MetadataReport> {
  options.onProgress?.('metadata.db');
  let db: Database | undefined;
  const damage: MetadataDamage[] = [];
  const captured: CapturedVmcore[] = [];
  let records = 0;
  try {
    db = openReadOnly(path, 'metadata.db');
    for (const found of checkStructure(db, 'meta')) damage.push({ ...found, captures: [] });
    for (const [table, key] of Object.entries(SEALED_TABLES)) {
      const rows = db.prepare<[], number>(`SELECT rowid FROM ${table}`).pluck().all();
      const read = db.prepare<[number], SqlRow>(`SELECT rowid AS rowid, * FROM ${table} WHERE rowid = ?`);
      for (const rowid of rows) {
        const row = read.get(rowid);
        if (row === undefined) continue;
        records += 1;
        if (records % PIECE_ROWS === 0) await nextTurn();
        options.signal?.throwIfAborted();
        if (!isSealed(table, row)) damage.push(damagedRow(table, recordId(row, key)));
        else if (table === 'capture') captured.push(...vmcoreOf(row));
      }
    }
  } catch (error) {
    const known = databaseError(error, 'metadata.db');
    if (!(known instanceof StoredDataError)) throw error;
    damage.push({ kind: 'database', problem: known.message, captures: [] });
  } finally {
    db?.close();
  }
  return { records, captured, damage };
}

/** Captures whose vmcore is not the one that they say; `isGone` asks once more, because both come and go meanwhile. */
export function compareVmcores(
  captured: readonly CapturedVmcore[],
  vmcores: readonly Manifest[],
  isGone: (capture: CapturedVmcore) => boolean,
): readonly MetadataDamage[] {
  const known = new Map(vmcores.map((manifest) => [manifest.id, manifest]));
  return captured.flatMap((capture): MetadataDamage[] => {
    const { captureId: id, manifestId, vmcore } = capture;
    const manifest = known.get(manifestId);
    if (manifest === undefined)
      return isGone(capture)
        ? [{ kind: 'capture', id, problem: 'its vmcore is not in chunks.db', captures: [id] }]
        : [];
    return vmcore?.sha256 === manifest.sha256 && vmcore.bytes === manifest.bytes
      ? []
      : [{ kind: 'capture', id, problem: 'its vmcore in chunks.db is another one', captures: [id] }];
  });
}

function damagedRow(table: string, id: string): MetadataDamage {
  return {
    kind: 'record',
    id: `${table} ${id}`,
    problem: 'its row is not what was written',
    captures: OF_A_CAPTURE.has(table) ? [id] : [],
  };
}

function vmcoreOf(row: SqlRow): CapturedVmcore[] {
  const { id, vmcore_id: manifestId, record } = row;
  if (typeof manifestId !== 'string' || typeof id !== 'string') return [];
  return [{ captureId: id, manifestId, vmcore: (JSON.parse(String(record)) as Capture).vmcore }];
}
