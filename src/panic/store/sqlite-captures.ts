/** Stores captures in SQLite. Source of the layout: migrations/meta. */

import type { Database } from 'better-sqlite3';
import type { ManifestId } from '../../vmcore/store/index.ts';
import type { Capture, CaptureQuery, Page } from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';
import type { Fence } from '../operations/index.ts';
import type { CaptureParts, CaptureStore } from './contract.ts';
import { pageOf } from './paging.ts';
import { compress, decompress, insert, oneRecord } from './rows.ts';
import { holds } from './sqlite-leases.ts';

export class SqliteCaptures implements CaptureStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async create(capture: Capture, parts: CaptureParts, fence?: Fence): Promise<void> {
    const trace = parts.trace === undefined ? undefined : await compress(parts.trace);
    const console = parts.console === undefined ? undefined : await compress(parts.console);
    this.#db.transaction(() => {
      if (!holds(this.#db, fence))
        throw new Refusal('conflict', `Another process runs partition ${capture.partitionId} now.`);
      insert(
        this.#db,
        'INSERT INTO capture (id, partition_id, outcome, signature, vmcore_id, record) VALUES (?, ?, ?, ?, ?, ?)',
        capture.id,
        capture.partitionId,
        capture.outcome,
        capture.signature ?? null,
        parts.manifestId ?? null,
        JSON.stringify(capture),
      );
      if (trace !== undefined) insert(this.#db, 'INSERT INTO trace VALUES (?, ?)', capture.id, trace);
      if (console !== undefined) insert(this.#db, 'INSERT INTO console VALUES (?, ?)', capture.id, console);
    })();
  }

  async get(id: string): Promise<Capture | null> {
    return oneRecord<Capture>(this.#db, 'SELECT record FROM capture WHERE id = ?', id);
  }

  async list(query: CaptureQuery): Promise<Page<Capture>> {
    return pageOf<Capture>(this.#db, 'capture', query, {
      partition_id: query.partitionId,
      outcome: query.outcome,
      signature: query.signature,
    });
  }

  async count(partitionId: string): Promise<number> {
    return (
      this.#db
        .prepare<[string], number>('SELECT count(*) FROM capture WHERE partition_id = ?')
        .pluck()
        .get(partitionId) ?? 0
    );
  }

  async manifestId(id: string): Promise<ManifestId | null> {
    return (
      this.#db
        .prepare<[string], string | null>('SELECT vmcore_id FROM capture WHERE id = ?')
        .pluck()
        .get(id) ?? null
    );
  }

  async manifestIds(): Promise<ReadonlySet<ManifestId>> {
    return new Set(
      this.#db.prepare<[], string>('SELECT vmcore_id FROM capture WHERE vmcore_id IS NOT NULL').pluck().all(),
    );
  }

  async trace(id: string): Promise<string | null> {
    return (await this.#blob('trace', id))?.toString('utf8') ?? null;
  }

  async console(id: string): Promise<Uint8Array | null> {
    const bytes = await this.#blob('console', id);
    return bytes === null ? null : new Uint8Array(bytes);
  }

  async delete(id: string): Promise<boolean> {
    const removed = this.#db.prepare('DELETE FROM capture WHERE id = ?').run(id).changes > 0;
    if (removed) this.#db.exec('PRAGMA incremental_vacuum');
    return removed;
  }

  async #blob(table: 'trace' | 'console', captureId: string): Promise<Buffer | null> {
    const row = this.#db
      .prepare<[string], { gzip: Buffer }>(`SELECT gzip FROM ${table} WHERE capture_id = ?`)
      .get(captureId);
    return row === undefined ? null : await decompress(row.gzip);
  }
}
