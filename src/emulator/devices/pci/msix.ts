/**
 * MSI-X: the capability, the vector table and the pending bits, in a BAR of their own.
 * Source: PCI Local Bus Specification 3.0, §6.8.2 (structures), §6.8.3.3 to §6.8.3.5 (masking, pending).
 * On a PAPR machine firmware writes addresses and data when the guest asks for interrupts ({@link Msix.setMessage});
 * the guest masks and enables. Guest writes to the table take effect all the same.
 */

import { assert } from '../../../base/errors.ts';
import type { ReportUnsupported } from '../contract.ts';
import type { PciFunction } from './function.ts';
import * as R from './registers.ts';
import type { AccessSize, PciBar, PciCapability, PciRegisters } from './types.ts';

/** The BAR's size: the smallest that Linux maps by itself on 4 KiB pages. */
const BAR_SIZE = 0x1000;
/** The pending bits stand in the BAR's second half. */
const PENDING_AT = 0x800;
const VECTOR_MASKED = 1;

export class Msix {
  readonly vectors: number;
  readonly bar: PciBar;
  readonly capability: PciCapability;
  readonly #table: DataView;
  readonly #pending: Uint8Array;
  readonly #report: ReportUnsupported;
  #function: PciFunction | undefined;

  constructor(vectors: number, barIndex: PciBar['index'], report: ReportUnsupported) {
    assert(
      vectors >= 1 && vectors * R.MSIX_ENTRY_SIZE <= PENDING_AT,
      'the MSI-X table fits its half of the BAR',
    );
    this.vectors = vectors;
    this.#report = report;
    this.#table = new DataView(new ArrayBuffer(vectors * R.MSIX_ENTRY_SIZE));
    this.#pending = new Uint8Array(Math.ceil(vectors / 64) * 8);
    const registers: PciRegisters = {
      read: (offset, size) => this.#read(offset, size),
      write: (offset, size, value) => this.#write(offset, size, value),
    };
    this.bar = { index: barIndex, space: 'memory32', size: BAR_SIZE, registers };
    const body = new Uint8Array(10);
    const view = new DataView(body.buffer);
    view.setUint16(0, vectors - 1, true);
    view.setUint32(2, barIndex, true);
    view.setUint32(6, PENDING_AT | barIndex, true);
    const writable = new Uint8Array(10);
    new DataView(writable.buffer).setUint16(0, R.MSIX_ENABLE | R.MSIX_FUNCTION_MASK, true);
    this.capability = { id: R.CAP_MSIX, body, writable, onWrite: () => this.#deliverUnmasked() };
    this.reset();
  }

  /** Sets the function that this is part of; called once it is built. */
  bind(owner: PciFunction): void {
    this.#function = owner;
  }

  /** Whether the guest enabled MSI-X, and with it switched INTx off. */
  get enabled(): boolean {
    return (this.#control() & R.MSIX_ENABLE) !== 0;
  }

  /** What firmware does for ibm,change-msi: the message of one vector. Its mask does not change. */
  setMessage(vector: number, address: bigint, data: number): void {
    const at = vector * R.MSIX_ENTRY_SIZE;
    this.#table.setBigUint64(at, address, true);
    this.#table.setUint32(at + 8, data, true);
  }

  /** Switches MSI-X off, as firmware does when it takes the messages away. */
  disable(): void {
    if (this.#function === undefined) return;
    const bytes = this.#function.capabilityBytes(this.capability);
    bytes[3] = bytes[3]! & ~((R.MSIX_ENABLE | R.MSIX_FUNCTION_MASK) >>> 8);
    this.#pending.fill(0);
  }

  /** Sends a vector's message, or keeps it pending while it is masked. A vector outside the table sends nothing. */
  signal(vector: number): void {
    if (!this.enabled || vector >= this.vectors) return;
    if (this.#masked(vector)) this.#setPending(vector, true);
    else this.#send(vector);
  }

  /** Every vector masked, with no message and nothing pending. */
  reset(): void {
    this.#pending.fill(0);
    for (let vector = 0; vector < this.vectors; vector++) {
      this.setMessage(vector, 0n, 0);
      this.#table.setUint32(vector * R.MSIX_ENTRY_SIZE + 12, VECTOR_MASKED, true);
    }
  }

  #control(): number {
    if (this.#function === undefined) return 0;
    const bytes = this.#function.capabilityBytes(this.capability);
    return bytes[2]! | (bytes[3]! << 8);
  }

  #masked(vector: number): boolean {
    return (
      (this.#control() & R.MSIX_FUNCTION_MASK) !== 0 ||
      this.#function?.busMaster !== true ||
      (this.#table.getUint32(vector * R.MSIX_ENTRY_SIZE + 12, true) & VECTOR_MASKED) !== 0
    );
  }

  #setPending(vector: number, pending: boolean): void {
    const bit = 1 << (vector % 8);
    const at = vector >>> 3;
    this.#pending[at] = pending ? this.#pending[at]! | bit : this.#pending[at]! & ~bit;
  }

  #send(vector: number): void {
    const at = vector * R.MSIX_ENTRY_SIZE;
    this.#function?.port.message(this.#table.getBigUint64(at, true), this.#table.getUint32(at + 8, true));
  }

  /** Sends what became deliverable after a mask, an enable or a bus master bit changed. */
  #deliverUnmasked(): void {
    if (!this.enabled) return;
    for (let vector = 0; vector < this.vectors; vector++) {
      const pending = ((this.#pending[vector >>> 3]! >>> (vector % 8)) & 1) !== 0;
      if (!pending || this.#masked(vector)) continue;
      this.#setPending(vector, false);
      this.#send(vector);
    }
  }

  /** Called by the function's owner when bus mastering comes on. */
  masterEnabled(): void {
    this.#deliverUnmasked();
  }

  #read(offset: number, size: AccessSize): bigint {
    const table = this.#table.byteLength;
    if (size >= 4 && offset % size === 0) {
      if (offset + size <= table) return load(this.#table, offset, size);
      const pending = offset - PENDING_AT;
      if (pending >= 0 && pending + size <= this.#pending.length)
        return load(new DataView(this.#pending.buffer), pending, size);
    }
    this.#report({
      kind: 'mmio',
      key: `msix+0x${offset.toString(16)}/${size}`,
      detail: 'read of no MSI-X register',
    });
    return (1n << BigInt(size * 8)) - 1n;
  }

  #write(offset: number, size: AccessSize, value: bigint): void {
    const pending = offset - PENDING_AT;
    // Software may not write the pending bits; the result is undefined, so nothing happens (§6.8.2.10).
    if (pending >= 0 && pending + size <= this.#pending.length) return;
    if (size < 4 || offset % size !== 0 || offset + size > this.#table.byteLength) {
      this.#report({
        kind: 'mmio',
        key: `msix+0x${offset.toString(16)}/${size}`,
        detail: 'write of no MSI-X register',
      });
      return;
    }
    for (let part = 0; part < size; part += 4) {
      const word = Number((value >> BigInt(part * 8)) & 0xffff_ffffn);
      // Vector control has one defined bit; the others are reserved and read as 0 (§6.8.2.9).
      const control = (offset + part) % R.MSIX_ENTRY_SIZE === 12;
      const low = (offset + part) % R.MSIX_ENTRY_SIZE === 0;
      this.#table.setUint32(
        offset + part,
        control ? word & VECTOR_MASKED : low ? (word & ~3) >>> 0 : word,
        true,
      );
    }
    this.#deliverUnmasked();
  }
}

function load(view: DataView, offset: number, size: 4 | 8 | AccessSize): bigint {
  return size === 8 ? view.getBigUint64(offset, true) : BigInt(view.getUint32(offset, true));
}
