/** FPSCR bits, Power ISA 3.0B, Book I §4.2.2. Values are of the register's 64 bits; all but DRN lie in the low 32. */

/** Any exception since it was cleared; a summary that is not computed but set. */
export const FX = 0x80000000;
/** Any enabled exception, any invalid operation: computed from the others. */
export const FEX = 0x40000000;
export const VX = 0x20000000;
export const OX = 0x10000000;
export const UX = 0x08000000;
export const ZX = 0x04000000;
export const XX = 0x02000000;
export const VXSNAN = 0x01000000;
export const VXISI = 0x00800000;
export const VXIDI = 0x00400000;
export const VXZDZ = 0x00200000;
export const VXIMZ = 0x00100000;
export const VXVC = 0x00080000;
export const FR = 0x00040000;
export const FI = 0x00020000;
/** Class of the last result: C and the condition code. */
export const FPRF = 0x0001f000;
export const FPRF_SHIFT = 12;
export const FPCC = 0x0000f000;
export const VXSQRT = 0x200;
export const VXCVI = 0x100;
export const VE = 0x80;
export const OE = 0x40;
export const UE = 0x20;
export const ZE = 0x10;
export const XE = 0x08;
export const NI = 0x04;
export const RN = 0x03;

/** The invalid-operation exceptions, each with its own bit. */
export const VX_ALL = 0x01f80700;
/** Every sticky exception bit, without the summaries. */
export const EXCEPTIONS = 0x1ff80700;
/** OX to XX stand this far left of their enables, and VX of VE likewise. */
export const ENABLE_DISTANCE = 22;
/** Bits that software can write; FEX and VX follow from others, and bits 0–28 and 52 are reserved. */
export const WRITABLE = 0x7_9fff_f7ffn;
/** Decimal rounding mode. */
export const DRN = 0x7_0000_0000n;
