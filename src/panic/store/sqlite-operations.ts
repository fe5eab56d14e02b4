/** Stores the queue of operations in SQLite. Source of the layout: migrations/meta. Each method is one transaction. */

import { defined } from '../../base/defined.ts';
import { SealedTable } from '../../vmcore/store/index.ts';
import type { Operation, OperationQuery, OperationRequest, Page } from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';
import type {
  Beat,
  Claim,
  ClaimOptions,
  OperationEnd,
  OperationError,
  OperationQueue,
  Submission,
  Wanted,
  WorkerId,
} from '../operations/index.ts';
import { MAXIMUM_ATTEMPTS, OPERATION_RULES, requireSameRequest } from '../operations/index.ts';
import { pageOf } from './paging.ts';
import { compress, decompress, inTransaction, orConflict, type Tables, tallyOf } from './rows.ts';
import { epochAfterDamage, SqliteLeases } from './sqlite-leases.ts';

/** A trace is some kilobytes: of fewer operations than are kept. */
const TRACES_KEPT = 200;

type Row = {
  readonly id: string;
  /** Absent in rows of the first releases. */
  readonly kind: Operation['kind'] | null;
  readonly state: Operation['state'];
  readonly partition_id: string | null;
  readonly idempotency_key: string | null;
  readonly record: string;
  readonly request: string | null;
  readonly worker: string | null;
  readonly worker_epoch: number | null;
  readonly attempt: number;
  readonly expires_at: number | null;
  readonly cancelling: number;
};
type StoredRow = NonNullable<ReturnType<SealedTable<Row>['one']>>;

export class SqliteOperations implements OperationQueue {
  readonly #tables: Tables;
  readonly #leases: SqliteLeases;
  readonly #rows: SealedTable<Row>;
  readonly #traces: SealedTable<{ readonly operation_id: string; readonly gzip: Buffer }>;
  readonly #workers: SealedTable<WorkerId>;

  constructor(tables: Tables) {
    const { db, damage } = tables;
    this.#tables = tables;
    this.#leases = new SqliteLeases(tables);
    const onDamage = damage.add;
    this.#rows = new SealedTable({ db, name: 'operation', key: 'id', onDamage });
    this.#traces = new SealedTable({ db, name: 'operation_trace', key: 'operation_id', onDamage });
    this.#workers = new SealedTable({ db, name: 'worker', key: 'id', onDamage });
  }

