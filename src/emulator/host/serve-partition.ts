/**
 * Runs one partition for its owner, in turns of some million instructions, and serves requests between turns.
 * A request that changes the machine takes effect between two turns; while the partition rests, at once. What the guest emits
 * goes through an outbox, which decides when the next turn may begin.
 */

import type { MessagePort } from 'node:worker_threads';
import { assert } from '../../base/errors.ts';
import { failureText, hostFile } from '../../base/failure-text.ts';
import type { DiskConfig, InputTaken, WrittenParts } from '../contract/partition.ts';
import {
  createMemoryStore,
  createScratchStore,
  type OwnedStore,
  openFileStore,
  type ScratchStore,
  type TrackedStore,
} from '../devices/virtio/index.ts';
import { OutsideMemory } from '../memory/contract.ts';
import { Partition } from '../partition/partition.ts';
import { DiskFailures } from './disk-failures.ts';
import { LineCutter } from './line-cutter.ts';
import { Outbox } from './outbox.ts';
import type { FromWorker, OpenPartition, Request, ToWorker } from './protocol.ts';
import { scratchQuota } from './scratch-space.ts';

/** A turn ends after so many instructions or milliseconds, whichever comes first; then requests are served. */
const TURN = 5_000_000;
const TURN_MS = 50;
/** Instructions, and nanoseconds of the guest's time, between two `progress` notices: one that only waits executes few instructions. */
const PROGRESS = 50_000_000;
const PROGRESS_NS = 5e9;
const SECTOR = 512;
/** Bytes of written parts in one answer. */
const MOST_WRITTEN = 2 ** 24;
/** Requests that are answered by an array of their own. */
const READS: ReadonlySet<Request['kind']> = new Set(['read-memory', 'read-instant', 'read-disk']);

type TakeWritten = Extract<Request, { readonly kind: 'take-written' }>;

/**
 * Makes the partition and serves its owner at the port until it is closed.
 * @throws HostFileError for a disk that cannot be opened; FormatError for a machine that cannot be
 */
