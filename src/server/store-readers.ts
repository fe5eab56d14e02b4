/** What the routes read, out of the stores: captures with their vmcores, and operations. */

import type { Operation } from '../panic/contract/index.ts';
import { Refusal } from '../panic/contract/index.ts';
import type { MetadataStore } from '../panic/store/index.ts';
import type { Trace } from '../panic/trace/index.ts';
import type { VmcoreStore } from '../vmcore/store/index.ts';
import type { CaptureReader, OperationReader } from './http/shared/ports.ts';

/** Captures over the embedded stores. */
export function createCaptureReader(
  metadata: MetadataStore,
  vmcores: Pick<VmcoreStore, 'readVmcore' | 'delete'>,
): CaptureReader {
  const get: CaptureReader['get'] = async (id) =>
    (await metadata.getCapture(id)) ?? refuse(`There is no capture ${id}.`);
  return {
    list: (query) => metadata.listCaptures(query),
    get,
    remove: async (id) => {
      const manifest = await metadata.getManifestId(id);
      // The capture first: a vmcore without one is found by the sweep, a capture without its vmcore would be broken.
      if (!(await metadata.deleteCapture(id))) refuse(`There is no capture ${id}.`);
      if (manifest !== null) await vmcores.delete(manifest);
    },
    vmcore: async (id) => {
      const { vmcore } = await get(id);
      const manifest = await metadata.getManifestId(id);
      if (vmcore === null || manifest === null) return null;
      return { ...vmcore, read: (start, end) => vmcores.readVmcore(manifest, { start, end }) };
    },
    trace: async (id) => {
      await get(id);
      return metadata.getTrace(id);
    },
    rules: async (id) => {
      await get(id);
      const text = await metadata.getTrace(id);
      return text === null ? [] : (JSON.parse(text) as Trace).rules;
    },
    console: async (id) => {
      await get(id);
      return metadata.getConsole(id);
    },
  };
}

export type OperationOptions = {
  /** Takes a queued operation out of its owner's queue. @returns false when it is not queued there (any more). */
  readonly dequeue: (operation: Operation) => Promise<boolean>;
  /** Told of an operation that was cancelled, as it is now. */
  readonly onCancelled: (operation: Operation) => void;
};

/** Operations over the embedded store; only their owner can take one out of its queue. */
export function createOperationReader(
  metadata: Pick<MetadataStore, 'getOperation' | 'getOperationTrace' | 'listOperations' | 'updateOperation'>,
  options: OperationOptions,
): OperationReader {
  const get: OperationReader['get'] = async (id) =>
    (await metadata.getOperation(id)) ?? refuse(`There is no operation ${id}.`);
  return {
    list: (query) => metadata.listOperations(query),
    get,
    trace: async (id) => {
      await get(id);
      return metadata.getOperationTrace(id);
    },
    cancel: async (id) => {
      const operation = await get(id);
      if (operation.state !== 'queued' || !(await options.dequeue(operation))) {
        const { state } = await get(id);
        throw new Refusal('conflict', `Operation ${id} is ${state === 'queued' ? 'beginning' : state}.`);
      }
      const cancelled: Operation = { ...operation, state: 'cancelled', updatedAt: new Date().toISOString() };
      if (!(await metadata.updateOperation(cancelled))) {
        throw new Refusal('conflict', `Operation ${id} has ended.`);
      }
      options.onCancelled(cancelled);
      return cancelled;
    },
  };
}

function refuse(message: string): never {
  throw new Refusal('not-found', message);
}
