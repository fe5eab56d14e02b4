/** The readers of a fleet in memory: its captures, operations and images, as the routes ask for them. */

import type { Operation, OperationRequest, Operations } from '../../src/panic/contract/index.ts';
import { Refusal } from '../../src/panic/contract/index.ts';
import { requireSameRequest } from '../../src/panic/operations/index.ts';
import type {
  CaptureQuery,
  CaptureReader,
  ImageCatalogue,
  ImageImport,
  ListQuery,
  Page,
  VmcoreSource,
} from '../../src/server/http/shared/ports.ts';
import type { FakeWorld, StoredCapture } from './fleet.ts';

const EMPTY = new Uint8Array(0);

export function fakeCaptures(world: FakeWorld): CaptureReader {
  const stored = (id: string): StoredCapture => {
    const found = world.capturesById.get(id);
    if (found === undefined) throw new Refusal('not-found', `There is no capture ${id}.`);
    return found;
  };
  return {
    list: async (query: CaptureQuery) =>
      pageOf(
        [...world.capturesById.values()]
          .map((stored) => stored.capture)
          .filter((c) => query.outcome === undefined || c.outcome === query.outcome)
          .filter((c) => query.signature === undefined || c.signature === query.signature)
          .filter((c) => query.partitionId === undefined || c.partitionId === query.partitionId),
        query,
      ),
    get: async (id) => stored(id).capture,
    remove: async (id) => {
      stored(id);
      world.capturesById.delete(id);
    },
    vmcore: async (id): Promise<VmcoreSource | null> => {
      const { capture, bytes } = stored(id);
      if (capture.vmcore === null || bytes === null) return null;
      async function* read(start: number, end: number): AsyncGenerator<Uint8Array> {
        for (let at = start; at < end; at += 4096)
          yield bytes?.subarray(at, Math.min(at + 4096, end)) ?? EMPTY;
      }
      return { ...capture.vmcore, read };
    },
    trace: async (id) => {
      const { trace } = stored(id);
      return trace === null ? null : JSON.stringify(trace);
    },
    rules: async (id) => stored(id).trace?.rules ?? [],
    console: async (id) => stored(id).console,
  };
}

export function fakeOperations(world: FakeWorld): Operations {
  const get: Operations['get'] = async (id) => {
    const operation = world.operationsById.get(id);
    if (operation === undefined) throw new Refusal('not-found', `There is no operation ${id}.`);
    return operation;
  };
  return {
    list: async (query) =>
      pageOf(
        [...world.operationsById.values()].filter(
          (o) =>
            (query.partitionId === undefined || o.partitionId === query.partitionId) &&
            (query.state === undefined || o.state === query.state),
        ),
        query,
      ),
    get,
    submit: async (request, key, requestedBy, admit) => {
      if (request.kind === 'import') return submitImport(world, request.options);
      if (!('partitionId' in request))
        return world.addOperation({ id: `op-${world.operationsById.size + 1}`, kind: request.kind });
      const { kind, partitionId } = request;
      const known = world.keys.get(`${kind} ${partitionId} ${key}`);
      if (key !== undefined && known !== undefined) {
        requireSameRequest(known.request, request);
        return get(known.id);
      }
      await admit?.();
      checkSubmission(world, request);
      const operation = world.submit(kind, partitionId, requestedBy);
      if (key !== undefined) world.keys.set(`${kind} ${partitionId} ${key}`, { id: operation.id, request });
      world.setState(partitionId, STATE_OF[kind]);
      return operation;
    },
    trace: async (id) => {
      await get(id);
      const trace = world.operationTraces.get(id);
      return trace === undefined ? null : JSON.stringify(trace);
    },
    cancel: async (id) => {
      const operation = await get(id);
      if (operation.state !== 'queued')
        throw new Refusal('conflict', `Operation ${id} is ${operation.state}.`);
      return world.moveOperation(id, { state: 'cancelled' });
    },
  };
}

export function fakeImages(world: FakeWorld): ImageCatalogue {
  const get: ImageCatalogue['get'] = async (name) => {
    const image = world.imagesByName.get(name);
    if (image === undefined) throw new Refusal('not-found', `There is no image ${name}.`);
    return image;
  };
  return {
    list: async () => [...world.imagesByName.values()],
    get,
    remove: async (name) => {
      await get(name);
      if (world.fleet.list().some((p) => p.image === name))
        throw new Refusal('conflict', `Image ${name} is in use.`);
      world.imagesByName.delete(name);
    },
  };
}

const STATE_OF = {
  start: 'starting',
  stop: 'stopped',
  reset: 'starting',
  panic: 'busy',
  kexec: 'busy',
  restart: 'busy',
} as const;

/** Refuses what the fleet refuses. */
function checkSubmission(
  world: FakeWorld,
  request: Extract<OperationRequest, { partitionId: string }>,
): void {
  const { kind, partitionId: id } = request;
  const { view } = world.machine(id);
  if (kind === 'start' && view.state !== 'stopped')
    throw new Refusal('conflict', `Partition ${id} is not stopped.`);
  if (kind === 'stop' && view.state === 'stopped')
    throw new Refusal('conflict', `Partition ${id} is stopped.`);
  if (STATE_OF[kind] === 'busy' && view.state !== 'ready')
    throw new Refusal('conflict', `Partition ${id} is ${view.state}, not ready.`);
  if (kind === 'panic' && (request.options.onCpu ?? 0) >= view.cpus)
    throw new Refusal('invalid', `Partition ${id} has ${view.cpus} CPUs.`);
}

function submitImport(world: FakeWorld, request: ImageImport): Operation {
  const name = request.name ?? 'debian';
  if (world.imagesByName.has(name)) throw new Refusal('conflict', `There is an image ${name} already.`);
  world.addImage({ name, state: 'importing', detail: 'fetching packages' });
  world.emit({ kind: 'image', name, state: 'importing', progress: 'fetching packages' });
  return world.addOperation({
    id: `op-${world.operationsById.size + 1}`,
    kind: 'import',
    phase: 'fetching',
  });
}

function pageOf<T extends { readonly id: string }>(oldestFirst: readonly T[], query: ListQuery): Page<T> {
  const items = [...oldestFirst].reverse();
  let from = 0;
  if (query.cursor !== undefined) {
    const at = items.findIndex((item) => item.id === query.cursor);
    if (at < 0) throw new Refusal('invalid', 'The cursor is not one of ours.');
    from = at + 1;
  }
  const page = items.slice(from, from + query.limit);
  const last = page.at(-1);
  return from + page.length < items.length && last !== undefined
    ? { items: page, next: last.id }
    : { items: page };
}
