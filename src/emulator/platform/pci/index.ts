/** The PCI host bridge of a PAPR machine: bus, RTAS services, DMA window, device tree node. */

export type { PciDevice } from './host-bridge.ts';
export { PCI_WINDOWS, PciHostBridge, PHB_BUID } from './host-bridge.ts';
export { pciHostBridgeNode } from './node.ts';
export { pciRtasFamily } from './rtas.ts';
export { DEFAULT_DMA_WINDOW_BYTES, PHB_LIOBN, TceTable, tceHcallFamily } from './tce.ts';
export { tceDma } from './tce-dma.ts';
