/**
 * virtio-blk: a disk of 512-byte blocks over a {@link BlockStore}.
 * Source: VIRTIO 1.1 §5.2. Implemented: read, write, flush, get id; features RO, SEG_MAX, BLK_SIZE, FLUSH.
 * Left out, and not offered: discard, write zeroes, several queues, cache control, geometry, topology.
 */

import type { GuestMemory } from '../../memory/contract.ts';
import type { BlockStore, ReportUnsupported } from '../contract.ts';
import type { Broken, Served, VirtioModel, VirtioRequest } from './model.ts';
import type { Chain } from './queue.ts';
import { SegmentCursor } from './segments.ts';

/** Sees what the guest stored, after it is in the store. Offsets and lengths are in bytes. */
export type BlockObserver = { readonly onWrite?: (offset: number, length: number) => void };

export type BlockOptions = {
  readonly memory: GuestMemory;
  readonly store: BlockStore;
  /** What get-id answers; at most 20 bytes of ASCII. */
  readonly id: string;
  readonly unsupported: ReportUnsupported;
  readonly observer?: BlockObserver;
};

const SECTOR = 512;
const HEADER_SIZE = 16;
const ID_SIZE = 20;
const QUEUE_SIZE = 256;
/** A full queue's worth of buffers, less the header and the status. */
const SEG_MAX = QUEUE_SIZE - 2;
/** Data moves between store and guest in pieces of this many bytes. */
const PIECE = 0x40000;

const F_SEG_MAX = 1n << 2n;
const F_RO = 1n << 5n;
const F_BLK_SIZE = 1n << 6n;
const F_FLUSH = 1n << 9n;

const T_IN = 0;
const T_OUT = 1;
const T_FLUSH = 4;
const T_GET_ID = 8;

const S_OK = 0;
const S_IOERR = 1;
const S_UNSUPP = 2;

/** A request as its header names it, and how far it is. Offsets and lengths are in bytes. */
type Transfer = {
  readonly type: number;
  /** Where on the disk it begins. */
  readonly offset: number;
  readonly readable: SegmentCursor;
  readonly supplied: number;
  readonly writable: SegmentCursor;
  readonly room: number;
  done: number;
};

export class VirtioBlock implements VirtioModel {
  readonly deviceType = 2;
  /** Mass storage, SCSI: as firmware names such a disk. */
  readonly classCode = 0x010000;
  readonly features: bigint;
  readonly queueSizes: readonly number[] = [QUEUE_SIZE];
  readonly config: Uint8Array;
  readonly #options: BlockOptions;
  readonly #piece = new Uint8Array(PIECE);

  constructor(options: BlockOptions) {
    this.#options = options;
    this.features = F_SEG_MAX | F_BLK_SIZE | F_FLUSH | (options.store.readOnly ? F_RO : 0n);
    this.config = new Uint8Array(24);
    const view = new DataView(this.config.buffer);
    view.setBigUint64(0, BigInt(Math.floor(options.store.bytes / SECTOR)), true);
    view.setUint32(12, SEG_MAX, true);
    view.setUint32(20, SECTOR, true);
  }

  /** The header is the first 16 readable bytes and the status the last writable one, however they are cut up (§2.6.4). */
  begin(_queue: number, chain: Chain): VirtioRequest | Broken {
    const { memory } = this.#options;
    if (chain.readableBytes < HEADER_SIZE || chain.writableBytes < 1)
      return { kind: 'broken', why: 'a request without header or status' };
    const readable = new SegmentCursor(memory, chain.readable);
    const writable = new SegmentCursor(memory, chain.writable);
    const header = new Uint8Array(HEADER_SIZE);
    readable.readInto(header);
    const view = new DataView(header.buffer);
    const transfer: Transfer = {
      type: view.getUint32(0, true),
      offset: view.getUint32(12, true) * 2 ** 32 * SECTOR + view.getUint32(8, true) * SECTOR,
      readable,
      supplied: chain.readableBytes - HEADER_SIZE,
      writable,
      room: chain.writableBytes - 1,
      done: 0,
    };
    return { kind: 'request', serve: (bytes) => this.#serve(transfer, bytes) };
  }

  #serve(transfer: Transfer, bytes: number): Served {
    const { writable, room, done } = transfer;
    const status = this.#perform(transfer, bytes);
    const moved = transfer.done - done;
    if (status === undefined) return { kind: 'more', moved };
    const filled = writable.position;
    writable.skip(room - filled);
    writable.write(Uint8Array.of(status));
    // `written` counts from the start without a gap: a part that was not filled hides the status behind it.
    return { kind: 'done', moved, written: filled === room ? room + 1 : filled };
  }

  /** @returns the request's status; undefined while there is more to move. */
  #perform(transfer: Transfer, bytes: number): number | undefined {
    const { store, unsupported } = this.#options;
    switch (transfer.type) {
      case T_IN:
        return this.#guarded(() => this.#read(transfer, bytes));
      case T_OUT:
        return store.readOnly ? S_IOERR : this.#guarded(() => this.#write(transfer, bytes));
      case T_FLUSH:
        return this.#guarded(() => {
          store.flush();
          return S_OK;
        });
      case T_GET_ID: {
        if (transfer.room < ID_SIZE) return S_IOERR;
        const id = new Uint8Array(ID_SIZE);
        id.set(new TextEncoder().encode(this.#options.id).subarray(0, ID_SIZE));
        transfer.writable.write(id);
        return S_OK;
      }
      default:
        unsupported({ kind: 'device', key: `virtio-blk request ${transfer.type}` });
        return S_UNSUPP;
    }
  }

  #inside(offset: number, length: number): boolean {
    return (
      length % SECTOR === 0 && offset + length <= Math.floor(this.#options.store.bytes / SECTOR) * SECTOR
    );
  }

  #read(transfer: Transfer, bytes: number): number | undefined {
    const { offset, writable, room } = transfer;
    if (!this.#inside(offset, room)) return S_IOERR;
    return this.#inPieces(transfer, room, bytes, (piece) => {
      this.#options.store.read(offset + transfer.done, piece);
      writable.write(piece);
    });
  }

  #write(transfer: Transfer, bytes: number): number | undefined {
    const { offset, readable, supplied, done } = transfer;
    if (!this.#inside(offset, supplied)) return S_IOERR;
    try {
      return this.#inPieces(transfer, supplied, bytes, (piece) => {
        readable.readInto(piece);
        this.#options.store.write(offset + transfer.done, piece);
      });
    } finally {
      const stored = transfer.done - done;
      if (stored > 0) this.#options.observer?.onWrite?.(offset + done, stored);
    }
  }

  #inPieces(
    transfer: Transfer,
    length: number,
    bytes: number,
    move: (piece: Uint8Array) => void,
  ): number | undefined {
    const until = transfer.done + bytes;
    while (transfer.done < length) {
      if (transfer.done >= until) return undefined;
      const piece = this.#piece.subarray(0, Math.min(PIECE, length - transfer.done));
      move(piece);
      transfer.done += piece.length;
    }
    return S_OK;
  }

  /** A store that fails (no space on the host, a file cut short) is a medium error to the guest, and is reported. */
  #guarded(run: () => number | undefined): number | undefined {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
      this.#options.unsupported({
        kind: 'device',
        key: `virtio-blk ${this.#options.id}: store failed`,
        detail: error.message,
      });
      return S_IOERR;
    }
  }
}
