/**
 * Metadata as a remote store might keep it: every call takes its time and calls overlap, each commit is one step of the
 * store, cursors are opaque text. It shows that the contract suites can be passed by something else than SQLite.
 */

import { setTimeout as after } from 'node:timers/promises';
import { defined } from '../../../src/base/defined.ts';
import { StoredDataError } from '../../../src/base/errors.ts';
import type {
  ApiKey,
  AuditEntry,
  AuditQuery,
  Capture,
  CaptureQuery,
  Operation,
  OperationQuery,
  OperationRequest,
  Page,
} from '../../../src/panic/contract/index.ts';
import { Refusal } from '../../../src/panic/contract/index.ts';
import {
  type Beat,
  type Claim,
  type ClaimOptions,
  type Fence,
  type Lease,
  MAXIMUM_ATTEMPTS,
  OPERATION_RULES,
  type OperationEnd,
  type OperationError,
  type OperationQueue,
  type PartitionLease,
  requireSameRequest,
  type Submission,
  type Wanted,
  type WorkerId,
} from '../../../src/panic/operations/index.ts';
import type {
  AuditLimits,
  AuditStore,
  CaptureParts,
  CaptureStore,
  FiringStore,
  KeyStore,
  MetadataStore,
  PartitionRecord,
  PartitionStore,
  ScheduleFiring,
  StartStore,
  StoredKey,
} from '../../../src/panic/store/index.ts';
import type { RecordDamage } from '../../../src/vmcore/store/index.ts';
import type { OpenedMetadata } from './metadata-store-contract.ts';

/** The way there and back, with one step of the store in between. */
async function remotely<T>(step: () => T): Promise<T> {
  await after(Math.random() < 0.2 ? 1 : 0);
  const result = structuredClone(step());
  await after(0);
  return result;
}

export function memoryMetadataStore(now: () => number): MetadataStore {
  return openMemoryMetadata(now).store;
}

/** The same, and what a test changes of it behind its back. */
export function openMemoryMetadata(now: () => number): OpenedMetadata {
  const damage = new Damage();
  return { store: storeWith(now, damage), tamper: (table, id) => damage.tamper(table, id) };
}

/** Records that changed, and those of them that were met. */
class Damage {
  readonly #changed = new Set<string>();
  readonly #met = new Map<string, RecordDamage>();

  tamper(table: string, id: string): void {
    this.#changed.add(`${table} ${id}`);
  }

