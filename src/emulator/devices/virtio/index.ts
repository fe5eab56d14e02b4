/** virtio devices over PCI, and where their disks' bytes are. */

export type { BlockObserver } from './block.ts';
export { VirtioBlock } from './block.ts';
export { REQUEST_LATENCY_NS, VirtioPci } from './pci-transport.ts';
export type { OwnedStore, ScratchStore } from './stores.ts';
export { createMemoryStore, createScratchStore, openFileStore } from './stores.ts';
