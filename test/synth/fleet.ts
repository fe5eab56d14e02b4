/**
 * A fleet, store and image catalogue in memory, for tests of the service: they keep the contracts' promises and
 * nothing runs. An operation moves only when the test says so, or by itself every `stepMs`.
 */

import { createHash } from 'node:crypto';
import type {
  Actor,
  Capture,
  Fleet,
  Operation,
  OperationRequest,
  Operations,
  PartitionRequest,
  PartitionState,
  PartitionView,
  ServiceEvent,
} from '../../src/panic/contract/index.ts';
import { Refusal } from '../../src/panic/contract/index.ts';
import { MemoryEventBus } from '../../src/panic/operations/index.ts';
import type { StoredTrace } from '../../src/panic/trace/index.ts';
import type { CaptureReader, ImageCatalogue, ImageView } from '../../src/server/http/shared/ports.ts';
import { fakeCaptures, fakeImages, fakeOperations } from './fleet-readers.ts';
import { synthTrace } from './handoff-trace.ts';

const EPOCH = Date.parse('2024-03-01T12:00:00Z');
const EMPTY = new Uint8Array(0);

export type StoredCapture = {
  readonly capture: Capture;
  readonly bytes: Uint8Array | null;
  readonly trace: StoredTrace | null;
  readonly console: Uint8Array;
};

type Machine = {
  view: PartitionView;
  console: Uint8Array;
  readonly watchers: Set<(bytes: Uint8Array) => void>;
};

/** One clock for everything made here, a second apart. */
class Ticks {
  #count = 0;
  next(): string {
    this.#count += 1;
    return new Date(EPOCH + this.#count * 1000).toISOString();
  }
}

/** A vmcore of `size` bytes whose content shows its offset. */
export function synthVmcore(size: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + seed) & 0xff;
  return bytes;
}

export class FakeWorld {
  readonly #ticks = new Ticks();
  readonly bus: MemoryEventBus = new MemoryEventBus();
  readonly machines: Map<string, Machine> = new Map();
  readonly operationsById: Map<string, Operation> = new Map();
  readonly capturesById: Map<string, StoredCapture> = new Map();
  /** Of kexecs and restarts. */
  readonly operationTraces: Map<string, StoredTrace> = new Map();
  readonly imagesByName: Map<string, ImageView> = new Map();
  /** Operations by idempotency key, each with the request that it was made by. */
  readonly keys: Map<string, { readonly id: string; readonly request: OperationRequest }> = new Map();
  readonly typed: string[] = [];

  emit(event: ServiceEvent): void {
    void this.bus.publish(event);
  }

  addImage(view: Partial<ImageView> & { readonly name: string }): ImageView {
    const image: ImageView = { kind: 'debian', state: 'ready', files: [], ...view };
    this.imagesByName.set(image.name, image);
    return image;
  }

  addPartition(view: Partial<PartitionView> & { readonly id: string }): PartitionView {
    const made: PartitionView = {
      name: view.id,
      image: 'debian',
      state: 'ready',
      processor: 'power9',
      mmu: 'radix',
      firmware: 'flat',
      interrupts: 'xics',
      diskBus: 'virtio',
      cpus: 2,
      threads: 2,
      memoryBytes: 1 << 30,
      instructions: 1_212_450_118,
      crashes: 0,
      hostSeconds: 0,
      ...view,
    };
    this.machines.set(made.id, { view: made, console: EMPTY, watchers: new Set() });
    return made;
  }

  addCapture(
    change: Partial<Capture> & { readonly id: string },
    content: {
      readonly bytes?: Uint8Array | null;
      readonly trace?: StoredTrace | null;
      readonly console?: string;
    } = {},
  ): Capture {
    const bytes = content.bytes === undefined ? synthVmcore(100_000) : content.bytes;
    const trace = content.trace === undefined ? synthTrace() : content.trace;
    const of = (verdict: string): number =>
      trace?.rules.filter((rule) => rule.verdict === verdict).length ?? 0;
    const capture: Capture = {
      partitionId: 'p1',
      image: 'debian',
      outcome: 'captured',
      phase: 'stored',
      vmcore:
        bytes === null
          ? null
          : { bytes: bytes.length, format: 'elf', sha256: createHash('sha256').update(bytes).digest('hex') },
      rules: {
        held: of('held'),
        broken: of('broken'),
        notReached: of('not-reached'),
        notApplicable: of('not-applicable'),
      },
      createdAt: this.#ticks.next(),
      ...change,
    };
    this.capturesById.set(capture.id, {
      capture,
      bytes,
      trace,
      console: Buffer.from(content.console ?? 'Kernel panic - not syncing: sysrq triggered crash\r\n'),
    });
    return capture;
  }

