/** Stores captures in SQLite. Source of the layout: migrations/meta. */

import { type ManifestId, SealedTable, storeError } from '../../vmcore/store/index.ts';
import type { Capture, CaptureQuery, Page } from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';
import type { Fence } from '../operations/index.ts';
import type { CaptureParts, CaptureStore } from './contract.ts';
import { pageOf } from './paging.ts';
import { compress, decompress, inTransaction, orConflict, type Tables, tallyOf } from './rows.ts';
import { SqliteLeases } from './sqlite-leases.ts';

type Row = {
  readonly id: string;
  readonly partition_id: string;
  readonly outcome: Capture['outcome'];
  readonly signature: string | null;
  readonly manifest_id: null;
  readonly vmcore_id: string | null;
  readonly record: string;
};
type PartRow = { readonly capture_id: string; readonly gzip: Buffer };
type Part = 'trace' | 'console';

export class SqliteCaptures implements CaptureStore {
  readonly #tables: Tables;
  readonly #leases: SqliteLeases;
  readonly #rows: SealedTable<Row>;
  readonly #parts: Readonly<Record<Part, SealedTable<PartRow>>>;

  constructor(tables: Tables) {
    const { db, damage } = tables;
    this.#tables = tables;
    this.#leases = new SqliteLeases(tables);
    this.#rows = new SealedTable({ db, name: 'capture', key: 'id', onDamage: damage.add });
    const part = (name: Part): SealedTable<PartRow> =>
      new SealedTable({ db, name, key: 'capture_id', onDamage: damage.add });
    this.#parts = { trace: part('trace'), console: part('console') };
  }

  async create(capture: Capture, parts: CaptureParts, fence?: Fence): Promise<void> {
    const { id, partitionId } = capture;
    const trace = parts.trace === undefined ? undefined : await compress(parts.trace);
    const console = parts.console === undefined ? undefined : await compress(parts.console);
    inTransaction(this.#tables.db, () => {
      if (!this.#leases.holds(fence))
        throw new Refusal('conflict', `Another process runs partition ${partitionId} now.`);
      orConflict(id, () =>
        this.#rows.insert({
          id,
          partition_id: partitionId,
          outcome: capture.outcome,
          signature: capture.signature ?? null,
          manifest_id: null,
          vmcore_id: parts.manifestId ?? null,
          record: JSON.stringify(capture),
        }),
      );
      if (trace !== undefined) this.#parts.trace.insert({ capture_id: id, gzip: trace });
      if (console !== undefined) this.#parts.console.insert({ capture_id: id, gzip: console });
    });
  }

  async get(id: string): Promise<Capture | null> {
    const row = this.#rows.one({ id });
    return row === undefined ? null : (JSON.parse(row.record) as Capture);
  }

  async list(query: CaptureQuery): Promise<Page<Capture>> {
    return pageOf<Row, Capture>(this.#rows, query, {
      partition_id: query.partitionId,
      outcome: query.outcome,
      signature: query.signature,
    });
  }

  async tally(): Promise<Readonly<Record<string, number>>> {
    return tallyOf(this.#tables.db, 'capture', 'outcome');
  }

  async count(partitionId: string): Promise<number> {
    return (
      this.#tables.db
        .prepare<[string], number>('SELECT count(*) FROM capture WHERE partition_id = ?')
        .pluck()
        .get(partitionId) ?? 0
    );
  }

  async manifestId(id: string): Promise<ManifestId | null> {
    return this.#rows.one({ id })?.vmcore_id ?? null;
  }

  async manifestIds(): Promise<ReadonlySet<ManifestId>> {
    // Rows that cannot be reached show in the pages and indexes of the table alone.
    const structure = this.#tables.db.prepare<[], string>('PRAGMA integrity_check(capture)').pluck().all();
    if (structure.length !== 1 || structure[0] !== 'ok')
      throw storeError('store/damaged-database', `the captures of metadata.db are damaged: ${structure[0]}`);
    return new Set(
      this.#rows.all('ORDER BY seq').flatMap((entry) => {
        if ('damaged' in entry)
          throw storeError('store/corrupt-record', `the capture ${entry.damaged} is damaged in the store`);
        return entry.row.vmcore_id ?? [];
      }),
    );
  }

  async holders(
    manifests: readonly ManifestId[],
  ): Promise<readonly { readonly id: string; readonly manifestId: ManifestId }[]> {
    return manifests.flatMap((manifestId) => {
      const row = this.#rows.find({ vmcore_id: manifestId });
      return row === undefined || row === 'damaged' ? [] : [{ id: row.id, manifestId }];
    });
  }

  async trace(id: string): Promise<string | null> {
    return (await this.#part('trace', id))?.toString('utf8') ?? null;
  }

  async console(id: string): Promise<Uint8Array | null> {
    const bytes = await this.#part('console', id);
    return bytes === null ? null : new Uint8Array(bytes);
  }

  async delete(id: string): Promise<boolean> {
    const { db, damage } = this.#tables;
    const isRemoved = inTransaction(
      db,
      () => db.prepare('DELETE FROM capture WHERE id = ?').run(id).changes > 0,
    );
    if (isRemoved) db.exec('PRAGMA incremental_vacuum');
    for (const table of ['capture', 'trace', 'console']) damage.forget(table, id);
    return isRemoved;
  }

  async #part(name: Part, captureId: string): Promise<Buffer | null> {
    const row = this.#parts[name].one({ capture_id: captureId });
    return row === undefined ? null : await decompress(row.gzip);
  }
}
