/**
 * Metadata in SQLite. Source of the layout: migrations/meta. Rows are small and calls short, so they run in the
 * caller's thread; traces and consoles are gzipped off it.
 */

import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Database } from 'better-sqlite3';
import type { ManifestId } from '../../vmcore/store/index.ts';
import { openDatabase } from '../../vmcore/store/index.ts';
import type { Capture, Operation } from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';
import type {
  CaptureParts,
  CaptureQuery,
  ImageRecord,
  MetadataStore,
  OperationQuery,
  Page,
  PartitionRecord,
  ScheduleFiring,
} from './contract.ts';
import { pageOf } from './paging.ts';
import { SqliteFirings } from './sqlite-firings.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** A trace is some kilobytes; nobody removes operations. */
const OPERATION_TRACES_KEPT = 200;

type RecordRow = { readonly record: string };

/** Opens or creates the metadata database `path` (`:memory:` for none). @throws FormatError `store/migration-…`. */
export function openMetadataStore(path: string): MetadataStore {
  return new SqliteMetadataStore(openDatabase(path, 'meta'));
}

class SqliteMetadataStore implements MetadataStore {
  readonly #db: Database;
  readonly #firings: SqliteFirings;

  constructor(db: Database) {
    this.#db = db;
    this.#firings = new SqliteFirings(db);
  }

  async putImage(image: ImageRecord): Promise<void> {
    this.#db
      .prepare(
        'INSERT INTO image VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET state = excluded.state, record = excluded.record',
      )
      .run(image.name, image.state, JSON.stringify(image));
  }

  async getImage(name: string): Promise<ImageRecord | null> {
    return this.#one<ImageRecord>('SELECT record FROM image WHERE name = ?', name);
  }

  async listImages(): Promise<readonly ImageRecord[]> {
    return this.#all<ImageRecord>('SELECT record FROM image ORDER BY name');
  }

  async deleteImage(name: string): Promise<boolean> {
    return this.#db.prepare('DELETE FROM image WHERE name = ?').run(name).changes > 0;
  }

