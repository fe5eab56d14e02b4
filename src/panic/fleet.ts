/**
 * The fleet: partitions that are booted, crashed, captured and put back into service. What it does for whom is an
 * operation, written down before it begins; partitions and operations outlive the process, machines do not.
 */

import { openPartition, type PartitionConfig, type PartitionHandle } from '../emulator/host/index.ts';
import type { SweepResult, VmcoreStore } from '../vmcore/store/index.ts';
import { CaptureKeeper } from './capture-keeper.ts';
import {
  type Capture,
  type Fleet,
  type LeavePath,
  type LeaveRequest,
  type Operation,
  type PanicRequest,
  type PartitionRequest,
  type PartitionView,
  Refusal,
  type ServiceEvent,
} from './contract.ts';
import { unaskedCrash } from './crash-run.ts';
import { checkPanic, checkRequest, memoryOf, prepareMachine, randomId } from './fleet-requests.ts';
import type { ImageSource } from './image.ts';
import type { Life } from './life.ts';
import { FleetMember } from './member.ts';
import { MemberOperations } from './member-operations.ts';
import { OperationBook, type RunningOperation } from './operation-book.ts';
import { OperationFailure } from './operation-failure.ts';
import type { MetadataStore, PartitionRecord } from './store/index.ts';

export type FleetOptions = {
  readonly images: ImageSource;
  readonly metadata: MetadataStore;
  readonly vmcores: Pick<VmcoreStore, 'writeVmcore' | 'retain'>;
  /** Opens a machine; default a worker thread each. */
  readonly openPartition?: (config: PartitionConfig) => PartitionHandle;
  readonly now?: () => Date;
  /** A short, url-safe name that was not given before. */
  readonly newId?: (prefix: string) => string;
  /** Told of failures that no operation can tell. */
  readonly onError?: (error: Error) => void;
};

/** As {@link Fleet}, and what its owner needs beside it. */
export interface OwnedFleet extends Fleet {
  /** Starts every partition; resolves when each is ready or has failed. */
  startAll(): Promise<void>;
  /** Takes a queued operation out of the queue. @returns false where it is not queued (any more). */
  dequeue(operation: Pick<Operation, 'id'>): Promise<boolean>;
  /** Whether a partition boots this image. */
  usesImage(name: string): boolean;
  /** Removes vmcores that belong to no capture; waits for those that are being stored. */
  sweepStore(): Promise<SweepResult>;
}

const KEYS_KEPT = 1000;
const INTERRUPTED = {
  code: 'interrupted',
  message: 'the service was restarted while this was not done',
} as const;

/** Opens the fleet over its stores: partitions are there, powered off; operations that had not ended have failed. */
export async function openFleet(options: FleetOptions): Promise<OwnedFleet> {
  const now = options.now ?? (() => new Date());
  await options.metadata.failUnfinished(INTERRUPTED, now().toISOString());
  const fleet = new PartitionFleet(options, now);
  for (const record of await options.metadata.listPartitions()) await fleet.adopt(record);
  return fleet;
}

class PartitionFleet implements OwnedFleet {
  readonly #options: FleetOptions;
  readonly #newId: (prefix: string) => string;
  readonly #members = new Map<string, FleetMember>();
  readonly #listeners = new Set<(event: ServiceEvent) => void>();
  readonly #operations: MemberOperations;
  readonly #keeper: CaptureKeeper;
  /** Keys of the last operations of this process; older ones are the store's to know. */
  readonly #keys = new Map<string, Promise<string>>();
  #closing = false;

