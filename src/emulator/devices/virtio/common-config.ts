/**
 * The common configuration structure: features, status, queue set-up.
 * Source: VIRTIO 1.1 §4.1.4.3, §2.1 (status), §3.1.1 (initialisation). Fields are accessed by their own width, 64-bit
 * ones as two 32-bit halves (§4.1.3.1); anything else is reported.
 */

import type { ReportUnsupported } from '../contract.ts';
import type { AccessSize, Msix } from '../pci/index.ts';
import type { SplitQueue } from './queue.ts';
import * as R from './registers.ts';

/** What the structure acts on. */
export interface CommonHost {
  readonly queues: readonly SplitQueue[];
  readonly offered: bigint;
  readonly msix: Msix;
  resetDevice(): void;
  breakDevice(why: string): void;
  unknownRegister(what: 'read' | 'write', offset: number, size: AccessSize): bigint;
}

type Register = {
  readonly size: 1 | 2 | 4;
  readonly read: () => number;
  readonly write?: (value: number) => void;
};
type QueueAddress = 'descriptors' | 'driver' | 'device';

export class CommonConfig {
  readonly #host: CommonHost;
  readonly #unsupported: ReportUnsupported;
  readonly #registers: ReadonlyMap<number, Register>;
  #deviceSelect = 0;
  #driverSelect = 0;
  #queueSelect = 0;
  #status = 0;
  configVector: number = R.NO_VECTOR;
  driverFeatures = 0n;

  constructor(host: CommonHost, unsupported: ReportUnsupported) {
    this.#host = host;
    this.#unsupported = unsupported;
    this.#registers = this.#table();
  }

