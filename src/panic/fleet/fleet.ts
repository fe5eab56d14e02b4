/**
 * Runs the partitions in service. A lease for each partition ensures that only one of several processes over one store runs
 * it. Partitions outlive the process; machines do not. Actions on a partition are operations (partition-host.ts).
 */

import { defined } from '../../base/defined.ts';
import { openPartition, type PartitionConfig, type PartitionHandle } from '../../emulator/host/index.ts';
import type { Captures, DumpAhead, Room } from '../captures/index.ts';
import type { Actor, CapturePhase, Fleet, PartitionRequest, PartitionView } from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';
import type { ImageSource } from '../guest/boot-image.ts';
import { defaultHostSeconds } from '../guest/host-time.ts';
import { memoryBytesOf, resolveMachine } from '../guest/machine-spec.ts';
import type { CrashResult } from '../handoff/crash-result.ts';
import { followAlarm, unrecordedCrash } from '../handoff/follow-alarm.ts';
import { crashMade, type Maker } from '../handoff/made.ts';
import type { EventBus, Lease, OperationHost, WorkerId } from '../operations/index.ts';
import type { MetadataStore, PartitionRecord } from '../store/index.ts';
import type { BackOffOptions } from './boot-back-off.ts';
import { crashLoop } from './crash-loop.ts';
import { FleetMember, type Unasked } from './member.ts';
import { addUp } from './member-machine.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { PartitionHost } from './partition-host.ts';
import { checkRequest, prepareMachine } from './requests.ts';

export type FleetOptions = {
  readonly images: ImageSource;
  readonly metadata: Pick<MetadataStore, 'partitions' | 'leases' | 'starts'>;
  readonly captures: Captures;
  readonly bus: EventBus;
  /** The room that captures need; absent: it is not counted. */
  readonly room?: Room;
  /** The host's memory that partitions which are on may need; absent: it is not counted. */
  readonly memory?: MemoryBudget;
  /** Who holds the partitions. */
  readonly worker: WorkerId;
  /** A short, url-safe name that was not given before. */
  readonly newId: (prefix: string) => string;
  /** Opens a machine; default a worker thread each. */
  readonly openPartition?: (config: PartitionConfig) => PartitionHandle;
  /** Called with failures that belong to no operation. */
  readonly onError: (error: Error) => void;
  /** How long a partition is held without being renewed; it is renewed four times as often. Default 1 minute. */
  readonly leaseMs?: number;
  /** Host seconds that work on a partition may take; default by its machine and the number of partitions. */
  readonly hostSeconds?: number;
  /** What captures name as the service that made them. */
  readonly maker?: Maker;
  /** Waits before a partition boots again by itself. */
  readonly backOff?: BackOffOptions;
};

/** As {@link Fleet}, and what its owner needs beside it. */
export interface OwnedFleet extends Fleet {
  /** Does the operations on partitions. */
  readonly host: OperationHost;
  /** Starts every partition, but those that an earlier process died with; resolves when each is ready or has failed. */
  startAll(): Promise<void>;
  /** Whether a partition boots this image. */
  usesImage(name: string): boolean;
  /** What guests used that their machines lack, by kind, since the service started. */
  unsupportedUses(): Readonly<Record<string, number>>;
  /** Renews the leases. A partition whose lease is lost is switched off. */
  renewLeases(): Promise<void>;
  close(): Promise<void>;
}

const LEASE_MS = 60_000;

/** Opens the fleet over its stores: partitions that no other process holds are there, powered off. */
export async function openFleet(options: FleetOptions): Promise<OwnedFleet> {
  const fleet = new PartitionFleet(options);
  for (const record of await options.metadata.partitions.list()) await fleet.adopt(record);
  return fleet;
}