  async createPartition(partition: PartitionRecord): Promise<void> {
    this.#insert(
      'INSERT INTO partition (id, name, image, record) VALUES (?, ?, ?, ?)',
      partition.id,
      partition.name,
      partition.request.image,
      JSON.stringify(partition),
    );
  }

  async getPartition(id: string): Promise<PartitionRecord | null> {
    return this.#one<PartitionRecord>('SELECT record FROM partition WHERE id = ?', id);
  }

  async listPartitions(): Promise<readonly PartitionRecord[]> {
    return this.#all<PartitionRecord>('SELECT record FROM partition ORDER BY seq');
  }

  async deletePartition(id: string): Promise<boolean> {
    return this.#db.prepare('DELETE FROM partition WHERE id = ?').run(id).changes > 0;
  }

  async createOperation(operation: Operation, idempotencyKey?: string): Promise<Operation> {
    return this.#db.transaction(() => {
      const earlier = idempotencyKey === undefined ? null : this.#operationOfKey(idempotencyKey);
      if (earlier !== null) return earlier;
      this.#insert(
        'INSERT INTO operation (id, state, partition_id, idempotency_key, record) VALUES (?, ?, ?, ?, ?)',
        operation.id,
        operation.state,
        operation.partitionId ?? null,
        idempotencyKey ?? null,
        JSON.stringify(operation),
      );
      return operation;
    })();
  }

  async findOperation(idempotencyKey: string): Promise<Operation | null> {
    return this.#operationOfKey(idempotencyKey);
  }

  async updateOperation(operation: Operation): Promise<boolean> {
    return this.#update(operation);
  }

  async getOperation(id: string): Promise<Operation | null> {
    return this.#one<Operation>('SELECT record FROM operation WHERE id = ?', id);
  }

  async listOperations(query: OperationQuery): Promise<Page<Operation>> {
    return pageOf<Operation>(this.#db, 'operation', query, {
      partition_id: query.partitionId,
      state: query.state,
    });
  }

  async failUnfinished(error: NonNullable<Operation['error']>, now: string): Promise<readonly Operation[]> {
    return this.#db.transaction(() => {
      const unfinished = this.#all<Operation>(
        "SELECT record FROM operation WHERE state IN ('queued', 'running') ORDER BY seq",
      );
      const failed = unfinished.map(
        (operation): Operation => ({ ...operation, state: 'failed', error, updatedAt: now }),
      );
      for (const operation of failed) this.#update(operation);
      return failed;
    })();
  }

  async putOperationTrace(operationId: string, trace: string): Promise<void> {
    const packed = await compress(trace);
    this.#db.transaction(() => {
      this.#insert('INSERT INTO operation_trace (operation_id, gzip) VALUES (?, ?)', operationId, packed);
      this.#db
        .prepare('DELETE FROM operation_trace WHERE seq <= (SELECT max(seq) FROM operation_trace) - ?')
        .run(OPERATION_TRACES_KEPT);
    })();
  }

  async getOperationTrace(operationId: string): Promise<string | null> {
    const row = this.#db
      .prepare<[string], { gzip: Buffer }>('SELECT gzip FROM operation_trace WHERE operation_id = ?')
      .get(operationId);
    return row === undefined ? null : (await decompress(row.gzip)).toString('utf8');
  }

  async createCapture(capture: Capture, parts: CaptureParts): Promise<void> {
    const trace = parts.trace === undefined ? undefined : await compress(parts.trace);
    const console = parts.console === undefined ? undefined : await compress(parts.console);
    this.#db.transaction(() => {
      this.#insert(
        'INSERT INTO capture (id, partition_id, outcome, signature, vmcore_id, record) VALUES (?, ?, ?, ?, ?, ?)',
        capture.id,
        capture.partitionId,
        capture.outcome,
        capture.signature ?? null,
        parts.manifestId ?? null,
        JSON.stringify(capture),
      );
      if (trace !== undefined) this.#insert('INSERT INTO trace VALUES (?, ?)', capture.id, trace);
      if (console !== undefined) this.#insert('INSERT INTO console VALUES (?, ?)', capture.id, console);
    })();
  }

  async getCapture(id: string): Promise<Capture | null> {
    return this.#one<Capture>('SELECT record FROM capture WHERE id = ?', id);
  }

  async listCaptures(query: CaptureQuery): Promise<Page<Capture>> {
    return pageOf<Capture>(this.#db, 'capture', query, {
      partition_id: query.partitionId,
      outcome: query.outcome,
      signature: query.signature,
    });
  }

  async getManifestId(captureId: string): Promise<ManifestId | null> {
    return (
      this.#db
        .prepare<[string], { vmcore_id: string | null }>('SELECT vmcore_id FROM capture WHERE id = ?')
        .get(captureId)?.vmcore_id ?? null
    );
  }

  async manifestIds(): Promise<ReadonlySet<ManifestId>> {
    return new Set(
      this.#db.prepare<[], string>('SELECT vmcore_id FROM capture WHERE vmcore_id IS NOT NULL').pluck().all(),
    );
  }

  async getTrace(captureId: string): Promise<string | null> {
    const text = await this.#blob('trace', captureId);
    return text?.toString('utf8') ?? null;
  }

  async getConsole(captureId: string): Promise<Uint8Array | null> {
    const bytes = await this.#blob('console', captureId);
    return bytes === null ? null : new Uint8Array(bytes);
  }

  async deleteCapture(id: string): Promise<boolean> {
    const removed = this.#db.prepare('DELETE FROM capture WHERE id = ?').run(id).changes > 0;
    if (removed) this.#db.exec('PRAGMA incremental_vacuum');
    return removed;
  }

  async addFiring(firing: ScheduleFiring): Promise<boolean> {
    return this.#firings.add(firing);
  }

  async endFiring(firing: ScheduleFiring): Promise<boolean> {
    return this.#firings.end(firing);
  }

  async lastFirings(scheduleId: string, limit: number): Promise<readonly ScheduleFiring[]> {
    return this.#firings.last(scheduleId, limit);
  }

  async failRunningFirings(error: string, now: string): Promise<number> {
    return this.#firings.failRunning(error, now);
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  #operationOfKey(key: string): Operation | null {
    return this.#one<Operation>('SELECT record FROM operation WHERE idempotency_key = ?', key);
  }

  #update(operation: Operation): boolean {
    const update = this.#db.prepare(
      "UPDATE operation SET state = ?, record = ? WHERE id = ? AND state IN ('queued', 'running')",
    );
    return update.run(operation.state, JSON.stringify(operation), operation.id).changes > 0;
  }

  #one<T>(sql: string, key: string): T | null {
    const row = this.#db.prepare<[string], RecordRow>(sql).get(key);
    return row === undefined ? null : (JSON.parse(row.record) as T);
  }

  #all<T>(sql: string): T[] {
    return this.#db
      .prepare<[], RecordRow>(sql)
      .all()
      .map((row) => JSON.parse(row.record) as T);
  }

  async #blob(table: 'trace' | 'console', captureId: string): Promise<Buffer | null> {
    const row = this.#db
      .prepare<[string], { gzip: Buffer }>(`SELECT gzip FROM ${table} WHERE capture_id = ?`)
      .get(captureId);
    return row === undefined ? null : await decompress(row.gzip);
  }

  /** @throws Refusal `conflict` where a unique value is taken. */
  #insert(sql: string, ...values: readonly (string | number | Buffer | null)[]): void {
    try {
      this.#db.prepare(sql).run(...values);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'SQLITE_CONSTRAINT_UNIQUE' && code !== 'SQLITE_CONSTRAINT_PRIMARYKEY') throw error;
      throw new Refusal('conflict', `${JSON.stringify(values[0])} is taken`);
    }
  }
}
