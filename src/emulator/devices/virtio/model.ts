/** What a kind of virtio device (block, …) is to the transport that carries it. */

import type { Chain } from './queue.ts';

/** Guest mistakes that the device type cannot answer with a status. */
export type Broken = { readonly kind: 'broken'; readonly why: string };

/** What became of one request so far. `moved`: bytes since the last answer. */
export type Served =
  | { readonly kind: 'more'; readonly moved: number }
  | { readonly kind: 'done'; readonly moved: number; readonly written: number };

/** A request under way. Dropping it leaves it undone from where it is, as a reset of the device does. */
export interface VirtioRequest {
  readonly kind: 'request';
  /** Moves about `bytes` more at the most: a piece that was begun is finished. May throw OutsideMemory, which counts as broken. */
  serve(bytes: number): Served;
}

export interface VirtioModel {
  /** VIRTIO 1.1 §5: 2 is a block device. */
  readonly deviceType: number;
  /** PCI class code, 24 bits. */
  readonly classCode: number;
  /** Device-type features that are offered; the transport adds its own. */
  readonly features: bigint;
  /** The largest size of each queue, powers of two. */
  readonly queueSizes: readonly number[];
  /** Device configuration, little-endian; read-only to the guest. */
  readonly config: Uint8Array;
  /** Begins one request of one queue; moves no data yet. May throw OutsideMemory, which counts as broken. */
  begin(queue: number, chain: Chain): VirtioRequest | Broken;
}