  addOperation(change: Partial<Operation> & { readonly id: string }): Operation {
    const at = this.#ticks.next();
    const operation: Operation = {
      kind: 'panic',
      state: 'queued',
      phase: 'queued',
      createdAt: at,
      updatedAt: at,
      ...change,
    };
    this.operationsById.set(operation.id, operation);
    return operation;
  }

  /** Moves an operation to its next phase and publishes that. */
  moveOperation(id: string, change: Partial<Operation>): Operation {
    const before = this.operationsById.get(id);
    if (before === undefined) throw new Refusal('not-found', `no operation ${id}`);
    const after: Operation = { ...before, ...change, updatedAt: this.#ticks.next() };
    this.operationsById.set(id, after);
    this.emit({ kind: 'operation', id, state: after.state, phase: after.phase });
    return after;
  }

  setState(id: string, state: PartitionState, reason?: string): PartitionView {
    const machine = this.machine(id);
    const { reason: _old, ...rest } = machine.view;
    machine.view = { ...rest, state, ...(reason === undefined ? {} : { reason }) };
    if (state === 'starting') machine.console = EMPTY;
    this.emit({ kind: 'partition', id, state });
    return machine.view;
  }

  machine(id: string): Machine {
    const machine = this.machines.get(id);
    if (machine === undefined) throw new Refusal('not-found', `There is no partition ${id}.`);
    return machine;
  }

  print(id: string, text: string): void {
    const machine = this.machine(id);
    const bytes = Buffer.from(text);
    machine.console = Buffer.concat([machine.console, bytes]);
    machine.view = { ...machine.view, instructions: machine.view.instructions + bytes.length * 4000 };
    for (const watcher of [...machine.watchers]) watcher(bytes);
  }

  submit(kind: Operation['kind'], partitionId: string, requestedBy?: Actor): Operation {
    return this.addOperation({
      id: `op-${this.operationsById.size + 1}`,
      kind,
      partitionId,
      ...(requestedBy === undefined ? {} : { requestedBy }),
    });
  }

  readonly fleet: Fleet = {
    list: () => [...this.machines.values()].map((machine) => machine.view),
    get: (id) => this.machine(id).view,
    create: async (request: PartitionRequest) => {
      if (!this.imagesByName.has(request.image))
        throw new Refusal('invalid', `There is no image ${request.image}.`);
      const id = `p${this.machines.size + 1}`;
      return this.addPartition({
        id,
        image: request.image,
        name: request.name ?? id,
        state: 'stopped',
        cpus: request.cpus ?? 1,
        threads: request.threads ?? 2,
        processor: request.processor ?? 'power9',
        mmu: request.mmu ?? 'radix',
        firmware: request.firmware ?? 'flat',
        interrupts: request.interrupts ?? 'xics',
        diskBus: request.diskBus ?? 'virtio',
        instructions: 0,
      });
    },
    remove: async (id) => {
      if (this.machine(id).view.state !== 'stopped')
        throw new Refusal('conflict', `Partition ${id} is not stopped.`);
      this.machines.delete(id);
    },
    type: async (id, bytes) => {
      this.machine(id);
      const text = Buffer.from(bytes).toString('utf8');
      this.typed.push(text);
      this.print(id, text.replaceAll('\r', '\r\n# '));
    },
    console: (id) => this.machine(id).console,
    watchConsole: (id, listener) => {
      const { watchers } = this.machine(id);
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
  };

  get listenerCount(): number {
    return this.bus.subscriptions;
  }

  readonly captures: CaptureReader = fakeCaptures(this);
  readonly operations: Operations = fakeOperations(this);
  readonly images: ImageCatalogue = fakeImages(this);
}
