/**
 * The modern (non-transitional) virtio PCI transport: one function with MSI-X in BAR 1 and all structures in BAR 4.
 * Source: VIRTIO 1.1 §2.1 to §2.3, §3.1, §4.1. Layout of BAR 4: common configuration at 0, ISR at 0x1000, device
 * configuration at 0x2000, notifications at 0x3000, four bytes a queue.
 *
 * Requests are served {@link REQUEST_LATENCY_NS} after the notification that announced them, all that are available
 * then in one go: data, used ring and interrupt at one instant of the partition's clock. What exceeds the device's
 * bandwidth (bandwidth.ts), in the middle of a request too, follows in pieces at later instants, in order. A reset before
 * that drops it, so that no request of an earlier driver completes after a new driver has started.
 *
 * Left out: the legacy interface, ACCESS_PLATFORM (buffers are guest-physical), packed rings, NOTIFICATION_DATA,
 * shared memory, RING_RESET, configuration changes.
 */

import type { GuestMemory } from '../../memory/contract.ts';
import { OutsideMemory } from '../../memory/contract.ts';
import { Bandwidth, DESCRIPTOR_BYTES, REQUEST_BYTES } from '../bandwidth.ts';
import type { Clock, ReportUnsupported } from '../contract.ts';
import { type AccessSize, Msix, PciFunction, type PciRegisters } from '../pci/index.ts';
import { CommonConfig, type CommonHost } from './common-config.ts';
import type { Broken, VirtioModel, VirtioRequest } from './model.ts';
import { type Chain, type RingFeatures, SplitQueue } from './queue.ts';
import * as R from './registers.ts';
import {
  COMMON_AT,
  DEVICE_AT,
  ISR_AT,
  NOTIFY_AT,
  NOTIFY_MULTIPLIER,
  REGION_SIZE,
  vendorCapabilities,
} from './structures.ts';

/** From notification to completion. Small against any real disk, and never 0: a driver may not expect an answer within the store that notifies. */
export const REQUEST_LATENCY_NS = 20_000;

const MSIX_BAR = 1;
const STRUCTURES_BAR = 4;

export type VirtioPciOptions = {
  readonly memory: GuestMemory;
  readonly clock: Clock;
  readonly unsupported: ReportUnsupported;
  /** A piece was moved after the instant at which its request was served. */
  readonly onDeferred?: () => void;
};

/** A request under way in a queue. */
type Current = { readonly chain: Chain; readonly request: VirtioRequest };

export class VirtioPci implements CommonHost {
  readonly function: PciFunction;
  readonly msix: Msix;
  readonly model: VirtioModel;
  readonly queues: readonly SplitQueue[];
  readonly offered: bigint;
  readonly #options: VirtioPciOptions;
  readonly #common: CommonConfig;
  readonly #cancels: ((() => void) | undefined)[];
  readonly #current: (Current | undefined)[];
  readonly #bandwidth: Bandwidth;
  #isr = 0;

  constructor(model: VirtioModel, options: VirtioPciOptions) {
    this.model = model;
    this.#options = options;
    this.offered = model.features | R.F_VERSION_1 | R.F_INDIRECT_DESC | R.F_EVENT_IDX;
    this.queues = model.queueSizes.map((size) => new SplitQueue(options.memory, size));
    this.#cancels = this.queues.map(() => undefined);
    this.#current = this.queues.map(() => undefined);
    this.#bandwidth = new Bandwidth(options.clock);
    // One vector for configuration changes, one a queue.
    this.msix = new Msix(1 + this.queues.length, MSIX_BAR, options.unsupported);
    this.#common = new CommonConfig(this, options.unsupported);
    const registers: PciRegisters = {
      read: (offset, size) => this.#read(offset, size),
      write: (offset, size, value) => this.#write(offset, size, value),
    };
    const structures = {
      index: STRUCTURES_BAR,
      space: 'memory64',
      size: 4 * REGION_SIZE,
      registers,
    } as const;
    const capabilities = vendorCapabilities({
      bar: STRUCTURES_BAR,
      queues: this.queues.length,
      deviceBytes: model.config.length,
      window: (bar) =>
        bar === STRUCTURES_BAR ? registers : bar === MSIX_BAR ? this.msix.bar.registers : undefined,
      bytes: (capability) => this.function.capabilityBytes(capability),
      windowSize: (bar) => (bar === STRUCTURES_BAR ? structures.size : this.msix.bar.size),
    });
    this.function = new PciFunction(
      {
        vendorId: R.VENDOR_ID,
        deviceId: R.DEVICE_ID_BASE + model.deviceType,
        classCode: model.classCode,
        revisionId: 1,
        subsystemVendorId: R.VENDOR_ID,
        subsystemId: R.DEVICE_ID_BASE + model.deviceType,
        interruptPin: 1,
      },
      [this.msix.bar, structures],
      [this.msix.capability, ...capabilities],
    );
    this.msix.bind(this.function);
    this.function.onMasterChange = (enabled) => {
      if (!enabled) return;
      this.msix.masterEnabled();
      for (const index of this.queues.keys()) this.#schedule(index);
    };
  }

