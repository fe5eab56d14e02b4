/**
 * Numbers of the virtio PCI transport and of split virtqueues.
 * Source: Virtual I/O Device (VIRTIO) 1.1: §2.1 (status), §2.6 (split virtqueues), §4.1.4 (PCI capabilities),
 * §4.1.4.3 (common configuration), §6 (reserved feature bits). Everything is little-endian.
 */

export const VENDOR_ID = 0x1af4;
/** A device of type T has this plus T as its PCI device id; §4.1.2. */
export const DEVICE_ID_BASE = 0x1040;

export const STATUS_DRIVER_OK = 4;
export const STATUS_FEATURES_OK = 8;
export const STATUS_NEEDS_RESET = 0x40;

export const F_INDIRECT_DESC: bigint = 1n << 28n;
export const F_EVENT_IDX: bigint = 1n << 29n;
export const F_VERSION_1: bigint = 1n << 32n;

export const CAP_COMMON = 1;
export const CAP_NOTIFY = 2;
export const CAP_ISR = 3;
export const CAP_DEVICE = 4;
export const CAP_PCI_CFG = 5;

export const NO_VECTOR = 0xffff;

export const ISR_QUEUE = 1;
export const ISR_CONFIG = 2;

export const DESC_NEXT = 1;
export const DESC_WRITE = 2;
export const DESC_INDIRECT = 4;
export const DESC_SIZE = 16;
export const AVAIL_NO_INTERRUPT = 1;
