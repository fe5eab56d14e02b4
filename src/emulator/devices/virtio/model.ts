/** What a kind of virtio device (block, …) is to the transport that carries it. */

import type { Chain } from './queue.ts';

/** What became of one request. Guest mistakes that the device type cannot answer with a status are `broken`. */
export type Served =
  | { readonly kind: 'done'; readonly written: number }
  | { readonly kind: 'broken'; readonly why: string };

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
  /** Serves one request of one queue, whole. May throw OutsideMemory, which counts as broken. */
  serve(queue: number, chain: Chain): Served;
}