  /** Requests that wait for their completion. */
  get inFlight(): number {
    if (!this.#common.running) return 0;
    return this.queues.reduce(
      (sum, queue, i) =>
        sum + (this.#cancels[i] === undefined ? 0 : queue.waiting + (this.#current[i] === undefined ? 0 : 1)),
      0,
    );
  }

  /** A bus reset: configuration space, MSI-X and the device as at power-on. */
  reset(): void {
    this.resetDevice();
    this.msix.reset();
    this.function.reset();
  }

  /** What writing 0 to the status register does: queues, features and requests in flight are gone. */
  resetDevice(): void {
    for (const [index, queue] of this.queues.entries()) {
      this.#cancel(index);
      queue.reset();
    }
    this.#common.reset();
    this.#setIsr(0);
  }

  /** The driver broke the rules, as `why` says: nothing moves until it resets the device. §2.1.2. */
  breakDevice(why: string): void {
    this.#options.unsupported({
      kind: 'device',
      key: `virtio ${this.model.deviceType} needs a reset`,
      detail: why,
    });
    for (const index of this.queues.keys()) this.#cancel(index);
    if (this.#common.setNeedsReset()) this.#interrupt(R.ISR_CONFIG, this.#common.configVector);
  }

  #ringFeatures(): RingFeatures {
    const accepted = this.#common.driverFeatures;
    return { indirect: (accepted & R.F_INDIRECT_DESC) !== 0n, eventIndex: (accepted & R.F_EVENT_IDX) !== 0n };
  }

  #schedule(index: number): void {
    this.#serveAt(index, this.#options.clock.now() + REQUEST_LATENCY_NS);
  }

  #serveAt(index: number, atNs: number): void {
    if (!this.#common.running || !this.queues[index]?.enabled || this.#cancels[index] !== undefined) return;
    this.#cancels[index] = this.#options.clock.at(atNs, () => {
      this.#cancels[index] = undefined;
      this.#serve(index);
    });
  }

  #cancel(index: number): void {
    this.#cancels[index]?.();
    this.#cancels[index] = undefined;
    this.#current[index] = undefined;
  }

  #serve(index: number): void {
    // A function that may not master the bus waits for the bit: masterEnabled looks again.
    if (!this.function.busMaster) return;
    if (this.#current[index] !== undefined) this.#options.onDeferred?.();
    const end = this.#drain(index);
    if (end.kind === 'broken') this.breakDevice(`queue ${index}: ${end.why}`);
    else if (end.kind === 'more') this.#serveAt(index, this.#bandwidth.nextAt);
  }

  /** Serves what is available, as far as the bandwidth goes. `broken`: the driver did something wrong. */
  #drain(index: number): { readonly kind: 'empty' | 'more' } | Broken {
    const queue = this.queues[index]!;
    const features = this.#ringFeatures();
    try {
      let kind: 'empty' | 'more' = 'empty';
      // At most one round of the ring: nothing is added to it meanwhile.
      for (let served = 0; served <= queue.size; served++) {
        if (this.#bandwidth.left <= 0) {
          kind = 'more';
          break;
        }
        const current = this.#current[index] ?? this.#next(index, features);
        if (current === undefined) break;
        if ('kind' in current) return current;
        this.#current[index] = current;
        const outcome = current.request.serve(Math.max(1, this.#bandwidth.left));
        this.#bandwidth.spend(outcome.moved);
        if (outcome.kind === 'more') {
          kind = 'more';
          break;
        }
        this.#current[index] = undefined;
        queue.push(current.chain, outcome.written);
      }
      if (kind === 'empty') queue.requestNotification(features);
      if (queue.wantsInterrupt(features)) this.#interrupt(R.ISR_QUEUE, queue.vector);
      return { kind };
    } catch (error) {
      if (error instanceof OutsideMemory) return { kind: 'broken', why: error.message };
      throw error;
    }
  }

  /** The next available request, begun; undefined when there is none. */
  #next(index: number, features: RingFeatures): Current | Broken | undefined {
    const popped = this.queues[index]!.pop(features);
    if (popped.kind === 'empty') return undefined;
    if (popped.kind === 'broken') return popped;
    const { chain } = popped;
    this.#bandwidth.spend(REQUEST_BYTES + DESCRIPTOR_BYTES * chain.descriptors);
    const request = this.model.begin(index, chain);
    return request.kind === 'broken' ? request : { chain, request };
  }

  #interrupt(cause: number, vector: number): void {
    if (this.msix.enabled) this.msix.signal(vector);
    else this.#setIsr(this.#isr | cause);
  }

  #setIsr(value: number): void {
    this.#isr = value;
    this.function.setIntx(value !== 0);
  }

  #read(offset: number, size: AccessSize): bigint {
    if (offset < ISR_AT) return this.#common.read(offset - COMMON_AT, size);
    if (offset === ISR_AT && size === 1) {
      const value = this.#isr;
      this.#setIsr(0);
      return BigInt(value);
    }
    const at = offset - DEVICE_AT;
    if (at >= 0 && at + size <= this.model.config.length) {
      let value = 0n;
      for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.model.config[at + i]!);
      return value;
    }
    return this.unknownRegister('read', offset, size);
  }

  #write(offset: number, size: AccessSize, value: bigint): void {
    if (offset < ISR_AT) this.#common.write(offset - COMMON_AT, size, value);
    else if (
      offset >= NOTIFY_AT &&
      size <= 4 &&
      (offset - NOTIFY_AT) % NOTIFY_MULTIPLIER === 0 &&
      offset < NOTIFY_AT + this.queues.length * NOTIFY_MULTIPLIER
    )
      this.#schedule((offset - NOTIFY_AT) / NOTIFY_MULTIPLIER);
    else this.unknownRegister('write', offset, size);
  }

  /** Reports an access that names no register. @returns all ones. */
  unknownRegister(what: 'read' | 'write', offset: number, size: AccessSize): bigint {
    this.#options.unsupported({
      kind: 'mmio',
      key: `virtio+0x${offset.toString(16)}/${size}`,
      detail: `${what} of no virtio register`,
    });
    return (1n << BigInt(size * 8)) - 1n;
  }
}
