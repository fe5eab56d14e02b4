/** virtio devices over PCI, and where their disks' bytes are. */

export type { BlockObserver } from './block.ts';
export { VirtioBlock } from './block.ts';
export { REQUEST_LATENCY_NS, VirtioPci } from './pci-transport.ts';
export type { OwnedStore, ScratchQuota, ScratchStore, TrackedStore } from './stores.ts';
export {
  createMemoryStore,
  createScratchStore,
  openFileStore,
  SCRATCH_CHUNK,
  SCRATCH_PREFIX,
} from './stores.ts';
