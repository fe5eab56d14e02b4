/** The client's end of a virtual SCSI adapter, over memory with a window of TCEs and a clock that is moved by hand. */

import { getU32, getU64, putU16, putU32, putU64 } from '../../../../src/base/bytes.ts';
import type { BlockStore, Unsupported } from '../../../../src/emulator/devices/contract.ts';
import { ScsiDisk, Vscsi } from '../../../../src/emulator/devices/vscsi/index.ts';
import { TceTable, tceDma } from '../../../../src/emulator/platform/pci/index.ts';
import { FakeMemory } from '../../../synth/firmware-machine.ts';
import { FakeClock } from '../virtio/fakes.ts';

export const WINDOW = 0x10_0000;
/** Bus addresses; memory is mapped one to one at OFFSET above them. */
export const QUEUE = 0x0;
export const UNIT = 0x2000;
export const BUFFER = 0x1_0000;
export const OFFSET = 0x20_0000;
export const DISK_BYTES = 32_768;
const PAGE = 0x1000;
const LOGICAL = 0x80;

export class ArrayStore implements BlockStore {
  readonly data: Uint8Array;
  readonly readOnly: boolean;
  bytesRead = 0;

  constructor(bytes: number, readOnly: boolean) {
    this.data = new Uint8Array(bytes);
    this.readOnly = readOnly;
  }
  get bytes(): number {
    return this.data.length;
  }
  read(offset: number, target: Uint8Array): void {
    this.bytesRead += target.length;
    target.set(this.data.subarray(offset, offset + target.length));
  }
  write(offset: number, source: Uint8Array): void {
    this.data.set(source, offset);
  }
  flush(): void {}
}

export type Element = {
  readonly valid: number;
  readonly format: number;
  readonly status: number;
  readonly tag: bigint;
};

export type Answer = {
  readonly status: number;
  readonly flags: number;
  readonly inResidual: number;
  readonly outResidual: number;
  /** Sense key and code; undefined without sense data. */
  readonly sense: string | undefined;
};

export class GuestClient {
  readonly memory: FakeMemory = new FakeMemory([{ base: 0, size: 0x40_0000 }]);
  readonly table: TceTable = new TceTable(this.memory, WINDOW, 7);
  readonly disks: readonly ArrayStore[];
  readonly adapter: Vscsi;
  readonly reports: Unsupported[] = [];
  readonly written: (readonly [number, number, number])[] = [];
  readonly clock: FakeClock = new FakeClock();
  pulses = 0;
  #next = QUEUE;

  constructor(diskBytes: number = DISK_BYTES) {
    this.disks = [new ArrayStore(DISK_BYTES, true), new ArrayStore(diskBytes, false)];
    for (let at = 0; at < WINDOW; at += PAGE) this.map(at, 3);
    this.adapter = new Vscsi({
      unit: 7,
      dma: tceDma(this.table, this.memory),
      line: { set: () => undefined, pulse: () => void this.pulses++ },
      clock: this.clock,
      unsupported: (what) => void this.reports.push(what),
      disks: this.disks.map(
        (store, i) =>
          new ScsiDisk({
            store,
            name: `disk${i}`,
            unsupported: (what) => void this.reports.push(what),
            onWrite: (offset, length) => void this.written.push([i, offset, length]),
          }),
      ),
    });
    this.adapter.queue.register(BigInt(QUEUE), PAGE);
    this.adapter.queue.signal(true);
  }

  /** Access bits of the page at a bus address: 1 the device reads, 2 it writes. */
  map(ioba: number, access: number): void {
    this.table.put(BigInt(ioba), [BigInt(ioba + OFFSET) | BigInt(access)]);
  }

  at(ioba: number, length: number): Uint8Array {
    return this.memory.read(ioba + OFFSET, length);
  }

  put(ioba: number, bytes: Uint8Array): void {
    this.memory.write(ioba + OFFSET, bytes);
  }

  send(format: number, unit: Uint8Array, valid = 0x80, where: number = UNIT): boolean {
    this.put(where, unit);
    const element = new Uint8Array(16);
    element[0] = valid;
    element[1] = format;
    putU16(element, 6, unit.length, 'big');
    putU64(element, 8, BigInt(where), 'big');
    return this.adapter.send(element) === 'taken';
  }

  /** Time passes. */
  run(): void {
    this.clock.advance(1_000_000);
  }

  /** The next element that the server put; undefined when there is none. */
  take(): Element | undefined {
    const bytes = this.at(this.#next, 16);
    if (bytes[0] === 0) return undefined;
    this.put(this.#next, new Uint8Array(16));
    this.#next = QUEUE + ((this.#next - QUEUE + 16) % PAGE);
    const [valid = 0, format = 0, , status = 0] = bytes;
    return { valid, format, status, tag: getU64(bytes, 8, 'big') };
  }

  /** A command's unit with one buffer. */
  command(
    cdb: readonly number[],
    options: { disk?: number; into?: number; from?: number; bytes?: number; tag?: bigint } = {},
  ): Uint8Array {
    const unit = new Uint8Array(64);
    unit[0] = 2;
    unit[5] = options.into !== undefined ? 0x01 : options.from !== undefined ? 0x10 : 0;
    putU64(unit, 8, options.tag ?? 0x1234n, 'big');
    unit[20] = LOGICAL | (options.disk ?? 0);
    unit.set(cdb, 32);
    putU64(unit, 48, BigInt(options.into ?? options.from ?? 0), 'big');
    putU32(unit, 60, options.bytes ?? 0, 'big');
    return unit;
  }

  /** Sends a command, lets time pass, and reads the response. */
  execute(unit: Uint8Array): Answer {
    if (!this.send(1, unit)) throw new Error('the queue is closed');
    this.run();
    const element = this.take();
    if (element === undefined || element.status !== 0) throw new Error('no answer');
    const bytes = this.at(UNIT, 64);
    if (bytes[0] !== 0xc1 || element.tag !== getU64(unit, 8, 'big')) throw new Error('not the answer');
    const senseBytes = getU32(bytes, 28, 'big');
    return {
      status: bytes[19] ?? 0,
      flags: bytes[18] ?? 0,
      outResidual: getU32(bytes, 20, 'big'),
      inResidual: getU32(bytes, 24, 'big'),
      sense: senseBytes === 0 ? undefined : `${bytes[36 + 2]}/${(bytes[36 + 12] ?? 0).toString(16)}`,
    };
  }
}
