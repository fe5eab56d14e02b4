/**
 * Runs one partition in a worker thread, in turns of some million instructions, and serves requests between turns.
 * A request that changes the machine takes effect between two turns; while the partition rests, at once.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { assert, BugError } from '../../base/errors.ts';
import type { DiskConfig, PartitionNotice } from '../contract/partition.ts';
import type { BlockStore } from '../devices/contract.ts';
import {
  createMemoryStore,
  createScratchStore,
  type OwnedStore,
  openFileStore,
  type ScratchStore,
} from '../devices/virtio/index.ts';
import { adoptModules } from '../engine/interpreter/modules.ts';
import { OutsideMemory } from '../memory/contract.ts';
import { Partition } from '../partition/partition.ts';
import type { FromWorker, Request, ToWorker, WorkerStart } from './protocol.ts';

/** A turn ends after so many instructions or milliseconds, whichever comes first; then requests are served. */
const TURN = 5_000_000;
const TURN_MS = 50;
/** Instructions between two `progress` notices. */
const PROGRESS = 50_000_000;
const SECTOR = 512;

const port = parentPort;
assert(port !== null, 'the partition worker runs in a worker thread');
const { config, interpreters } = workerData as WorkerStart;
adoptModules(interpreters);

let outbox: PartitionNotice[] = [];
let power: 'off' | 'running' | 'resting' = 'off';
let told = 0;

const tell = (notice: PartitionNotice): void => {
  outbox.push(notice);
};
const send = (message: FromWorker): void => port.postMessage(message);
const flush = (): void => {
  if (outbox.length === 0) return;
  send({ kind: 'notices', notices: outbox });
  outbox = [];
};

const comparePiece = new Uint8Array(2 ** 18);

const disks: (OwnedStore | ScratchStore)[] = config.disks.map(openDisk);

function openDisk(disk: DiskConfig): OwnedStore | ScratchStore {
  switch (disk.kind) {
    case 'file':
      return openFileStore(disk.path, { readOnly: disk.readOnly });
    case 'scratch':
      return createScratchStore(disk.bytes);
    case 'memory':
      return createMemoryStore(disk.bytes, { readOnly: disk.readOnly });
  }
}

const partition = new Partition(config, disks as readonly BlockStore[], {
  console: (vty, bytes) => tell({ kind: 'console', vty, insn: partition.instructions, bytes }),
  event: (event) => tell({ kind: 'machine-event', event }),
  unsupported: (what, count) => tell({ kind: 'unsupported', what, count }),
});

/** Runs one turn and schedules the next; messages that wait in the port are served in between. */
function turn(): void {
  if (power !== 'running') return;
  try {
    const until = performance.now() + TURN_MS;
    const outcome = partition.run(TURN, () => performance.now() > until);
    if (outcome === 'ended') {
      power = 'off';
      const end = partition.ended;
      assert(end !== undefined, 'an ended partition says how');
      tell({ kind: 'ended', end, insn: partition.instructions });
    } else if (outcome === 'resting') {
      power = 'resting';
      tell({ kind: 'progress', insn: partition.instructions, resting: true });
    } else if (partition.instructions - told >= PROGRESS) {
      told = partition.instructions;
      tell({ kind: 'progress', insn: told, resting: false });
    }
  } catch (error) {
    power = 'off';
    tell({ kind: 'ended', end: { kind: 'error', message: describe(error) }, insn: partition.instructions });
  }
  flush();
  if (power === 'running') setImmediate(turn);
}

/** Empties dump devices and plan disks, so that their contents were written in this power cycle. */
function emptyScratchDisks(): void {
  for (const disk of disks) if ('empty' in disk) disk.empty();
}

function wake(): void {
  if (power !== 'resting') return;
  power = 'running';
  setImmediate(turn);
}

function serve(request: Request): unknown {
  switch (request.kind) {
    case 'start':
      if (power !== 'off') throw new Error('the partition is on already');
      emptyScratchDisks();
      partition.powerOn();
      if (request.plan !== undefined) partition.observe(request.plan);
      power = 'running';
      told = 0;
      setImmediate(turn);
      return undefined;
    case 'stop':
      if (power === 'off') return undefined;
      partition.stop();
      power = 'off';
      tell({ kind: 'ended', end: { kind: 'stopped' }, insn: partition.instructions });
      return undefined;
    case 'input':
      partition.input(request.vty, request.bytes);
      wake();
      return undefined;
    case 'nmi':
      partition.nmi(request.cpus);
      wake();
      return undefined;
    case 'observe':
      partition.observe(request.plan);
      return undefined;
    case 'inject':
      partition.inject(request.faults);
      return undefined;
    case 'vcpus':
      return partition.snapshot();
    case 'read-memory':
      return partition.ram.read(request.raddr, request.length);
    case 'instant':
      return partition.instant(request.name);
    case 'read-instant':
      return partition.readInstant(request.name, request.raddr, request.length);
    case 'compare-disk':
      return compareDisk(request);
    case 'changes':
      return partition.changes(request.name);
    case 'dropped':
      return partition.dropped;
    case 'machine-tree':
      return partition.machineTree();
    case 'write-disk':
      writeDisk(request.disk, request.offset, request.bytes);
      return undefined;
    case 'read-disk': {
      const store = disks[request.disk];
      if (store === undefined) throw new Error(`there is no disk ${request.disk}`);
      const target = new Uint8Array(request.length);
      store.read(request.offset, target);
      return target;
    }
    case 'close':
      power = 'off';
      for (const disk of disks) disk.close();
      return undefined;
  }
}

/** The owner's side of a memory disk. The guest's side stays read-only. */
function writeDisk(disk: number, offset: number, bytes: Uint8Array): void {
  const store = disks[disk];
  if (store === undefined || config.disks[disk]?.kind !== 'memory')
    throw new Error(`disk ${disk} is not one that is written from outside`);
  const whole = offset % SECTOR === 0 && bytes.length % SECTOR === 0;
  if (!whole || offset < 0 || offset + bytes.length > store.bytes)
    throw new Error(`disk ${disk} has ${store.bytes} bytes: not whole sectors inside it`);
  store.write(offset, bytes);
}

/** In pieces through one buffer: a dump is as large as memory. */
function compareDisk({
  name,
  raddr,
  length,
  disk,
  offset,
}: Extract<Request, { kind: 'compare-disk' }>): number[] {
  const store = disks[disk];
  if (store === undefined) throw new Error(`there is no disk ${disk}`);
  const found: number[] = [];
  for (let done = 0; done < length; done += comparePiece.length) {
    const piece = comparePiece.subarray(0, Math.min(comparePiece.length, length - done));
    store.read(offset + done, piece);
    found.push(...partition.differing(name, raddr + done, piece));
  }
  return found;
}

function describe(error: unknown): string {
  if (error instanceof BugError) return error.stack ?? error.message;
  return error instanceof Error ? error.message : String(error);
}

// A request that cannot be read would never be answered: the worker ends, and its owner learns why.
port.on('messageerror', (error) => {
  throw error;
});

port.on('message', ({ id, request }: ToWorker) => {
  let answer: FromWorker;
  try {
    answer = { kind: 'answer', id, value: serve(request) };
  } catch (error) {
    const outside =
      error instanceof OutsideMemory ? { outside: { raddr: error.raddr, length: error.length } } : {};
    answer = { kind: 'refusal', id, message: describe(error), ...outside };
  }
  flush();
  send(answer);
  if (request.kind === 'close') port.close();
});
