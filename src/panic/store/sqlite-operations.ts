/** Stores the queue of operations in SQLite. Source of the layout: migrations/meta. Each method is one transaction. */

import type { Database } from 'better-sqlite3';
import { defined } from '../../base/defined.ts';
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
import { allRecords, compress, decompress, insert, oneRecord } from './rows.ts';
import { holds } from './sqlite-leases.ts';

/** A trace is some kilobytes; operations are never removed. */
const TRACES_KEPT = 200;

type Row = {
  readonly record: string;
  readonly request: string | null;
  readonly worker: string | null;
  readonly worker_epoch: number | null;
  readonly attempt: number;
  readonly cancelling: number;
};

export class SqliteOperations implements OperationQueue {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  async enlist(id: string): Promise<WorkerId> {
    const epoch = this.#db
      .prepare<[string], number>(
        'INSERT INTO worker VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET epoch = epoch + 1 RETURNING epoch',
      )
      .pluck()
      .get(id);
    return { id, epoch: epoch ?? 1 };
  }

  async failOrphans(worker: WorkerId, error: OperationError): Promise<readonly Operation[]> {
    return this.#db.transaction(() =>
      allRecords<Operation>(
        this.#db,
        "SELECT record FROM operation WHERE state IN ('queued', 'running') AND worker = ? AND worker_epoch < ? ORDER BY seq",
        worker.id,
        worker.epoch,
      ).map((operation) => this.#update({ ...operation, state: 'failed', error })),
    )();
  }

