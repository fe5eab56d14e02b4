/**
 * Controls a partition's worker thread: sends requests, returns answers as promises, passes on notices in order. The thread
 * may be in a loop that does not end, so stopping and closing wait for it only so long and then terminate it.
 */

import type { Worker } from 'node:worker_threads';
import { failureText } from '../../base/failure-text.ts';
import { settlesWithin } from '../../base/settles-within.ts';
import type { DroppedEvents, InstantName, MachineFault, ObservePlan } from '../contract/events.ts';
import type { InstantRecord, VcpuSnapshot } from '../contract/instants.ts';
import type {
  InputTaken,
  PageChange,
  PartitionConfig,
  PartitionEnd,
  PartitionHandle,
  PartitionNotice,
  WrittenParts,
} from '../contract/partition.ts';
import { OutsideMemory } from '../memory/contract.ts';
import { hostMemory, memoryRefusal } from './host-memory.ts';
import type { FromWorker, OpenPartition, Request, ToWorker } from './protocol.ts';
import type { ScratchShare, ScratchSpace } from './scratch-space.ts';
import { HEAP_MIB, type SpareThread, startPartitionWorker } from './spare-thread.ts';

type Pending = { readonly resolve: (value: unknown) => void; readonly reject: (reason: Error) => void };

/**
 * How long a worker may take to answer a request to stop, and to close. A turn takes 50 ms; the rest is for hosts whose
 * processors are shared by many workers.
 */
const STOP_MS = 1000;
const CLOSE_MS = 500;
/** V8 ends a loop at once. A system call that does not return cannot be ended; nothing waits for it. */
const TERMINATE_MS = 300;

/** Gives a partition a worker; it is off. It throws nothing: an impossible configuration makes the first request fail. */
export function openPartition(config: PartitionConfig, options: OpenOptions = {}): PartitionHandle {
  return new WorkerPartition(config, options);
}

export type OpenOptions = {
  /** JavaScript memory of the worker, in place of {@link HEAP_MIB}; it is then a new one. */
  readonly heapMiB?: number;
  /** Has a worker that waits; absent: the partition waits for a new one to start. */
  readonly spare?: SpareThread;
  /** Where scratch disks lie; absent: in the system's temporary folder, without a quota. */
  readonly scratch?: ScratchSpace;
};

class WorkerPartition implements PartitionHandle {
  readonly config: PartitionConfig;
  readonly #worker: Worker;
  readonly #scratch: { readonly space: ScratchSpace; readonly share: ScratchShare } | undefined;
  /** It has been powered on: what the host's memory must hold, it may hold already. */
  #wasOn = false;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(notice: PartitionNotice) => void>();
  #next = 1;
  #dead: Error | undefined;
  /** Powered on and not ended, as far as requests and notices say. */
  #on = false;
  #busySeconds = 0;

