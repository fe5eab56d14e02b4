/**
 * A virtual SCSI adapter (vscsi): the server's end of a client's command/response queue, with disks behind it.
 *
 * Source: LoPAR, "Virtual SCSI"; QEMU 7.2 hw/scsi/spapr_vscsi.c; the client is Linux 6.1 drivers/scsi/ibmvscsi. A message names an
 * information unit in the client's memory; it is read, executed and answered some microseconds later, or when the
 * adapter's bandwidth (bandwidth.ts) allows it, in the order of the messages, by DMA through
 * the adapter's window, so that a page that was unmapped meanwhile fails the request: with a check condition where it
 * held data, with a queue element that says so where the answer cannot be put, and without an answer where the unit
 * itself cannot be read or the queue is gone. Left out: fast fail, migration, reservation, units of several clients.
 */

import { getU16, getU32, getU64, latin1Bytes, putU16, putU32 } from '../../../base/bytes.ts';
import { Bandwidth, DESCRIPTOR_BYTES, REQUEST_BYTES } from '../bandwidth.ts';
import type { Clock, InterruptLine, ReportUnsupported } from '../contract.ts';
import { CommandQueue } from './command-queue.ts';
import type { DmaWindow } from './dma.ts';
import { loginResponse, taskResponse } from './information-unit.ts';
import {
  ADAPTER_INFO,
  CAPABILITIES,
  CRQ,
  CRQ_STATUS,
  FORMAT,
  INIT,
  IU_BYTES,
  MAD,
  MAD_STATUS,
  MAD_TYPE,
  SRP,
  TAG,
  TASK,
  TASK_DONE,
  TASK_FUNCTION,
  TASK_NOT_SUPPORTED,
  VALID,
} from './layout.ts';
import { BLOCK, type ScsiDisk } from './scsi-disk.ts';
import { MOST_BLOCKS } from './scsi-pages.ts';
import { ScsiTarget } from './target.ts';

export type VscsiOptions = {
  /** The unit address: what hypercalls name the adapter by. */
  readonly unit: number;
  readonly dma: DmaWindow;
  readonly line: InterruptLine;
  readonly clock: Clock;
  readonly disks: readonly ScsiDisk[];
  readonly unsupported: ReportUnsupported;
  /** A message was worked on later than usual. */
  readonly onDeferred?: () => void;
};

/** Between a message and the work on it. */
const REQUEST_LATENCY_NS = 10_000;
/** Requests that a client may have under way; two more for management. */
const REQUEST_LIMIT = 22;
/** Messages that wait for being worked on: more than a client that keeps to the limit ever has. Further ones are dropped. */
const MOST_WAITING = 256;
const VERSION = '16.a';
const MAD_VERSION = 1;
/** What the server is: Linux, as far as clients distinguish. */
const SYSTEM_LINUX = 2;

/** What became of a message. LoPAR, H_SEND_CRQ. */
export type Sent = 'taken' | 'no-queue' | 'full';

export class Vscsi {
  readonly unit: number;
  readonly queue: CommandQueue;
  readonly #options: VscsiOptions;
  readonly #target: ScsiTarget;
  /** The same window; what moves through it is taken from the bandwidth. */
  readonly #dma: DmaWindow;
  readonly #bandwidth: Bandwidth;
  /** Messages that were sent and not yet worked on, the oldest first, and the instant from which each may be. */
  #waiting: { readonly element: Uint8Array; readonly fromNs: number }[] = [];
  /** Of the next work, while messages wait. */
  #cancel: (() => void) | undefined;
  /** Whether that work waits for the bandwidth. */
  #held = false;

  constructor(options: VscsiOptions) {
    this.unit = options.unit;
    this.#options = options;
    this.#bandwidth = new Bandwidth(options.clock);
    this.#dma = countedDma(options.dma, this.#bandwidth);
    this.queue = new CommandQueue(options.dma, options.line);
    this.#target = new ScsiTarget(options.disks, this.#dma);
  }

  /** Requests that were sent and not yet worked on. */
  get inFlight(): number {
    return this.#waiting.length;
  }

  /** The client gives its queue up: what it sent is forgotten. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#held = false;
    this.#waiting = [];
    this.queue.free();
  }

  /** A message from the client: 16 bytes. */
  send(element: Uint8Array): Sent {
    if (!this.queue.registered) return 'no-queue';
    switch (element[0]) {
      case VALID.init:
        if (element[CRQ.format] === INIT.request) {
          const answer = new Uint8Array(CRQ.bytes);
          answer[0] = VALID.init;
          answer[CRQ.format] = INIT.complete;
          this.queue.put(answer);
        }
        return 'taken';
      case VALID.command: {
        if (this.#waiting.length >= MOST_WAITING) return 'full';
        const fromNs = this.#options.clock.now() + REQUEST_LATENCY_NS;
        this.#waiting.push({ element, fromNs });
        if (this.#cancel === undefined) this.#workAt(fromNs);
        return 'taken';
      }
      default:
        this.#options.unsupported({
          kind: 'device',
          key: `vscsi message 0x${(element[0] ?? 0).toString(16)}`,
        });
        return 'taken';
    }
  }

