/** virtio devices over PCI, and where their disks' bytes are. */

export type { BlockObserver, BlockOptions } from './block.ts';
export { VirtioBlock } from './block.ts';
export type { Served, VirtioModel } from './model.ts';
export type { VirtioPciOptions } from './pci-transport.ts';
export { REQUEST_LATENCY_NS, VirtioPci } from './pci-transport.ts';
export type { Chain, Segment } from './queue.ts';
export type { OwnedStore } from './stores.ts';
export { createMemoryStore, createScratchStore, openFileStore } from './stores.ts';
