/** Devices of the platform itself. Those on the PCI bus have doors of their own: `pci/`, `virtio/`. */

export type {
  BlockStore,
  Clock,
  InterruptLine,
  MmioRegion,
  ReportUnsupported,
  Unsupported,
} from './contract.ts';
export { NVRAM_BYTES, Nvram, nvramHeader } from './nvram.ts';
export type { TimeOfDay } from './rtc.ts';
export { DEFAULT_START_DATE_MS, Rtc } from './rtc.ts';
export type { VtyOptions } from './vty.ts';
export { VTY_TRANSFER_BYTES, Vty } from './vty.ts';
export type {
  AllocatedInterrupt,
  PresentationState,
  SourceState,
} from './xics.ts';
export { FIRST_LEVEL_SOURCE, FIRST_MSI_SOURCE, Xics } from './xics.ts';
export type { InterruptKind, XicsServer } from './xics-presentation.ts';
export { LEAST_FAVOURED, XISR_IPI } from './xics-presentation.ts';