  #workAt(atNs: number): void {
    this.#cancel = this.#options.clock.at(atNs, () => {
      this.#cancel = undefined;
      this.#work();
    });
  }

  /** Works on what is due, as far as the bandwidth goes. */
  #work(): void {
    const { clock, onDeferred } = this.#options;
    if (this.#held) onDeferred?.();
    this.#held = false;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      this.#held = next.fromNs <= clock.now() && this.#bandwidth.left <= 0;
      if (this.#held || next.fromNs > clock.now()) {
        this.#workAt(this.#held ? this.#bandwidth.nextAt : next.fromNs);
        return;
      }
      this.#waiting.shift();
      this.#bandwidth.spend(REQUEST_BYTES);
      this.#serve(next.element);
    }
  }

  #serve(element: Uint8Array): void {
    const { unsupported } = this.#options;
    const dma = this.#dma;
    const format = element[CRQ.format];
    const length = getU16(element, CRQ.length, 'big');
    if ((format !== FORMAT.srp && format !== FORMAT.mad) || length > IU_BYTES) {
      unsupported({ kind: 'device', key: `vscsi payload format ${format}, ${length} bytes` });
      return;
    }
    const read = dma.read(getU64(element, CRQ.pointer, 'big'), length);
    // Its tag is in the unit: without it no answer can be addressed.
    if (read === undefined) return;
    const unit = new Uint8Array(IU_BYTES);
    unit.set(read);
    const answer = format === FORMAT.mad ? this.#management(unit) : this.#srp(unit);
    if (answer !== undefined) this.#answer(element, format, answer);
  }

  /** Puts a unit where the request's was, and says so. */
  #answer(request: Uint8Array, format: number, unit: Uint8Array): void {
    const written = this.#dma.write(getU64(request, CRQ.pointer, 'big'), unit);
    const element = new Uint8Array(CRQ.bytes);
    element[0] = VALID.command;
    element[CRQ.format] = format;
    element[CRQ.status] = written ? CRQ_STATUS.ok : CRQ_STATUS.adapterFail;
    putU16(element, CRQ.length, unit.length, 'big');
    element.set(unit.subarray(TAG, TAG + 8), CRQ.pointer);
    this.queue.put(element);
  }

  #srp(unit: Uint8Array): Uint8Array | undefined {
    switch (unit[0]) {
      case SRP.loginRequest:
        return loginResponse(unit, REQUEST_LIMIT);
      case SRP.command:
        return this.#target.execute(unit);
      case SRP.taskManagement:
        return taskResponse(unit, this.#manageTasks(unit));
      default:
        this.#options.unsupported({ kind: 'device', key: `vscsi SRP 0x${(unit[0] ?? 0).toString(16)}` });
        return undefined;
    }
  }

  /** Requests are worked on in order, each in one go: those that came before this one are done. */
  #manageTasks(unit: Uint8Array): number {
    const known: readonly (number | undefined)[] = Object.values(TASK_FUNCTION);
    return known.includes(unit[TASK.function]) ? TASK_DONE : TASK_NOT_SUPPORTED;
  }

  #management(unit: Uint8Array): Uint8Array {
    const type = getU32(unit, 0, 'big');
    const length = getU16(unit, MAD.length, 'big');
    const at = getU64(unit, MAD.buffer, 'big');
    let status: number = MAD_STATUS.notSupported;
    if (type === MAD_TYPE.adapterInfo) {
      status = this.#put(at, adapterInfo().subarray(0, length));
    } else if (type === MAD_TYPE.capabilities) {
      const asked = this.#dma.read(at, Math.min(length, CAPABILITIES.bytes));
      status = asked === undefined ? MAD_STATUS.failed : this.#put(at, withoutCapabilities(asked));
    }
    putU16(unit, MAD.status, status, 'big');
    return unit.subarray(0, MAD.bytes);
  }

  #put(ioba: bigint, bytes: Uint8Array): number {
    return this.#dma.write(ioba, bytes) ? MAD_STATUS.success : MAD_STATUS.failed;
  }
}

/** @param bandwidth what every transfer through the window is taken from */
function countedDma(dma: DmaWindow, bandwidth: Bandwidth): DmaWindow {
  return {
    read: (ioba, length) => {
      bandwidth.spend(DESCRIPTOR_BYTES + length);
      return dma.read(ioba, length);
    },
    write: (ioba, bytes) => {
      bandwidth.spend(DESCRIPTOR_BYTES + bytes.length);
      return dma.write(ioba, bytes);
    },
  };
}

function adapterInfo(): Uint8Array {
  const bytes = new Uint8Array(ADAPTER_INFO.bytes);
  bytes.set(latin1Bytes(VERSION), ADAPTER_INFO.version);
  bytes.set(latin1Bytes('kdumpd'), ADAPTER_INFO.name);
  putU32(bytes, ADAPTER_INFO.partition, 0, 'big');
  putU32(bytes, ADAPTER_INFO.madVersion, MAD_VERSION, 'big');
  putU32(bytes, ADAPTER_INFO.system, SYSTEM_LINUX, 'big');
  putU32(bytes, ADAPTER_INFO.largestTransfer, MOST_BLOCKS * BLOCK, 'big');
  return bytes;
}

/** What a client asked for, with nothing of it granted. */
function withoutCapabilities(asked: Uint8Array): Uint8Array {
  const full = new Uint8Array(CAPABILITIES.bytes);
  full.set(asked);
  putU32(full, CAPABILITIES.flags, 0, 'big');
  putU16(full, CAPABILITIES.migrationSupport, 0, 'big');
  putU32(full, CAPABILITIES.migrationValue, 0, 'big');
  putU16(full, CAPABILITIES.reserveSupport, 0, 'big');
  putU32(full, CAPABILITIES.reserveValue, 0, 'big');
  return full.subarray(0, asked.length);
}
