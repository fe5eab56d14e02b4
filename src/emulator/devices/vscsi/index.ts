/** The virtual SCSI adapter and its disks. */

export type { Sent } from './adapter.ts';
export { Vscsi } from './adapter.ts';

export type { DmaWindow } from './dma.ts';
export { CRQ } from './layout.ts';

export { ScsiDisk } from './scsi-disk.ts';