  async enlist(id: string): Promise<WorkerId> {
    return this.#inTransaction(() => {
      const last = this.#workers.find({ id });
      const epoch = last === 'damaged' ? epochAfterDamage(this.#tables.now) : (last?.epoch ?? 0) + 1;
      this.#workers.replace({ id, epoch });
      this.#tables.damage.forget('worker', id);
      return { id, epoch };
    });
  }

  async failOrphans(worker: WorkerId, error: OperationError): Promise<readonly Operation[]> {
    return this.#inTransaction(() =>
      this.#rows
        .good(
          "WHERE state IN ('queued', 'running') AND worker = ? AND worker_epoch < ? ORDER BY seq",
          [worker.id, worker.epoch],
          ({ state }) => state === 'queued' || state === 'running',
        )
        .map((row) => this.#update(row, { state: 'failed', error })),
    );
  }

  async submit({ operation, request, key, worker }: Submission): Promise<Operation> {
    return this.#inTransaction(() => {
      const earlier = key === undefined ? null : this.#ofKey(key, request);
      if (earlier !== null) return earlier;
      orConflict(operation.id, () =>
        this.#rows.insert({
          id: operation.id,
          kind: operation.kind,
          state: operation.state,
          partition_id: operation.partitionId ?? null,
          idempotency_key: key ?? null,
          record: JSON.stringify(operation),
          request: JSON.stringify(request),
          worker: worker?.id ?? null,
          worker_epoch: worker?.epoch ?? null,
          attempt: 0,
          expires_at: null,
          cancelling: 0,
        }),
      );
      return operation;
    });
  }

  async claim(worker: WorkerId, wanted: Wanted, { leaseMs, fence }: ClaimOptions): Promise<Claim | null> {
    return this.#inTransaction((): Claim | null => {
      const row = this.#leases.holds(fence) ? this.#queued(worker, wanted) : undefined;
      if (row === undefined) return null;
      const attempt = row.attempt + 1;
      const operation = this.#update(
        row,
        { state: 'running' },
        {
          worker: worker.id,
          worker_epoch: worker.epoch,
          attempt,
          expires_at: this.#tables.now() + leaseMs,
          cancelling: 0,
        },
      );
      const request = JSON.parse(row.request ?? 'null') as OperationRequest;
      return { operation, request, worker, attempt, ...defined({ fence }) };
    });
  }

  async heartbeat(claim: Claim, leaseMs: number, phase?: string): Promise<Beat> {
    return this.#inTransaction((): Beat => {
      const row = this.#claimed(claim);
      if (row === undefined) return 'lost';
      const beat = { expires_at: this.#tables.now() + leaseMs };
      if (phase === undefined) this.#rows.change(row, beat);
      else this.#update(row, { phase }, beat);
      return row.cancelling === 0 ? 'held' : 'cancelling';
    });
  }

  async complete(claim: Claim, { trace, ...end }: OperationEnd): Promise<Operation | null> {
    const packed = trace === undefined ? undefined : await compress(trace);
    return this.#inTransaction((): Operation | null => {
      const row = this.#claimed(claim);
      if (row === undefined) return null;
      const traced = packed === undefined ? undefined : true;
      const ended = this.#update(row, { ...end, ...defined({ traced }) });
      if (packed !== undefined) this.#keepTrace(ended.id, packed);
      return ended;
    });
  }

  async cancel(id: string): Promise<Operation> {
    return this.#inTransaction(() => {
      const row = this.#rows.one({ id });
      if (row === undefined) throw new Refusal('not-found', `There is no operation ${id}.`);
      const operation = operationOf(row);
      if (operation.state === 'queued') return this.#update(row, { state: 'cancelled' });
      if (operation.state !== 'running' || !OPERATION_RULES[operation.kind].cancelWhileRunning)
        throw new Refusal('conflict', `Operation ${id} is ${operation.state}.`);
      this.#rows.change(row, { cancelling: 1 });
      return operation;
    });
  }

  async expire(error: OperationError): Promise<readonly Operation[]> {
    const now = this.#tables.now();
    return this.#inTransaction(() =>
      this.#rows
        .good(
          "WHERE state = 'running' AND expires_at <= ? ORDER BY seq",
          [now],
          ({ state }) => state === 'running',
        )
        .map((row) => this.#giveUp(row, error)),
    );
  }

  async find(key: string, request: OperationRequest): Promise<Operation | null> {
    return this.#ofKey(key, request);
  }

  async get(id: string): Promise<Operation | null> {
    const row = this.#rows.one({ id });
    return row === undefined ? null : operationOf(row);
  }

  async list(query: OperationQuery): Promise<Page<Operation>> {
    return pageOf<Row, Operation>(this.#rows, query, {
      partition_id: query.partitionId,
      state: query.state,
    });
  }

  async forget(kept: number): Promise<number> {
    const { db, damage } = this.#tables;
    const gone = this.#inTransaction(() =>
      db
        .prepare<[number], string>(
          `DELETE FROM operation WHERE state NOT IN ('queued', 'running')
             AND seq <= (SELECT seq FROM operation ORDER BY seq DESC LIMIT 1 OFFSET ?) RETURNING id`,
        )
        .pluck()
        .all(kept),
    );
    for (const id of gone) for (const table of ['operation', 'operation_trace']) damage.forget(table, id);
    return gone.length;
  }

  async tally(): Promise<Readonly<Record<string, number>>> {
    return tallyOf(this.#tables.db, 'operation', 'state');
  }

  async trace(id: string): Promise<string | null> {
    const row = this.#traces.one({ operation_id: id });
    return row === undefined ? null : (await decompress(row.gzip)).toString('utf8');
  }

  #inTransaction<T>(work: () => T): T {
    return inTransaction(this.#tables.db, work);
  }

  #ofKey(key: string, request: OperationRequest): Operation | null {
    const row = this.#rows.one({ idempotency_key: key });
    if (row === undefined) return null;
    // Operations of the first releases were stored without their requests.
    if (row.request !== null) requireSameRequest(JSON.parse(row.request) as OperationRequest, request);
    return operationOf(row);
  }

  #queued(worker: WorkerId, wanted: Wanted): StoredRow | undefined {
    if ('id' in wanted) {
      const row = this.#rows.one({ id: wanted.id });
      const isFor = row?.worker === null || (row?.worker === worker.id && row.worker_epoch === worker.epoch);
      return row?.state === 'queued' && isFor ? row : undefined;
    }
    const [oldest] = this.#rows.good(
      `WHERE state = 'queued' AND worker IS NULL
         AND kind IN (${wanted.kinds.map(() => '?').join(', ')}) ORDER BY seq`,
      wanted.kinds,
      ({ state, worker: only }) => state === 'queued' && only === null,
    );
    return oldest;
  }

  /** The row of a claim that is still in force. */
  #claimed({ operation, worker, attempt, fence }: Claim): StoredRow | undefined {
    if (!this.#leases.holds(fence)) return undefined;
    const row = this.#rows.one({ id: operation.id });
    const isHeld =
      row?.state === 'running' &&
      row.worker === worker.id &&
      row.worker_epoch === worker.epoch &&
      row.attempt === attempt;
    return isHeld ? row : undefined;
  }

  #giveUp(row: StoredRow, error: OperationError): Operation {
    if (row.cancelling !== 0) return this.#update(row, { state: 'cancelled' });
    const { whenLost } = OPERATION_RULES[operationOf(row).kind];
    if (whenLost === 'fail' || row.attempt >= MAXIMUM_ATTEMPTS)
      return this.#update(row, { state: 'failed', error });
    return this.#update(row, { state: 'queued', phase: 'queued' }, { worker: null, worker_epoch: null });
  }

  /** Changes an operation, and other columns of its row with it. */
  #update(row: StoredRow, change: Partial<Operation>, columns: Partial<Row> = {}): Operation {
    const updatedAt = new Date(this.#tables.now()).toISOString();
    const operation: Operation = { ...operationOf(row), ...change, updatedAt };
    this.#rows.change(row, { ...columns, state: operation.state, record: JSON.stringify(operation) });
    return operation;
  }

  #keepTrace(operationId: string, packed: Buffer): void {
    orConflict(operationId, () => this.#traces.insert({ operation_id: operationId, gzip: packed }));
    this.#tables.db
      .prepare('DELETE FROM operation_trace WHERE seq <= (SELECT max(seq) FROM operation_trace) - ?')
      .run(TRACES_KEPT);
  }
}

function operationOf({ record }: Pick<Row, 'record'>): Operation {
  return JSON.parse(record) as Operation;
}