export function servePartition(port: MessagePort, { config, scratch }: OpenPartition): void {
  let power: 'off' | 'running' | 'resting' | 'held' = 'off';
  let reported = { insn: 0, ns: 0 };
  /** The next turn, where one is due. */
  let next: NodeJS.Immediate | NodeJS.Timeout | undefined;
  /** Lines of the line terminal in this power cycle. */
  let lines = 0;

  const send = (message: FromWorker, transfer: ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer);
  const outbox = new Outbox({
    send: (notices) => send({ kind: 'notices', notices }),
    summary: () => {
      const [first, second] = partition.terminals;
      return { bytes: [first.bytes, second.bytes], lines, refused: first.refused + second.refused };
    },
  });
  const cutter = config.lineTerminal === undefined ? undefined : new LineCutter(config.lineTerminal);

  /** Asks for what is written, and waits until there is enough. */
  let taking: { readonly id: number; readonly request: TakeWritten } | undefined;

  const comparePiece = new Uint8Array(2 ** 18);

  const disks: (OwnedStore | ScratchStore | TrackedStore)[] = config.disks.map(openDisk);
  const failures = new DiskFailures((failure) => outbox.add({ kind: 'disk-failed', failure }));

  function openDisk(disk: DiskConfig): OwnedStore | ScratchStore | TrackedStore {
    switch (disk.kind) {
      case 'file':
        return hostFile('a disk of the image', () => openFileStore(disk.path, { readOnly: disk.readOnly }));
      case 'scratch':
        return hostFile('the dump disk', () =>
          scratch === undefined
            ? createScratchStore(disk.bytes)
            : createScratchStore(disk.bytes, scratch.folder, scratchQuota(scratch)),
        );
      case 'memory':
        return createMemoryStore(disk.bytes, { readOnly: disk.readOnly });
    }
  }

  const partition = new Partition(
    config,
    disks.map((store, index) => failures.watched(index, store)),
    {
      console: print,
      event: (event) => outbox.add({ kind: 'machine-event', event }),
      unsupported: (what, count) => outbox.add({ kind: 'unsupported', what, count }),
    },
  );

  function print(vty: 0 | 1, bytes: Uint8Array): void {
    const insn = partition.instructions;
    if (vty === 0 || cutter === undefined) outbox.print(vty, bytes, insn);
    else
      for (const text of cutter.push(bytes)) {
        lines++;
        outbox.add({ kind: 'line', insn, text });
      }
  }

  /** Schedules the next turn for when the owner has taken enough; messages that wait in the port are served in between. */
  function schedule(): void {
    if (power !== 'running' || next !== undefined) return;
    const { waitMs } = outbox;
    if (waitMs === 0) next = setImmediate(turn);
    else if (Number.isFinite(waitMs)) {
      next = setTimeout(() => {
        next = undefined;
        schedule();
      }, waitMs);
    }
  }

  function turn(): void {
    next = undefined;
    if (power !== 'running') return;
    const until = performance.now() + TURN_MS;
    run(TURN, () => outbox.isFull || performance.now() > until);
    outbox.send();
    giveWritten();
    schedule();
  }

  /** Runs a part of a turn, and reports how it came back. */
  function run(instructions: number, enough: () => boolean): void {
    try {
      const outcome = partition.run(instructions, enough);
      if (outcome === 'ended') {
        power = 'off';
        const end = partition.ended;
        assert(end !== undefined, 'an ended partition says how');
        outbox.add({ kind: 'ended', end, insn: partition.instructions });
      } else if (outcome === 'resting') {
        power = 'resting';
        progress(true);
      } else if (outcome === 'held') {
        power = 'held';
        outbox.add({ kind: 'held', insn: partition.instructions });
      } else if (
        partition.instructions - reported.insn >= PROGRESS ||
        partition.clock.now() - reported.ns >= PROGRESS_NS
      )
        progress(false);
    } catch (error) {
      power = 'off';
      const end = { kind: 'error', message: failureText(error) } as const;
      outbox.add({ kind: 'ended', end, insn: partition.instructions });
    }
  }

  /** Input comes right after a slice: the host's time, which ends turns, must not say where. */
  function input({ vty, bytes }: Extract<Request, { readonly kind: 'input' }>): InputTaken | undefined {
    if (power === 'running') run(1, () => false);
    const { instructions: insn, slices: slice } = partition;
    const resting = power === 'resting';
    const isHeld = power === 'held';
    if (!partition.input(vty, bytes)) return undefined;
    wake();
    return { insn, slice, resting, ...(isHeld ? { held: true } : {}) };
  }

  function progress(resting: boolean): void {
    reported = { insn: partition.instructions, ns: partition.clock.now() };
    outbox.add({ kind: 'progress', insn: reported.insn, tb: partition.clock.timebase(), resting });
  }

  /** Empties dump devices and plan disks, so that their contents were written in this power cycle. */
  function emptyScratchDisks(): void {
    failures.reset();
    for (const disk of disks) if ('empty' in disk) disk.empty();
  }

  function wake(): void {
    if (power !== 'resting') return;
    power = 'running';
    schedule();
  }

  function serve(request: Exclude<Request, TakeWritten>): unknown {
    switch (request.kind) {
      case 'start':
        if (power !== 'off') throw new Error('the partition is on already');
        emptyScratchDisks();
        partition.powerOn();
        if (request.plan !== undefined) partition.observe(request.plan);
        power = 'running';
        reported = { insn: 0, ns: 0 };
        lines = 0;
        cutter?.clear();
        outbox.reset();
        schedule();
        return undefined;
      case 'stop':
        if (power === 'off') return undefined;
        partition.stop();
        power = 'off';
        outbox.add({ kind: 'ended', end: { kind: 'stopped' }, insn: partition.instructions });
        return undefined;
      case 'input':
        return input(request);
      case 'nmi':
        partition.nmi(request.cpus);
        wake();
        return undefined;
      case 'observe':
        partition.observe(request.plan);
        return undefined;
      case 'go-on':
        if (power !== 'held') return undefined;
        power = 'running';
        schedule();
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
        return partition.changes(request.name, request.from);
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

  /** Answers who asks for what is written, where that is enough. */
  function giveWritten(): void {
    if (taking === undefined) return;
    const { id, request } = taking;
    const store = disks[request.disk];
    const there = store !== undefined && 'writtenBytes' in store ? store.writtenBytes : 0;
    const enough = power === 'running' ? request.atLeast : 1;
    if (power !== 'off' && there < enough) return;
    taking = undefined;
    answer(id, () => takeWritten(request.disk), true);
  }

  function takeWritten(disk: number): WrittenParts {
    const store = disks[disk];
    if (store === undefined || !('takeWritten' in store)) throw new Error(`disk ${disk} is no scratch disk`);
    return { parts: store.takeWritten(MOST_WRITTEN), ended: power === 'off' };
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

  /** In pieces through one buffer: a dump is as large as memory. What the guest never wrote is not read: it is zeros. */
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
      if ('isUnwritten' in store && store.isUnwritten(offset + done, piece.length))
        found.push(...partition.notZero(name, raddr + done, piece.length));
      else {
        store.read(offset + done, piece);
        found.push(...partition.differing(name, raddr + done, piece));
      }
    }
    return found;
  }

  port.on('message', (message: ToWorker) => {
    if (message === 'taken') {
      outbox.acknowledge();
      schedule();
      return;
    }
    const { id, request } = message;
    if (request.kind === 'take-written') {
      // One asks at a time: an earlier one gets what there is.
      const earlier = taking;
      taking = { id, request };
      if (earlier !== undefined) answer(earlier.id, () => takeWritten(earlier.request.disk), true);
    } else answer(id, () => serve(request), READS.has(request.kind));
    giveWritten();
    if (request.kind === 'close') port.close();
  });

  /** @param isRead the bytes of the answer were read for it, and are handed over instead of copied */
  function answer(id: number, work: () => unknown, isRead: boolean): void {
    let said: FromWorker;
    try {
      said = { kind: 'answer', id, value: work() };
    } catch (error) {
      const outside =
        error instanceof OutsideMemory ? { outside: { raddr: error.raddr, length: error.length } } : {};
      said = { kind: 'refusal', id, message: failureText(error), ...outside };
    }
    outbox.flush();
    send(said, isRead && said.kind === 'answer' ? buffersOf(said.value) : []);
  }
}

/** The memory of what was read: each read makes an array of its own. */
function buffersOf(value: unknown): ArrayBuffer[] {
  if (value instanceof Uint8Array) return [value.buffer as ArrayBuffer];
  if (typeof value !== 'object' || value === null || !('parts' in value)) return [];
  return (value as WrittenParts).parts.map(({ bytes }) => bytes.buffer as ArrayBuffer);
}
