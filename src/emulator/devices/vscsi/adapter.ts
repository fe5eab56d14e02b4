/**
 * A virtual SCSI adapter (vscsi): the server's end of a client's command/response queue, with disks behind it.
 *
 * Source: LoPAR, "Virtual SCSI"; QEMU 7.2 hw/scsi/spapr_vscsi.c; the client is Linux 6.1 drivers/scsi/ibmvscsi. A message names an
 * information unit in the client's memory; it is read, executed and answered some microseconds later, by DMA through
 * the adapter's window, so that a page that was unmapped meanwhile fails the request: with a check condition where it
 * held data, with a queue element that says so where the answer cannot be put, and without an answer where the unit
 * itself cannot be read or the queue is gone. Left out: fast fail, migration, reservation, units of several clients.
 */

import { getU16, getU32, getU64, latin1Bytes, putU16, putU32 } from '../../../base/bytes.ts';
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
};

/** Between a message and the work on it. */
const REQUEST_LATENCY_NS = 10_000;
/** Requests that a client may have under way; two more for management. */
const REQUEST_LIMIT = 22;
const VERSION = '16.a';
const MAD_VERSION = 1;
/** What the server is: Linux, as far as clients distinguish. */
const SYSTEM_LINUX = 2;

type Request = {
  readonly element: Uint8Array;
  readonly cancel: () => void;
};

export class Vscsi {
  readonly unit: number;
  readonly queue: CommandQueue;
  readonly #options: VscsiOptions;
  readonly #target: ScsiTarget;
  readonly #requests = new Set<Request>();

  constructor(options: VscsiOptions) {
    this.unit = options.unit;
    this.#options = options;
    this.queue = new CommandQueue(options.dma, options.line);
    this.#target = new ScsiTarget(options.disks, options.dma);
  }

  /** Requests that were sent and not yet worked on. */
  get inFlight(): number {
    return this.#requests.size;
  }

  /** The client gives its queue up: what it sent is forgotten. */
  close(): void {
    for (const request of this.#requests) request.cancel();
    this.#requests.clear();
    this.queue.free();
  }

  /** A message from the client: 16 bytes. @returns whether a queue is registered to take it. */
  send(element: Uint8Array): boolean {
    if (!this.queue.registered) return false;
    switch (element[0]) {
      case VALID.init:
        if (element[CRQ.format] === INIT.request) {
          const answer = new Uint8Array(CRQ.bytes);
          answer[0] = VALID.init;
          answer[CRQ.format] = INIT.complete;
          this.queue.put(answer);
        }
        return true;
      case VALID.command:
        this.#schedule(element);
        return true;
      default:
        this.#options.unsupported({
          kind: 'device',
          key: `vscsi message 0x${(element[0] ?? 0).toString(16)}`,
        });
        return true;
    }
  }

  #schedule(element: Uint8Array): void {
    const { clock } = this.#options;
    const request: Request = {
      element,
      cancel: clock.at(clock.now() + REQUEST_LATENCY_NS, () => {
        this.#requests.delete(request);
        this.#serve(element);
      }),
    };
    this.#requests.add(request);
  }

  #serve(element: Uint8Array): void {
    const { dma, unsupported } = this.#options;
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
    const written = this.#options.dma.write(getU64(request, CRQ.pointer, 'big'), unit);
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

  /** Requests are worked on in order and in one go: those that came before this one are done. */
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
      const asked = this.#options.dma.read(at, Math.min(length, CAPABILITIES.bytes));
      status = asked === undefined ? MAD_STATUS.failed : this.#put(at, withoutCapabilities(asked));
    }
    putU16(unit, MAD.status, status, 'big');
    return unit.subarray(0, MAD.bytes);
  }

  #put(ioba: bigint, bytes: Uint8Array): number {
    return this.#options.dma.write(ioba, bytes) ? MAD_STATUS.success : MAD_STATUS.failed;
  }
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
