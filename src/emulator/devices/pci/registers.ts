/**
 * Offsets and bits of a type 0 configuration header and of the MSI-X capability.
 * Source: PCI Local Bus Specification 3.0, §6.1 (header), §6.2.2 and §6.2.3 (command, status), §6.2.5 (BARs),
 * §6.7 (capabilities), §6.8.2 (MSI-X). All multi-byte values are little-endian.
 */

export const CONFIG_SIZE = 256;

export const VENDOR_ID = 0x00;
export const DEVICE_ID = 0x02;
export const COMMAND = 0x04;
export const STATUS = 0x06;
export const REVISION_ID = 0x08;
/** Three bytes: programming interface, subclass, class. */
export const CLASS_CODE = 0x09;
export const CACHE_LINE_SIZE = 0x0c;
export const LATENCY_TIMER = 0x0d;
export const BAR0 = 0x10;
export const SUBSYSTEM_VENDOR_ID = 0x2c;
export const SUBSYSTEM_ID = 0x2e;
export const CAPABILITIES_POINTER = 0x34;
export const INTERRUPT_LINE = 0x3c;
export const INTERRUPT_PIN = 0x3d;
/** Where the first capability goes: the first byte after the header. */
export const FIRST_CAPABILITY = 0x40;

export const COMMAND_IO = 0x0001;
export const COMMAND_MEMORY = 0x0002;
export const COMMAND_MASTER = 0x0004;
export const COMMAND_PARITY = 0x0040;
export const COMMAND_SERR = 0x0100;
export const COMMAND_INTX_DISABLE = 0x0400;

export const STATUS_INTERRUPT = 0x0008;
export const STATUS_CAPABILITIES = 0x0010;

export const BAR_IO = 0x1;
export const BAR_MEMORY_64 = 0x4;

export const CAP_VENDOR = 0x09;
export const CAP_MSIX = 0x11;

/** Message control of MSI-X, §6.8.2.3. */
export const MSIX_ENABLE = 0x8000;
export const MSIX_FUNCTION_MASK = 0x4000;
/** Bytes of one MSI-X table entry: address (8), data (4), vector control (4); §6.8.2. */
export const MSIX_ENTRY_SIZE = 16;