class PartitionFleet implements OwnedFleet {
  readonly host: OperationHost;
  readonly #options: FleetOptions;
  readonly #leaseMs: number;
  readonly #members = new Map<string, FleetMember>();
  readonly #timer: NodeJS.Timeout;
  /** Partitions whose start is written down and has not ended in order. */
  readonly #begun = new Set<string>();
  /** Of partitions that were removed. */
  #uses: Readonly<Record<string, number>> = {};
  #closing = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
    this.host = new PartitionHost((id) => this.#member(id), options.captures, this.#maker, options.room);
    this.#timer = setInterval(() => {
      this.renewLeases().catch(options.onError);
    }, this.#leaseMs / 4);
    this.#timer.unref();
  }

  /** Takes a partition over. @returns undefined where another process holds it. */
  async adopt(record: PartitionRecord): Promise<FleetMember | undefined> {
    const { metadata, captures, worker } = this.#options;
    const lease = await metadata.leases.acquire(record.id, worker, this.#leaseMs);
    if (lease === null) return undefined;
    const spec = resolveMachine(record.request);
    const member = new FleetMember({
      record,
      lease,
      spec,
      prepare: () => prepareMachine(this.#options.images, record.request),
      openPartition: this.#options.openPartition ?? openPartition,
      takeMemory: () => this.#options.memory?.take(memoryBytesOf(spec), record.name) ?? (() => undefined),
      onState: (state) => this.#noteState(record.id, state),
      crashes: await captures.count(record.id),
      onUnasked: (unasked) => this.#storeUnasked(unasked),
      onError: this.#options.onError,
      hostSeconds: () => this.#options.hostSeconds ?? defaultHostSeconds(spec, this.#members.size),
      ...defined({ backOff: this.#options.backOff }),
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

  async create(request: PartitionRequest, createdBy?: Actor): Promise<PartitionView> {
    const id = this.#options.newId('p');
    const record: PartitionRecord = { id, name: request.name ?? id, request, ...defined({ createdBy }) };
    await checkRequest(this.#options.images, request);
    await this.#options.metadata.partitions.create(record);
    const member = await this.adopt(record);
    if (member === undefined) throw new Refusal('conflict', `Partition ${id} is held by another process.`);
    this.#publish(id, member.state);
    return member.view;
  }

  async remove(id: string): Promise<void> {
    const { metadata } = this.#options;
    const member = this.#member(id);
    if (member.state !== 'stopped' && member.state !== 'failed')
      throw new Refusal('conflict', `Partition ${id} is ${member.state}, not stopped.`);
    this.#members.delete(id);
    this.#uses = addUp(this.#uses, member.unsupportedUses);
    await member.close();
    await metadata.partitions.delete(id);
    await metadata.starts.ended(id);
    await metadata.leases.forget(member.lease);
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

  async startAll(): Promise<void> {
    const members = [...this.#members.values()].filter(({ state }) => state === 'stopped');
    const booting: FleetMember[] = [];
    for (const member of members) {
      // Read before it is shown as starting: that is recorded as a start itself.
      const refusal = crashLoop(await this.#options.metadata.starts.unfinished(member.record.id));
      // Someone may have started it meanwhile.
      if (member.state !== 'stopped') continue;
      if (refusal === undefined) booting.push(member);
      member.show(refusal === undefined ? 'starting' : 'failed', refusal);
    }
    await Promise.all(booting.map((member) => member.enqueue(() => member.boot())));
  }

  usesImage(name: string): boolean {
    return this.list().some(({ image }) => image === name);
  }

  unsupportedUses(): Readonly<Record<string, number>> {
    return [...this.#members.values()].reduce(
      (sum, member) => addUp(sum, member.unsupportedUses),
      this.#uses,
    );
  }

  async renewLeases(): Promise<void> {
    const { leases } = this.#options.metadata;
    for (const member of this.#members.values()) {
      const renewed: Lease | null = await leases.renew(member.lease, this.#leaseMs);
      if (renewed === null && this.#members.get(member.record.id) === member) await member.lose();
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#timer);
    await Promise.all([...this.#members.values()].map((member) => member.close()));
    await this.#options.captures.idle();
    for (const id of this.#begun) await this.#options.metadata.starts.ended(id);
    for (const { lease } of this.#members.values()) await this.#options.metadata.leases.release(lease);
  }

  get #maker(): Maker {
    return this.#options.maker ?? { version: 'unknown' };
  }

  #member(id: string): FleetMember {
    const member = this.#members.get(id);
    if (member === undefined) throw new Refusal('not-found', `There is no partition ${id}.`);
    return member;
  }

  /** Stores an unrequested crash. @returns whether there was one */
  async #storeUnasked({ member, guest, signal }: Unasked): Promise<boolean> {
    const { handle, lookout, noCrashKernel } = guest;
    const ahead = this.#options.captures.ahead(handle);
    const onPhase = (phase: CapturePhase): void => {
      if (phase === 'dumping') ahead.begin();
    };
    try {
      const followed = await followAlarm(lookout, { signal, onPhase, ...defined({ noCrashKernel }) });
      const result = followed ?? (await unrecordedCrash(lookout, signal));
      if (result === undefined) return false;
      member.countCrash();
      if (!this.#closing) await this.#storeResult(member, guest, result, ahead);
      return true;
    } finally {
      void ahead.giveUp();
    }
  }

  async #storeResult(
    member: FleetMember,
    guest: Unasked['guest'],
    result: CrashResult,
    ahead: DumpAhead,
  ): Promise<void> {
    const { handle, session } = guest;
    const { createdBy } = member.record;
    const made = crashMade(
      { ...guest, maker: this.#maker, partition: member.record, trace: result.trace },
      undefined,
    );
    // The partition boots again even where the capture cannot be stored.
    await this.#options.captures
      .store({
        ...member.identity,
        handle,
        result,
        left: session.left,
        made,
        ahead,
        ...defined({ createdBy }),
      })
      .catch(this.#options.onError);
  }

  /** Publishes a partition's state, and writes down that it is being powered on or is off in order. */
  #noteState(id: string, state: PartitionView['state']): void {
    this.#publish(id, state);
    const { metadata, onError } = this.#options;
    const isOff = state === 'stopped' || state === 'failed';
    if (isOff && this.#begun.delete(id)) metadata.starts.ended(id).catch(onError);
    if (isOff || this.#begun.has(id)) return;
    this.#begun.add(id);
    metadata.starts.began(id).catch(onError);
  }

  #publish(id: string, state: PartitionView['state']): void {
    this.#options.bus.publish({ kind: 'partition', id, state }).catch(this.#options.onError);
  }
}