  meets(table: string, id: string): boolean {
    const key = `${table} ${id}`;
    if (this.#changed.has(key)) this.#met.set(key, { table, id });
    return this.#changed.has(key);
  }

  check(table: string, id: string): void {
    if (this.meets(table, id)) throw new StoredDataError('store/corrupt-record', `${table} ${id}`);
  }

  forget(table: string, id: string): void {
    this.#changed.delete(`${table} ${id}`);
    this.#met.delete(`${table} ${id}`);
  }

  list(): readonly RecordDamage[] {
    return [...this.#met.values()];
  }
}

function storeWith(now: () => number, damage: Damage): MetadataStore {
  const leases = new Leases(now);
  return {
    partitions: new Partitions(damage),
    starts: new Starts(now),
    leases,
    operations: new Queue(now, leases),
    captures: new Captures(leases, damage),
    firings: new Firings(now),
    keys: new Keys(),
    audit: new Audit(),
    damaged: () => remotely(() => damage.list()),
    close: async () => undefined,
  };
}

class Partitions implements PartitionStore {
  readonly #damage: Damage;
  readonly #all: PartitionRecord[] = [];

  constructor(damage: Damage) {
    this.#damage = damage;
  }

  create(partition: PartitionRecord): Promise<void> {
    return remotely(() => {
      if (this.#all.some(({ id, name }) => id === partition.id || name === partition.name))
        throw new Refusal('conflict', 'taken');
      this.#all.push(structuredClone(partition));
    });
  }

  list(): Promise<readonly PartitionRecord[]> {
    return remotely(() => this.#all.filter(({ id }) => !this.#damage.meets('partition', id)));
  }

  delete(id: string): Promise<boolean> {
    return remotely(() => {
      this.#damage.forget('partition', id);
      const at = this.#all.findIndex((each) => each.id === id);
      if (at >= 0) this.#all.splice(at, 1);
      return at >= 0;
    });
  }
}

class Leases implements PartitionLease {
  readonly #now: () => number;
  readonly #all = new Map<string, Lease & { readonly isReleased: boolean }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  holds(fence: Fence | undefined): boolean {
    return fence === undefined || this.#all.get(fence.partitionId)?.epoch === fence.epoch;
  }

  acquire(partitionId: string, owner: WorkerId, ttlMs: number): Promise<Lease | null> {
    return remotely(() => {
      const held = this.#all.get(partitionId);
      const isMine = held?.owner.id === owner.id && held.owner.epoch <= owner.epoch;
      if (held !== undefined && !held.isReleased && held.expiresAt > this.#now() && !isMine) return null;
      const lease = { partitionId, owner, epoch: (held?.epoch ?? 0) + 1, expiresAt: this.#now() + ttlMs };
      this.#all.set(partitionId, { ...lease, isReleased: false });
      return lease;
    });
  }

  renew(lease: Lease, ttlMs: number): Promise<Lease | null> {
    return remotely(() => {
      const held = this.#all.get(lease.partitionId);
      if (held?.epoch !== lease.epoch || held.isReleased) return null;
      const renewed = { ...lease, expiresAt: this.#now() + ttlMs };
      this.#all.set(lease.partitionId, { ...renewed, isReleased: false });
      return renewed;
    });
  }

  release(lease: Lease): Promise<void> {
    return remotely(() => {
      const held = this.#all.get(lease.partitionId);
      if (held?.epoch === lease.epoch) this.#all.set(lease.partitionId, { ...held, isReleased: true });
    });
  }

  forget(lease: Lease): Promise<void> {
    return remotely(() => {
      if (this.#all.get(lease.partitionId)?.epoch === lease.epoch) this.#all.delete(lease.partitionId);
    });
  }

  get(partitionId: string): Promise<Lease | null> {
    return remotely(() => {
      const held = this.#all.get(partitionId);
      if (held === undefined || held.isReleased || held.expiresAt <= this.#now()) return null;
      const { isReleased: _, ...lease } = held;
      return lease;
    });
  }
}

type Entry = {
  operation: Operation;
  readonly request: Submission['request'];
  readonly key: string | undefined;
  worker: WorkerId | undefined;
  attempt: number;
  expiresAt: number;
  isCancelling: boolean;
};

class Queue implements OperationQueue {
  readonly #now: () => number;
  readonly #leases: Leases;
  readonly #epochs = new Map<string, number>();
  readonly #entries: Entry[] = [];
  readonly #traces = new Map<string, string>();

  constructor(now: () => number, leases: Leases) {
    this.#now = now;
    this.#leases = leases;
  }

  enlist(id: string): Promise<WorkerId> {
    return remotely(() => {
      const epoch = (this.#epochs.get(id) ?? 0) + 1;
      this.#epochs.set(id, epoch);
      return { id, epoch };
    });
  }

  failOrphans(worker: WorkerId, error: OperationError): Promise<readonly Operation[]> {
    return remotely(() =>
      this.#entries
        .filter(({ operation: { state } }) => state === 'queued' || state === 'running')
        .filter((entry) => entry.worker?.id === worker.id && entry.worker.epoch < worker.epoch)
        .map((entry) => this.#move(entry, { state: 'failed', error })),
    );
  }

  submit({ operation, request, key, worker }: Submission): Promise<Operation> {
    return remotely(() => {
      const earlier = this.#ofKey(key, request);
      if (earlier !== undefined) return earlier.operation;
      if (this.#find(operation.id) !== undefined) throw new Refusal('conflict', 'taken');
      this.#entries.push({
        operation,
        request: structuredClone(request),
        key,
        worker,
        attempt: 0,
        expiresAt: 0,
        isCancelling: false,
      });
      return operation;
    });
  }

  claim(worker: WorkerId, wanted: Wanted, { leaseMs, fence }: ClaimOptions): Promise<Claim | null> {
    return remotely((): Claim | null => {
      const entry = this.#entries.find((each) => {
        if (each.operation.state !== 'queued') return false;
        if ('kinds' in wanted) return each.worker === undefined && wanted.kinds.includes(each.operation.kind);
        const isFor = each.worker === undefined || same(each.worker, worker);
        return each.operation.id === wanted.id && isFor;
      });
      if (entry === undefined || !this.#leases.holds(fence)) return null;
      entry.worker = worker;
      entry.attempt += 1;
      entry.expiresAt = this.#now() + leaseMs;
      entry.isCancelling = false;
      const operation = this.#move(entry, { state: 'running' });
      return { operation, request: entry.request, worker, attempt: entry.attempt, ...defined({ fence }) };
    });
  }

  heartbeat(claim: Claim, leaseMs: number, phase?: string): Promise<Beat> {
    return remotely((): Beat => {
      const entry = this.#claimed(claim);
      if (entry === undefined) return 'lost';
      entry.expiresAt = this.#now() + leaseMs;
      if (phase !== undefined) this.#move(entry, { phase });
      return entry.isCancelling ? 'cancelling' : 'held';
    });
  }

  complete(claim: Claim, { trace, ...end }: OperationEnd): Promise<Operation | null> {
    return remotely(() => {
      const entry = this.#claimed(claim);
      if (entry === undefined) return null;
      if (trace !== undefined) {
        this.#traces.set(claim.operation.id, trace);
        const [oldest] = this.#traces.keys();
        if (this.#traces.size > 200 && oldest !== undefined) this.#traces.delete(oldest);
      }
      return this.#move(entry, { ...end, ...(trace === undefined ? {} : { traced: true as const }) });
    });
  }

  cancel(id: string): Promise<Operation> {
    return remotely(() => {
      const entry = this.#find(id);
      if (entry === undefined) throw new Refusal('not-found', 'none');
      const { state, kind } = entry.operation;
      if (state === 'queued') return this.#move(entry, { state: 'cancelled' });
      if (state !== 'running' || !OPERATION_RULES[kind].cancelWhileRunning)
        throw new Refusal('conflict', `it is ${state}`);
      entry.isCancelling = true;
      return entry.operation;
    });
  }

  expire(error: OperationError): Promise<readonly Operation[]> {
    return remotely(() =>
      this.#entries
        .filter(({ operation, expiresAt }) => operation.state === 'running' && expiresAt <= this.#now())
        .map((entry) => {
          if (entry.isCancelling) return this.#move(entry, { state: 'cancelled' });
          const { whenLost } = OPERATION_RULES[entry.operation.kind];
          if (whenLost === 'fail' || entry.attempt >= MAXIMUM_ATTEMPTS)
            return this.#move(entry, { state: 'failed', error });
          entry.worker = undefined;
          return this.#move(entry, { state: 'queued', phase: 'queued' });
        }),
    );
  }

  find(key: string, request: OperationRequest): Promise<Operation | null> {
    return remotely(() => this.#ofKey(key, request)?.operation ?? null);
  }

  get(id: string): Promise<Operation | null> {
    return remotely(() => this.#find(id)?.operation ?? null);
  }

  list(query: OperationQuery): Promise<Page<Operation>> {
    return remotely(() =>
      pageOf(
        this.#entries.map(({ operation }) => operation),
        query,
        ({ state, partitionId }) =>
          (query.state === undefined || state === query.state) &&
          (query.partitionId === undefined || partitionId === query.partitionId),
      ),
    );
  }

  forget(kept: number): Promise<number> {
    return remotely(() => {
      const old = this.#entries
        .slice(0, Math.max(0, this.#entries.length - kept))
        .filter(({ operation: { state } }) => state !== 'queued' && state !== 'running');
      for (const entry of old) {
        this.#entries.splice(this.#entries.indexOf(entry), 1);
        this.#traces.delete(entry.operation.id);
      }
      return old.length;
    });
  }

  tally(): Promise<Readonly<Record<string, number>>> {
    return remotely(() => tallyOf(this.#entries.map(({ operation }) => operation.state)));
  }

  trace(id: string): Promise<string | null> {
    return remotely(() => this.#traces.get(id) ?? null);
  }

  #ofKey(key: string | undefined, request: OperationRequest): Entry | undefined {
    const earlier = key === undefined ? undefined : this.#entries.find((entry) => entry.key === key);
    if (earlier !== undefined) requireSameRequest(earlier.request, request);
    return earlier;
  }

  #find(id: string): Entry | undefined {
    return this.#entries.find(({ operation }) => operation.id === id);
  }

  #claimed({ operation, worker, attempt, fence }: Claim): Entry | undefined {
    const entry = this.#find(operation.id);
    const isHeld =
      entry?.operation.state === 'running' &&
      entry.attempt === attempt &&
      entry.worker !== undefined &&
      same(entry.worker, worker);
    return isHeld && this.#leases.holds(fence) ? entry : undefined;
  }

  #move(entry: Entry, change: Partial<Operation>): Operation {
    entry.operation = { ...entry.operation, ...change, updatedAt: new Date(this.#now()).toISOString() };
    return entry.operation;
  }
}

class Starts implements StartStore {
  readonly #now: () => number;
  #all: { readonly partitionId: string; readonly at: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  began(partitionId: string): Promise<void> {
    return remotely(() => {
      this.#all.unshift({ partitionId, at: this.#now() });
    });
  }

  ended(partitionId: string): Promise<void> {
    return remotely(() => {
      this.#all = this.#all.filter((each) => each.partitionId !== partitionId);
    });
  }

  unfinished(partitionId: string): Promise<readonly number[]> {
    return remotely(() =>
      this.#all
        .filter((each) => each.partitionId === partitionId)
        .slice(0, 2)
        .map(({ at }) => this.#now() - at),
    );
  }
}

class Captures implements CaptureStore {
  readonly #leases: Leases;
  readonly #damage: Damage;
  #all: { readonly capture: Capture; readonly parts: CaptureParts }[] = [];
  /** All that ever were, for cursors. */
  readonly #order: Capture[] = [];

  constructor(leases: Leases, damage: Damage) {
    this.#leases = leases;
    this.#damage = damage;
  }

  create(capture: Capture, parts: CaptureParts, fence?: Fence): Promise<void> {
    return remotely(() => {
      if (!this.#leases.holds(fence)) throw new Refusal('conflict', 'another owner');
      const isTaken = this.#all.some(
        (each) =>
          each.capture.id === capture.id ||
          (parts.manifestId !== undefined && each.parts.manifestId === parts.manifestId),
      );
      if (isTaken) throw new Refusal('conflict', 'taken');
      this.#all.push({ capture, parts: structuredClone(parts) });
      this.#order.push(capture);
    });
  }

  get(id: string): Promise<Capture | null> {
    return remotely(() => {
      this.#damage.check('capture', id);
      return this.#find(id)?.capture ?? null;
    });
  }

  list(query: CaptureQuery): Promise<Page<Capture>> {
    return remotely(() => {
      const page = pageOf(
        this.#order,
        query,
        (capture) =>
          this.#find(capture.id) !== undefined &&
          (query.outcome === undefined || capture.outcome === query.outcome) &&
          (query.signature === undefined || capture.signature === query.signature) &&
          (query.partitionId === undefined || capture.partitionId === query.partitionId),
      );
      const damaged = page.items.map(({ id }) => id).filter((id) => this.#damage.meets('capture', id));
      const items = page.items.filter(({ id }) => !damaged.includes(id));
      return { ...page, items, ...(damaged.length > 0 ? { damaged } : {}) };
    });
  }

  tally(): Promise<Readonly<Record<string, number>>> {
    return remotely(() => tallyOf(this.#all.map(({ capture }) => capture.outcome)));
  }

  count(partitionId: string): Promise<number> {
    return remotely(() => this.#all.filter(({ capture }) => capture.partitionId === partitionId).length);
  }

  manifestId(id: string): Promise<string | null> {
    return remotely(() => {
      this.#damage.check('capture', id);
      return this.#find(id)?.parts.manifestId ?? null;
    });
  }

  manifestIds(): Promise<ReadonlySet<string>> {
    return remotely(() => {
      for (const { capture } of this.#all) this.#damage.check('capture', capture.id);
      return new Set(this.#all.flatMap(({ parts }) => parts.manifestId ?? []));
    });
  }

  holders(
    manifests: readonly string[],
  ): Promise<readonly { readonly id: string; readonly manifestId: string }[]> {
    return remotely(() =>
      manifests.flatMap((manifestId) => {
        const found = this.#all.find(({ parts }) => parts.manifestId === manifestId);
        return found === undefined || this.#damage.meets('capture', found.capture.id)
          ? []
          : [{ id: found.capture.id, manifestId }];
      }),
    );
  }

  trace(id: string): Promise<string | null> {
    return remotely(() => {
      this.#damage.check('trace', id);
      return this.#find(id)?.parts.trace ?? null;
    });
  }

  console(id: string): Promise<Uint8Array | null> {
    return remotely(() => this.#find(id)?.parts.console ?? null);
  }

  delete(id: string): Promise<boolean> {
    return remotely(() => {
      const before = this.#all.length;
      this.#all = this.#all.filter(({ capture }) => capture.id !== id);
      for (const table of ['capture', 'trace']) this.#damage.forget(table, id);
      return this.#all.length < before;
    });
  }

  #find(id: string): { readonly capture: Capture; readonly parts: CaptureParts } | undefined {
    return this.#all.find(({ capture }) => capture.id === id);
  }
}

class Firings implements FiringStore {
  readonly #now: () => number;
  #all: (ScheduleFiring & { readonly worker: WorkerId | undefined })[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  add(firing: ScheduleFiring, worker?: WorkerId): Promise<boolean> {
    return remotely(() => {
      const isSame = (each: ScheduleFiring): boolean =>
        each.scheduleId === firing.scheduleId && each.fireTime === firing.fireTime;
      if (this.#all.some(isSame)) return false;
      this.#all.push({ ...firing, worker });
      const ofSchedule = this.#all
        .filter(({ scheduleId }) => scheduleId === firing.scheduleId)
        .sort((a, b) => (a.fireTime < b.fireTime ? 1 : -1));
      const old = new Set(ofSchedule.slice(1000));
      this.#all = this.#all.filter((each) => !old.has(each));
      return true;
    });
  }

  end(firing: ScheduleFiring): Promise<boolean> {
    return remotely(() => {
      const at = this.#all.findIndex(
        (each) =>
          each.scheduleId === firing.scheduleId &&
          each.fireTime === firing.fireTime &&
          each.state === 'running',
      );
      if (at >= 0) this.#all[at] = { ...firing, worker: undefined };
      return at >= 0;
    });
  }

  last(wanted: string, limit: number): Promise<readonly ScheduleFiring[]> {
    return remotely(() =>
      this.#all
        .filter(({ scheduleId }) => scheduleId === wanted)
        .sort((a, b) => (a.fireTime < b.fireTime ? 1 : -1))
        .slice(0, limit)
        .map(({ worker: _, ...firing }) => firing),
    );
  }

  failOrphans(worker: WorkerId, error: string): Promise<number> {
    return remotely(() => {
      const endedAt = new Date(this.#now()).toISOString();
      let count = 0;
      this.#all = this.#all.map((each) => {
        const isOrphan =
          each.state === 'running' && each.worker?.id === worker.id && each.worker.epoch < worker.epoch;
        if (isOrphan) count += 1;
        return isOrphan ? { ...each, state: 'failed', error, endedAt } : each;
      });
      return count;
    });
  }
}

class Keys implements KeyStore {
  readonly #all = new Map<string, StoredKey>();

  create(stored: StoredKey): Promise<void> {
    return remotely(() => {
      const { id, name } = stored.key;
      const isTaken = [...this.#all.values()].some(
        ({ key }) => key.id === id || (key.name === name && key.revokedAt === undefined),
      );
      if (isTaken) throw new Refusal('conflict', `"${name}" is taken`);
      this.#all.set(id, stored);
    });
  }

  find(id: string): Promise<StoredKey | null> {
    return remotely(() => this.#all.get(id) ?? null);
  }

  list(): Promise<readonly ApiKey[]> {
    return remotely(() => [...this.#all.values()].map(({ key }) => key));
  }

  revoke(id: string, at: string): Promise<ApiKey | null> {
    return remotely(() => this.#change(id, (key) => ({ revokedAt: at, ...key })));
  }

  async used(id: string, at: string): Promise<void> {
    await remotely(() => this.#change(id, (key) => ({ ...key, lastUsedAt: at })));
  }

  #change(id: string, change: (key: ApiKey) => ApiKey): ApiKey | null {
    const stored = this.#all.get(id);
    if (stored === undefined) return null;
    const key = change(stored.key);
    this.#all.set(id, { ...stored, key });
    return key;
  }
}

class Audit implements AuditStore {
  /** Places stay what they are, so that a cursor does not move when old entries go. */
  #all: (AuditEntry | undefined)[] = [];

  async add(entry: AuditEntry): Promise<void> {
    await remotely(() => this.#all.push(entry));
  }

  list(query: AuditQuery): Promise<Page<AuditEntry>> {
    return remotely(
      () =>
        pageOf(
          this.#all,
          query,
          (entry) =>
            entry !== undefined &&
            (query.action === undefined || entry.action === query.action) &&
            (query.outcome === undefined || entry.outcome === query.outcome) &&
            (query.keyId === undefined || (entry.actor.kind === 'key' && entry.actor.id === query.keyId)),
        ) as Page<AuditEntry>,
    );
  }

  prune({ done, notDone, since }: AuditLimits): Promise<number> {
    return remotely(() => {
      const doomed = this.#all.filter((entry) => entry !== undefined && entry.at < since);
      const kept = this.#all.filter((entry) => entry !== undefined && entry.at >= since);
      for (const [isDone, limit] of [
        [true, done],
        [false, notDone],
      ] as const) {
        const those = kept.filter((entry) => (entry?.outcome === 'done') === isDone) as AuditEntry[];
        while (those.length > limit) doomed.push(...those.splice(oldestOfMost(those), 1));
      }
      this.#all = this.#all.map((entry) => (doomed.includes(entry) ? undefined : entry));
      return doomed.length;
    });
  }
}

/** Where the oldest entry is of whom, and of what, there is most. */
function oldestOfMost(entries: readonly AuditEntry[]): number {
  const groups = entries.map(({ actor, action }) => `${actor.kind === 'key' ? actor.id : ''} ${action}`);
  const size = (group: string) => groups.filter((each) => each === group).length;
  const most = Math.max(...groups.map(size));
  return groups.findIndex((group) => size(group) === most);
}

function same(a: WorkerId, b: WorkerId): boolean {
  return a.id === b.id && a.epoch === b.epoch;
}

function tallyOf(values: readonly string[]): Readonly<Record<string, number>> {
  const tally: Record<string, number> = {};
  for (const value of values) tally[value] = (tally[value] ?? 0) + 1;
  return tally;
}

/** The cursor is the place in the order of creation, as opaque text. */
function pageOf<T>(
  oldestFirst: readonly T[],
  { limit, cursor }: { readonly limit: number; readonly cursor?: string },
  isWanted: (item: T) => boolean,
): Page<T> {
  let before = oldestFirst.length;
  if (cursor !== undefined) {
    const match = /^after-([0-9a-z]+)$/.exec(cursor);
    before = match === null ? Number.NaN : Number.parseInt(match[1] ?? '', 36);
    if (!(before < oldestFirst.length)) throw new Refusal('invalid', 'not a cursor');
  }
  const found = oldestFirst
    .map((item, at) => ({ item, at }))
    .slice(0, before)
    .filter(({ item }) => isWanted(item))
    .reverse();
  const items = found.slice(0, limit).map(({ item }) => item);
  const last = found[limit - 1];
  return found.length > limit && last !== undefined
    ? { items, next: `after-${last.at.toString(36)}` }
    : { items };
}