  async submit({ operation, request, key, worker }: Submission): Promise<Operation> {
    return this.#db.transaction(() => {
      const earlier = key === undefined ? null : this.#ofKey(key, request);
      if (earlier !== null) return earlier;
      insert(
        this.#db,
        `INSERT INTO operation (id, kind, state, partition_id, idempotency_key, record, request, worker, worker_epoch)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        operation.id,
        operation.kind,
        operation.state,
        operation.partitionId ?? null,
        key ?? null,
        JSON.stringify(operation),
        JSON.stringify(request),
        worker?.id ?? null,
        worker?.epoch ?? null,
      );
      return operation;
    })();
  }

  async claim(worker: WorkerId, wanted: Wanted, { leaseMs, fence }: ClaimOptions): Promise<Claim | null> {
    return this.#db.transaction((): Claim | null => {
      const row = holds(this.#db, fence) ? this.#queued(worker, wanted) : undefined;
      if (row === undefined) return null;
      const attempt = row.attempt + 1;
      const operation = this.#update({ ...operationOf(row), state: 'running' });
      this.#db
        .prepare(
          'UPDATE operation SET worker = ?, worker_epoch = ?, attempt = ?, expires_at = ?, cancelling = 0 WHERE id = ?',
        )
        .run(worker.id, worker.epoch, attempt, this.#now() + leaseMs, operation.id);
      const request = JSON.parse(row.request ?? 'null') as OperationRequest;
      return { operation, request, worker, attempt, ...defined({ fence }) };
    })();
  }

  async heartbeat(claim: Claim, leaseMs: number, phase?: string): Promise<Beat> {
    return this.#db.transaction((): Beat => {
      const row = this.#claimed(claim);
      if (row === undefined) return 'lost';
      if (phase !== undefined) this.#update({ ...operationOf(row), phase });
      this.#db
        .prepare('UPDATE operation SET expires_at = ? WHERE id = ?')
        .run(this.#now() + leaseMs, claim.operation.id);
      return row.cancelling === 0 ? 'held' : 'cancelling';
    })();
  }

  async complete(claim: Claim, { trace, ...end }: OperationEnd): Promise<Operation | null> {
    const packed = trace === undefined ? undefined : await compress(trace);
    return this.#db.transaction((): Operation | null => {
      const row = this.#claimed(claim);
      if (row === undefined) return null;
      const traced = packed === undefined ? undefined : true;
      const ended = this.#update({ ...operationOf(row), ...end, ...defined({ traced }) });
      if (packed !== undefined) this.#keepTrace(ended.id, packed);
      return ended;
    })();
  }

  async cancel(id: string): Promise<Operation> {
    return this.#db.transaction(() => {
      const operation = oneRecord<Operation>(this.#db, 'SELECT record FROM operation WHERE id = ?', id);
      if (operation === null) throw new Refusal('not-found', `There is no operation ${id}.`);
      if (operation.state === 'queued') return this.#update({ ...operation, state: 'cancelled' });
      if (operation.state !== 'running' || !OPERATION_RULES[operation.kind].cancelWhileRunning)
        throw new Refusal('conflict', `Operation ${id} is ${operation.state}.`);
      this.#db.prepare('UPDATE operation SET cancelling = 1 WHERE id = ?').run(id);
      return operation;
    })();
  }

  async expire(error: OperationError): Promise<readonly Operation[]> {
    return this.#db.transaction(() =>
      this.#db
        .prepare<[number], Row>(
          "SELECT * FROM operation WHERE state = 'running' AND expires_at <= ? ORDER BY seq",
        )
        .all(this.#now())
        .map((row) => this.#giveUp(row, error)),
    )();
  }

  async find(key: string, request: OperationRequest): Promise<Operation | null> {
    return this.#ofKey(key, request);
  }

  async get(id: string): Promise<Operation | null> {
    return oneRecord<Operation>(this.#db, 'SELECT record FROM operation WHERE id = ?', id);
  }

  async list(query: OperationQuery): Promise<Page<Operation>> {
    return pageOf<Operation>(this.#db, 'operation', query, {
      partition_id: query.partitionId,
      state: query.state,
    });
  }

  async trace(id: string): Promise<string | null> {
    const row = this.#db
      .prepare<[string], { gzip: Buffer }>('SELECT gzip FROM operation_trace WHERE operation_id = ?')
      .get(id);
    return row === undefined ? null : (await decompress(row.gzip)).toString('utf8');
  }

  #ofKey(key: string, request: OperationRequest): Operation | null {
    const row = this.#db.prepare<[string], Row>('SELECT * FROM operation WHERE idempotency_key = ?').get(key);
    if (row === undefined) return null;
    // Operations of the first releases were stored without their requests.
    if (row.request !== null) requireSameRequest(JSON.parse(row.request) as OperationRequest, request);
    return operationOf(row);
  }

  #queued(worker: WorkerId, wanted: Wanted): Row | undefined {
    if ('id' in wanted) {
      return this.#db
        .prepare<[string, string, number], Row>(
          "SELECT * FROM operation WHERE id = ? AND state = 'queued' AND (worker IS NULL OR (worker = ? AND worker_epoch = ?))",
        )
        .get(wanted.id, worker.id, worker.epoch);
    }
    return this.#db
      .prepare<string[], Row>(
        `SELECT * FROM operation WHERE state = 'queued' AND worker IS NULL
           AND kind IN (${wanted.kinds.map(() => '?').join(', ')}) ORDER BY seq LIMIT 1`,
      )
      .get(...wanted.kinds);
  }

  /** The row of a claim that is still in force. */
  #claimed({ operation, worker, attempt, fence }: Claim): Row | undefined {
    if (!holds(this.#db, fence)) return undefined;
    return this.#db
      .prepare<[string, string, number, number], Row>(
        "SELECT * FROM operation WHERE id = ? AND state = 'running' AND worker = ? AND worker_epoch = ? AND attempt = ?",
      )
      .get(operation.id, worker.id, worker.epoch, attempt);
  }

  #giveUp(row: Row, error: OperationError): Operation {
    const operation = operationOf(row);
    if (row.cancelling !== 0) return this.#update({ ...operation, state: 'cancelled' });
    const { whenLost } = OPERATION_RULES[operation.kind];
    if (whenLost === 'fail' || row.attempt >= MAXIMUM_ATTEMPTS)
      return this.#update({ ...operation, state: 'failed', error });
    this.#db
      .prepare('UPDATE operation SET worker = NULL, worker_epoch = NULL WHERE id = ?')
      .run(operation.id);
    return this.#update({ ...operation, state: 'queued', phase: 'queued' });
  }

  #update(change: Operation): Operation {
    const operation: Operation = { ...change, updatedAt: new Date(this.#now()).toISOString() };
    this.#db
      .prepare('UPDATE operation SET state = ?, record = ? WHERE id = ?')
      .run(operation.state, JSON.stringify(operation), operation.id);
    return operation;
  }

  #keepTrace(operationId: string, packed: Buffer): void {
    insert(this.#db, 'INSERT INTO operation_trace (operation_id, gzip) VALUES (?, ?)', operationId, packed);
    this.#db
      .prepare('DELETE FROM operation_trace WHERE seq <= (SELECT max(seq) FROM operation_trace) - ?')
      .run(TRACES_KEPT);
  }
}

function operationOf({ record }: Row): Operation {
  return JSON.parse(record) as Operation;
}
