/** PCI functions: configuration space, BARs, MSI-X. The bridge above them is the platform's. */

export { PciFunction } from './function.ts';
export { Msix } from './msix.ts';
export { CAP_VENDOR, CONFIG_SIZE } from './registers.ts';
export type { AccessSize, PciBar, PciCapability, PciMapping, PciRegisters } from './types.ts';
