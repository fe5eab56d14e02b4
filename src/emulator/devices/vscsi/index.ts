/** The virtual SCSI adapter and its disks. */

export type { VscsiOptions } from './adapter.ts';
export { Vscsi } from './adapter.ts';
export type { CommandQueue } from './command-queue.ts';
export type { DmaWindow } from './dma.ts';
export { CRQ } from './layout.ts';
export type { ScsiDiskOptions } from './scsi-disk.ts';
export { ScsiDisk } from './scsi-disk.ts';