  constructor(options: FleetOptions, now: () => Date) {
    this.#options = options;
    this.#newId = options.newId ?? randomId;
    this.#keeper = new CaptureKeeper({ ...options, now, newId: this.#newId });
    this.#operations = new MemberOperations({
      book: new OperationBook({
        metadata: options.metadata,
        emit: (event) => this.#emit(event),
        now,
        newId: this.#newId,
      }),
      isClosing: () => this.#closing,
      onError: (error) => options.onError?.(error),
    });
  }

  async adopt(record: PartitionRecord): Promise<FleetMember> {
    const member = new FleetMember({
      record,
      memoryBytes: memoryOf(record.request).reduce((sum, { size }) => sum + size, 0),
      prepare: (of) => prepareMachine(this.#options.images, of.request),
      openPartition: this.#options.openPartition ?? openPartition,
      onState: (state) => this.#emit({ kind: 'partition', id: record.id, state }),
      crashes: await countCaptures(this.#options.metadata, record.id),
      onUnasked: (handle, life) => this.#storeUnasked(record, handle, life),
      onError: (error) => this.#options.onError?.(error),
    });
    this.#members.set(record.id, member);
    return member;
  }

  list(): readonly PartitionView[] {
    return [...this.#members.values()].map((member) => member.view);
  }

  get(id: string): PartitionView {
    return this.#member(id).view;
  }

  async create(request: PartitionRequest): Promise<PartitionView> {
    const id = this.#newId('p');
    const record: PartitionRecord = { id, name: request.name ?? id, request };
    await checkRequest(this.#options.images, request);
    await this.#options.metadata.createPartition(record);
    const member = await this.adopt(record);
    this.#emit({ kind: 'partition', id, state: member.state });
    return member.view;
  }

  async start(id: string): Promise<Operation> {
    const member = this.#member(id);
    if (member.state !== 'stopped' && member.state !== 'failed')
      throw new Refusal('conflict', `Partition ${id} is ${member.state}, not stopped.`);
    member.show('starting');
    return this.#operations.run(member, 'start', (running) => this.#boot(member, running));
  }

  async stop(id: string): Promise<Operation> {
    const member = this.#member(id);
    if (member.state === 'stopped') throw new Refusal('conflict', `Partition ${id} is stopped.`);
    await member.interrupt();
    return this.#operations.run(member, 'stop', async (running) => {
      await member.halt();
      running.move({ phase: 'stopped' });
    });
  }

  async reset(id: string): Promise<Operation> {
    const member = this.#member(id);
    await member.interrupt();
    return this.#operations.run(member, 'reset', async (running) => {
      await member.halt();
      await this.#boot(member, running);
    });
  }

  async remove(id: string): Promise<void> {
    const member = this.#member(id);
    if (member.state !== 'stopped' && member.state !== 'failed')
      throw new Refusal('conflict', `Partition ${id} is ${member.state}, not stopped.`);
    this.#members.delete(id);
    await member.close();
    await this.#options.metadata.deletePartition(id);
  }

  async type(id: string, bytes: Uint8Array): Promise<void> {
    await this.#member(id).type(bytes);
  }

  console(id: string): Uint8Array {
    return this.#member(id).console;
  }

  watchConsole(id: string, listener: (bytes: Uint8Array) => void): () => void {
    return this.#member(id).watch(listener);
  }

  events(listener: (event: ServiceEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async panic(id: string, request: PanicRequest, idempotencyKey?: string): Promise<Operation> {
    const member = this.#member(id);
    checkPanic(member.view, request);
    return this.#ofReadyGuest(
      member,
      'panic',
      (running) => this.#crash(member, request, running),
      idempotencyKey,
    );
  }

  async leave(
    id: string,
    path: LeavePath,
    request: LeaveRequest,
    idempotencyKey?: string,
  ): Promise<Operation> {
    const member = this.#member(id);
    return this.#ofReadyGuest(
      member,
      path,
      (running) => this.#leave(member, path, request, running),
      idempotencyKey,
    );
  }

  async startAll(): Promise<void> {
    const members = [...this.#members.values()].filter(({ state }) => state === 'stopped');
    for (const member of members) member.show('starting');
    await Promise.all(members.map((member) => member.enqueue(() => member.boot())));
  }

  async dequeue({ id }: Pick<Operation, 'id'>): Promise<boolean> {
    return this.#operations.dequeue(id);
  }

  usesImage(name: string): boolean {
    return this.list().some(({ image }) => image === name);
  }

  sweepStore(): Promise<SweepResult> {
    return this.#keeper.sweep();
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#members.values()].map((member) => member.close()));
    await this.#keeper.idle();
    this.#listeners.clear();
  }

  /** @throws Refusal `conflict` when the partition is not ready, unless the key is that of an earlier request. */
  async #ofReadyGuest(
    member: FleetMember,
    kind: 'panic' | LeavePath,
    work: (running: RunningOperation) => Promise<void>,
    idempotencyKey: string | undefined,
  ): Promise<Operation> {
    const { id } = member.record;
    const key = idempotencyKey === undefined ? undefined : `${kind} ${id} ${idempotencyKey}`;
    if (key !== undefined) {
      // What this process was not asked an earlier one may have been; meanwhile somebody else may ask for the same.
      const stored = this.#keys.has(key) ? null : await this.#options.metadata.findOperation(key);
      if (stored !== null) return stored;
      const earlier = this.#keys.get(key);
      if (earlier !== undefined)
        return (await this.#options.metadata.getOperation(await earlier)) ?? notFound(await earlier);
    }
    if (member.state !== 'ready')
      throw new Refusal('conflict', `Partition ${id} is ${member.state}, not ready.`);
    member.show('busy');
    const submitted = this.#operations.run(member, kind, work, key);
    if (key !== undefined) this.#remember(key, submitted);
    return submitted;
  }

  #remember(key: string, submitted: Promise<Operation>): void {
    const id = submitted.then((operation) => operation.id);
    this.#keys.set(key, id);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > KEYS_KEPT && oldest !== undefined) this.#keys.delete(oldest);
    // A submission that failed is forgotten, and told to whoever submitted it.
    id.catch(() => this.#keys.delete(key));
  }

  #member(id: string): FleetMember {
    return this.#members.get(id) ?? notFound(`partition ${id}`);
  }

  async #boot(member: FleetMember, running: RunningOperation): Promise<void> {
    running.move({ phase: 'booting' });
    const reason = await member.boot();
    if (reason !== undefined) throw new OperationFailure('not-ready', reason);
    running.move({ phase: 'ready' });
  }

  async #crash(member: FleetMember, request: PanicRequest, running: RunningOperation): Promise<void> {
    if (member.state !== 'busy') throw new OperationFailure('not-ready', `the partition is ${member.state}`);
    let capture: Capture | undefined;
    const result = await member.crash(
      request,
      (phase) => running.move({ phase }),
      async (handle, done, life) => {
        if (this.#closing) throw new OperationFailure('interrupted', 'the service was shut down');
        capture = await this.#keeper.store(member.record, handle, done, life).catch(storeFailed);
      },
    );
    if (capture === undefined) throw new OperationFailure('interrupted', 'nothing was stored');
    running.move({ phase: capture.phase, captureId: capture.id });
    this.#emit({ kind: 'capture', id: capture.id, partitionId: capture.partitionId });
    if (result.outcome === 'failed')
      throw new OperationFailure('capture-failed', result.reason ?? `failed in phase ${result.phase}`);
  }

  async #leave(
    member: FleetMember,
    path: LeavePath,
    request: LeaveRequest,
    running: RunningOperation,
  ): Promise<void> {
    if (member.state !== 'busy') throw new OperationFailure('not-ready', `the partition is ${member.state}`);
    const result = await member.leave(
      path,
      request,
      (phase) => running.move({ phase }),
      async ({ phase, trace }) => {
        running.move({ phase });
        if (trace === undefined) return;
        await this.#options.metadata.putOperationTrace(running.id, JSON.stringify(trace)).catch(storeFailed);
        running.move({ traced: true });
      },
    );
    if (result.outcome === 'failed')
      throw new OperationFailure(`${path}-failed`, result.reason ?? `failed in phase ${result.phase}`);
  }

  /** A crash that nobody asked for left a dump, too; there was nobody to trace it. */
  async #storeUnasked(record: PartitionRecord, handle: PartitionHandle, life: Life): Promise<void> {
    const result = await unaskedCrash(handle, life);
    if (result === undefined || this.#closing) return;
    const capture = await this.#keeper.store(record, handle, result, life);
    this.#emit({ kind: 'capture', id: capture.id, partitionId: capture.partitionId });
  }

  #emit(event: ServiceEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}

function notFound(what: string): never {
  throw new Refusal('not-found', `There is no ${what}.`);
}

function storeFailed(error: unknown): never {
  throw new OperationFailure(
    'store-failed',
    `what it left could not be stored: ${error instanceof Error ? error.message : error}`,
  );
}

async function countCaptures(
  metadata: Pick<MetadataStore, 'listCaptures'>,
  partitionId: string,
): Promise<number> {
  let count = 0;
  for (let cursor: string | undefined; ; ) {
    const page = await metadata.listCaptures({
      limit: 500,
      partitionId,
      ...(cursor === undefined ? {} : { cursor }),
    });
    count += page.items.length;
    if (page.next === undefined) return count;
    cursor = page.next;
  }
}