  /** Whether queues are served: the driver is there and nothing is broken. */
  get running(): boolean {
    return (this.#status & (R.STATUS_DRIVER_OK | R.STATUS_NEEDS_RESET)) === R.STATUS_DRIVER_OK;
  }

  reset(): void {
    this.#deviceSelect = 0;
    this.#driverSelect = 0;
    this.#queueSelect = 0;
    this.#status = 0;
    this.configVector = R.NO_VECTOR;
    this.driverFeatures = 0n;
  }

  /** @returns whether a driver is there to be notified. */
  setNeedsReset(): boolean {
    this.#status |= R.STATUS_NEEDS_RESET;
    return (this.#status & R.STATUS_DRIVER_OK) !== 0;
  }

  read(offset: number, size: AccessSize): bigint {
    const register = this.#registers.get(offset);
    if (register === undefined || register.size !== size)
      return this.#host.unknownRegister('read', offset, size);
    return BigInt(register.read() >>> 0);
  }

  write(offset: number, size: AccessSize, value: bigint): void {
    const register = this.#registers.get(offset);
    if (register?.write === undefined || register.size !== size)
      this.#host.unknownRegister('write', offset, size);
    else register.write(Number(value));
  }

  #table(): ReadonlyMap<number, Register> {
    const half = (key: QueueAddress, high: boolean): Register => ({
      size: 4,
      read: () => Number(((this.#queue?.[key] ?? 0n) >> (high ? 32n : 0n)) & 0xffff_ffffn),
      write: (value) => this.#setAddress(key, high, value),
    });
    return new Map<number, Register>([
      [
        0x00,
        {
          size: 4,
          read: () => this.#deviceSelect,
          write: (value) => {
            this.#deviceSelect = value;
          },
        },
      ],
      [0x04, { size: 4, read: () => featureWord(this.#host.offered, this.#deviceSelect) }],
      [
        0x08,
        {
          size: 4,
          read: () => this.#driverSelect,
          write: (value) => {
            this.#driverSelect = value;
          },
        },
      ],
      [
        0x0c,
        {
          size: 4,
          read: () => featureWord(this.driverFeatures, this.#driverSelect),
          write: (value) => this.#setFeatures(value),
        },
      ],
      [
        0x10,
        {
          size: 2,
          read: () => this.configVector,
          write: (value) => {
            this.configVector = this.#vector(value);
          },
        },
      ],
      [0x12, { size: 2, read: () => this.#host.queues.length }],
      [0x14, { size: 1, read: () => this.#status, write: (value) => this.#setStatus(value) }],
      // The configuration never changes while the machine runs, so its generation does not either.
      [0x15, { size: 1, read: () => 0 }],
      [
        0x16,
        {
          size: 2,
          read: () => this.#queueSelect,
          write: (value) => {
            this.#queueSelect = value;
          },
        },
      ],
      [
        0x18,
        {
          size: 2,
          read: () => this.#queue?.size ?? 0,
          write: (value) =>
            this.#setUp((queue) => {
              queue.size = value;
            }),
        },
      ],
      [
        0x1a,
        {
          size: 2,
          read: () => this.#queue?.vector ?? R.NO_VECTOR,
          write: (value) => {
            if (this.#queue !== undefined) this.#queue.vector = this.#vector(value);
          },
        },
      ],
      [0x1c, { size: 2, read: () => (this.#queue?.enabled ? 1 : 0), write: (value) => this.#enable(value) }],
      [0x1e, { size: 2, read: () => (this.#queue === undefined ? 0 : this.#queueSelect) }],
      [0x20, half('descriptors', false)],
      [0x24, half('descriptors', true)],
      [0x28, half('driver', false)],
      [0x2c, half('driver', true)],
      [0x30, half('device', false)],
      [0x34, half('device', true)],
    ]);
  }

  get #queue(): SplitQueue | undefined {
    return this.#host.queues[this.#queueSelect];
  }

  /** A vector that is not in the table maps nothing, and reading it back says so. §4.1.5.1.2. */
  #vector(value: number): number {
    return value < this.#host.msix.vectors ? value : R.NO_VECTOR;
  }

  #setFeatures(value: number): void {
    if (this.#driverSelect > 1) return;
    if ((this.#status & R.STATUS_FEATURES_OK) !== 0) {
      this.#ignored('features after FEATURES_OK');
      return;
    }
    const shift = BigInt(this.#driverSelect * 32);
    this.driverFeatures = (this.driverFeatures & ~(0xffff_ffffn << shift)) | (BigInt(value) << shift);
  }

  #setStatus(value: number): void {
    if (value === 0) {
      this.#host.resetDevice();
      return;
    }
    let status = value | (this.#status & R.STATUS_NEEDS_RESET);
    const accepted =
      (this.driverFeatures & ~this.#host.offered) === 0n && (this.driverFeatures & R.F_VERSION_1) !== 0n;
    // The driver reads FEATURES_OK back: a set that cannot be served does not take. §2.2.2, §6.1.
    if ((this.#status & R.STATUS_FEATURES_OK) === 0 && !accepted) status &= ~R.STATUS_FEATURES_OK;
    this.#status = status;
    if ((status & R.STATUS_DRIVER_OK) !== 0 && (status & R.STATUS_FEATURES_OK) === 0) {
      this.#host.breakDevice('DRIVER_OK without FEATURES_OK');
    }
  }

  #setUp(change: (queue: SplitQueue) => void): void {
    const queue = this.#queue;
    if (queue === undefined || queue.enabled) this.#ignored(`set-up of queue ${this.#queueSelect}`);
    else change(queue);
  }

  #setAddress(key: QueueAddress, high: boolean, value: number): void {
    this.#setUp((queue) => {
      const keep = high ? queue[key] & 0xffff_ffffn : queue[key] & ~0xffff_ffffn;
      queue[key] = keep | (BigInt(value) << (high ? 32n : 0n));
    });
  }

  #enable(value: number): void {
    const queue = this.#queue;
    // Only a reset disables a queue (§4.1.4.3.2), and enabling one twice is nothing.
    if (queue === undefined || value !== 1) {
      this.#ignored(`queue_enable = ${value} of queue ${this.#queueSelect}`);
      return;
    }
    if (queue.enabled) return;
    const fault = (this.#status & R.STATUS_FEATURES_OK) === 0 ? 'enabled before FEATURES_OK' : queue.fault();
    if (fault === undefined) queue.enabled = true;
    else this.#host.breakDevice(`queue ${this.#queueSelect}: ${fault}`);
  }

  /** A write that the specification forbids and that changes nothing. */
  #ignored(detail: string): void {
    this.#unsupported({ kind: 'device', key: 'virtio: forbidden write', detail });
  }
}

function featureWord(features: bigint, select: number): number {
  return select > 1 ? 0 : Number((features >> BigInt(select * 32)) & 0xffff_ffffn);
}