  constructor(config: PartitionConfig, { heapMiB, spare, scratch }: OpenOptions) {
    this.config = config;
    this.#scratch = scratch === undefined ? undefined : { space: scratch, share: scratch.share() };
    this.#worker =
      spare === undefined || heapMiB !== undefined ? startPartitionWorker(heapMiB) : spare.take();
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (error) => this.#die(deathOf(error, heapMiB ?? HEAP_MIB)));
    this.#worker.on('messageerror', (error) => {
      this.#die(new Error('a message of the partition’s worker could not be read', { cause: error }));
      void this.#worker.terminate();
    });
    this.#worker.on('exit', (code) => {
      this.#die(new Error(`the partition’s worker ended with ${code}`));
      this.#scratch?.space.free(this.#scratch.share);
    });
    this.#post({
      kind: 'open',
      config,
      ...(this.#scratch === undefined ? {} : { scratch: this.#scratch.share }),
    });
  }

  /** Counted by the event loop; it is 0 again once the thread has ended. */
  get hostSeconds(): number {
    const { active } = this.#worker.performance.eventLoopUtilization();
    this.#busySeconds = Math.max(this.#busySeconds, active / 1000);
    return this.#busySeconds;
  }

  async start(plan?: ObservePlan): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== undefined) throw new Error(refusal);
    this.#on = true;
    this.#wasOn = true;
    await this.#ask({ kind: 'start', ...(plan === undefined ? {} : { plan }) });
  }
  /** Why the host cannot run this machine now. */
  #refusal(): string | undefined {
    const { memory, disks } = this.config;
    const needed = memory.reduce((sum, { size }) => sum + size, 0);
    const lacks = this.#wasOn ? undefined : memoryRefusal(needed, hostMemory());
    const dump = disks.reduce((sum, disk) => sum + (disk.kind === 'scratch' ? disk.bytes : 0), 0);
    return lacks ?? this.#scratch?.space.refusal(dump, this.#scratch.share);
  }

  async stop(): Promise<void> {
    if (this.#dead !== undefined || !this.#on) return;
    if (await settlesWithin(this.#ask({ kind: 'stop' }), STOP_MS)) return;
    await this.#terminate('its worker did not answer within a second and was terminated');
  }
  async input(vty: 0 | 1, bytes: Uint8Array): Promise<InputTaken | undefined> {
    return (await this.#ask({ kind: 'input', vty, bytes })) as InputTaken | undefined;
  }
  async nmi(cpus: readonly number[]): Promise<void> {
    await this.#ask({ kind: 'nmi', cpus });
  }
  async observe(plan: ObservePlan | undefined): Promise<void> {
    await this.#ask({ kind: 'observe', plan });
  }
  async goOn(): Promise<void> {
    await this.#ask({ kind: 'go-on' });
  }
  async inject(faults: readonly MachineFault[]): Promise<void> {
    await this.#ask({ kind: 'inject', faults });
  }
  async vcpus(): Promise<readonly VcpuSnapshot[]> {
    return (await this.#ask({ kind: 'vcpus' })) as readonly VcpuSnapshot[];
  }
  async readMemory(raddr: number, length: number): Promise<Uint8Array> {
    return (await this.#ask({ kind: 'read-memory', raddr, length })) as Uint8Array;
  }
  async instant(name: InstantName): Promise<InstantRecord | undefined> {
    return (await this.#ask({ kind: 'instant', name })) as InstantRecord | undefined;
  }
  async readInstant(name: InstantName, raddr: number, length: number): Promise<Uint8Array> {
    return (await this.#ask({ kind: 'read-instant', name, raddr, length })) as Uint8Array;
  }
  async compareDisk(
    name: InstantName,
    raddr: number,
    length: number,
    disk: number,
    offset: number,
  ): Promise<readonly number[]> {
    return (await this.#ask({ kind: 'compare-disk', name, raddr, length, disk, offset })) as number[];
  }
  async changes(name: InstantName, from: number): Promise<readonly PageChange[]> {
    return (await this.#ask({ kind: 'changes', name, from })) as readonly PageChange[];
  }
  async dropped(): Promise<readonly DroppedEvents[]> {
    return (await this.#ask({ kind: 'dropped' })) as readonly DroppedEvents[];
  }
  async machineTree(): Promise<Uint8Array | undefined> {
    return (await this.#ask({ kind: 'machine-tree' })) as Uint8Array | undefined;
  }
  async writeDisk(disk: number, offset: number, bytes: Uint8Array): Promise<void> {
    await this.#ask({ kind: 'write-disk', disk, offset, bytes });
  }
  async takeWritten(disk: number, atLeast: number): Promise<WrittenParts> {
    return (await this.#ask({ kind: 'take-written', disk, atLeast })) as WrittenParts;
  }
  async readDisk(disk: number, offset: number, length: number): Promise<Uint8Array> {
    return (await this.#ask({ kind: 'read-disk', disk, offset, length })) as Uint8Array;
  }

  subscribe(listener: (notice: PartitionNotice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#dead !== undefined) return;
    await settlesWithin(this.#ask({ kind: 'close' }), CLOSE_MS);
    await this.#terminate('the partition is closed');
  }

  #ask(request: Request): Promise<unknown> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#post({ id, request });
    });
  }

  #post(message: OpenPartition | ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    void this.hostSeconds;
    switch (message.kind) {
      case 'notices':
        try {
          for (const notice of message.notices) this.#emit(notice);
        } finally {
          this.#post('taken');
        }
        return;
      case 'answer':
        this.#pending.get(message.id)?.resolve(message.value);
        this.#pending.delete(message.id);
        return;
      case 'refusal':
        this.#pending.get(message.id)?.reject(refused(message));
        this.#pending.delete(message.id);
    }
  }

  #emit(notice: PartitionNotice): void {
    if (notice.kind === 'ended') this.#on = false;
    for (const listener of [...this.#listeners]) listener(notice);
  }

  async #terminate(reason: string): Promise<void> {
    void this.hostSeconds;
    this.#die(new Error(reason), { kind: 'stopped', reason, terminated: true });
    await settlesWithin(this.#worker.terminate(), TERMINATE_MS);
  }

  #die(reason: Error, end: PartitionEnd = { kind: 'error', message: reason.message }): void {
    if (this.#dead !== undefined) return;
    this.#dead = reason;
    for (const each of this.#pending.values()) each.reject(reason);
    this.#pending.clear();
    // A partition that is off has ended before; a worker that fails is reported all the same.
    if (this.#on || end.kind === 'error') this.#emit({ kind: 'ended', end, insn: 0 });
  }
}

function deathOf(error: unknown, heapMiB: number): Error {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return new Error(`the partition's worker needed more than its ${heapMiB} MiB of memory and was ended`);
  return new Error(failureText(error), { cause: error });
}

/** Memory that does not exist has an error class of its own, so that callers can distinguish it from a dead worker. */
function refused({ message, outside }: Extract<FromWorker, { readonly kind: 'refusal' }>): Error {
  return outside === undefined ? new Error(message) : new OutsideMemory(outside.raddr, outside.length);
}
