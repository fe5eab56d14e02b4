/**
 * Where a vCPU's registers lie: a block of {@link STATE_SIZE} bytes. The running vCPU's block is copied to address 0 of the
 * arena (the window), so that compiled code reaches every register at a constant address.
 *
 * All values are little-endian, as WebAssembly stores them, whatever the guest's byte order.
 */

export const GPR = 0;
/** Eight bytes that are always zero: RA = 0 of address arithmetic. */
export const ZERO = 256;
/** Eight CR fields, one 32-bit word each, holding LT 8, GT 4, EQ 2, SO 1. */
export const CR = 264;
export const LR = 296;
export const CTR = 304;
export const TAR = 312;
/** XER, one 32-bit word (0 or 1) a bit; {@link XER_COUNT} is the low 18 bits: the string count and what POWER9 keeps above it. */
export const XER_SO = 320;
export const XER_OV = 324;
export const XER_CA = 328;
export const XER_OV32 = 332;
export const XER_CA32 = 336;
export const XER_COUNT = 340;
export const NIA = 344;
export const MSR = 352;
/** MSR bits that handlers test, one word each (0 or 1): problem state and the facilities. */
export const MSR_PR = 360;
export const MSR_FP = 364;
export const MSR_VEC = 368;
export const MSR_VSX = 372;
/** Address of the current instruction; set before each call out of compiled code and at each exit. */
export const CIA = 376;
/** Instructions left of the slice; set like {@link CIA}. */
export const LEFT = 384;
/** The reservation: arena address of its 128-byte granule, or -1. */
export const RESERVE = 388;
/** The clock at the end of the slice, in ns since power-on: now is this less the instructions left. */
export const SLICE_END = 432;
/** What {@link CIA} and {@link LEFT} follow from, given the record of an instruction; kept up by the interpreter. */
export const CIA_BASE = 408;
export const LEFT_BASE = 416;
/** The record at which a region was left (engine/interpreter/leaving.ts). */
export const REGION_RECORD = 424;
/** 1 after copy, until paste. or cpabort. */
export const COPY_BUFFER = 420;
export const FPSCR = 392;
/** VSCR: NJ at bit 16, SAT at bit 0 (as mfvscr shows its low word). */
export const VSCR = 400;
/** Plain special purpose registers, a doubleword each: cpu/spr.ts, sprOffset. */
export const SPR_BASE = 512;
export const VSR = 1024;
/** Where an access lies that has no one place in the arena: page crossing, device registers. */
export const SCRATCH = 2048;
/** Operands and results of helpers (semantics/helpers). */
export const HELPER = 2112;
export const STATE_SIZE = 2560;

/** VSR n: 16 bytes, the 128-bit value as one little-endian number, so doubleword 0 is at +8. */
export function vsrOffset(n: number): number {
  return VSR + n * 16;
}
