/**
 * The fleet: partitions that are booted, crashed, captured and put back into service. What it does for whom is an
 * operation, written down before it begins; partitions and operations outlive the process, machines do not.
 */

import { openPartition, type PartitionConfig, type PartitionHandle } from '../../emulator/host/index.ts';
import type { SweepResult, VmcoreStore } from '../../vmcore/store/index.ts';
import { CaptureKeeper } from '../captures/capture-keeper.ts';
import type {
  Fleet,
  LeaveRequest,
  Operation,
  PanicRequest,
  PartitionRequest,
  PartitionView,
  ServiceEvent,
} from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';
import type { ImageSource } from '../guest/boot-image.ts';
import { resolveMachine } from '../guest/machine-spec.ts';
import { OperationBook, type RunningOperation } from '../operations/operation-book.ts';
import { OperationFailure } from '../operations/operation-failure.ts';
import { RequestKeys } from '../operations/request-keys.ts';
import type { MetadataStore, PartitionRecord } from '../store/index.ts';
import type { LeavePath } from '../trace/index.ts';
import { checkPanic, checkRequest, prepareMachine, randomId } from './fleet-requests.ts';
import { Handoffs } from './handoffs.ts';
import { FleetMember } from './member.ts';
import { MemberOperations } from './member-operations.ts';

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
  readonly #handoffs: Handoffs;
  readonly #keys: RequestKeys;
  #closing = false;

  constructor(options: FleetOptions, now: () => Date) {
    this.#options = options;
    this.#newId = options.newId ?? randomId;
    this.#keeper = new CaptureKeeper({ ...options, now, newId: this.#newId });
    this.#handoffs = new Handoffs({
      metadata: options.metadata,
      keeper: this.#keeper,
      emit: (event) => this.#emit(event),
      isClosing: () => this.#closing,
    });
    this.#keys = new RequestKeys(options.metadata);
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
      spec: resolveMachine(record.request),
      prepare: (of) => prepareMachine(this.#options.images, of.request),
      openPartition: this.#options.openPartition ?? openPartition,
      onState: (state) => this.#emit({ kind: 'partition', id: record.id, state }),
      crashes: await this.#keeper.count(record.id),
      onUnasked: (handle, life) => this.#handoffs.storeUnasked(record, handle, life),
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
      (running) => this.#handoffs.crash(member, request, running),
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
      (running) => this.#handoffs.leave(member, path, request, running),
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
    const submit = (key?: string): Promise<Operation> => {
      if (member.state !== 'ready')
        throw new Refusal('conflict', `Partition ${id} is ${member.state}, not ready.`);
      member.show('busy');
      return this.#operations.run(member, kind, work, key);
    };
    if (idempotencyKey === undefined) return submit();
    const key = `${kind} ${id} ${idempotencyKey}`;
    return this.#keys.once(key, () => submit(key));
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

  #emit(event: ServiceEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}

function notFound(what: string): never {
  throw new Refusal('not-found', `There is no ${what}.`);
}
