/** Devices of the platform itself. Those on the PCI bus have doors of their own: `pci/`, `virtio/`. */

export { Nvram } from './nvram.ts';

export { Rtc } from './rtc.ts';

export { VTY_INPUT_BYTES, VTY_TRANSFER_BYTES, Vty } from './vty.ts';
export type {
  AllocatedInterrupt,
  PresentationState,
} from './xics.ts';
export { Xics } from './xics.ts';

export { LEAST_FAVOURED, XISR_IPI } from './xics-presentation.ts';
