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
/** 1 after copy, until paste. or cpabort. */
export const COPY_BUFFER = 420;
export const FPSCR = 392;
/** VSCR: NJ at bit 16, SAT at bit 0 (as mfvscr shows its low word). */
export const VSCR = 400;
/** SPRs kept as plain 64-bit values: {@link sprOffset}. */
export const SPR_BASE = 512;
export const VSR = 1024;
/** Where an access lies that has no one place in the arena: page crossing, device registers. */
export const SCRATCH = 2048;
/** Operands and results of host-side helpers. */
export const HELPER = 2112;
export const STATE_SIZE = 2560;

/** VSR n: 16 bytes, the 128-bit value as one little-endian number, so doubleword 0 is at +8. */
export function vsrOffset(n: number): number {
  return VSR + n * 16;
}

/** SPRs that hold what was written and do nothing else: number → name and the bits that exist. Power ISA 3.0B, Book III, §4.4. */
export const PLAIN_SPRS: ReadonlyMap<
  number,
  { readonly name: string; readonly mask?: bigint; readonly user?: boolean }
> = new Map([
  [3, { name: 'DSCR', user: true }],
  [17, { name: 'DSCR' }],
  [18, { name: 'DSISR', mask: 0xffffffffn }],
  [19, { name: 'DAR' }],
  [26, { name: 'SRR0' }],
  [27, { name: 'SRR1' }],
  [28, { name: 'CFAR' }],
  [152, { name: 'CTRL_read', mask: 0xffffffffn }],
  [256, { name: 'VRSAVE', mask: 0xffffffffn, user: true }],
  [272, { name: 'SPRG0' }],
  [273, { name: 'SPRG1' }],
  [274, { name: 'SPRG2' }],
  [275, { name: 'SPRG3' }],
  [153, { name: 'FSCR' }],
  [157, { name: 'UAMOR' }],
  [768, { name: 'SIER_user', user: true }],
  [784, { name: 'SIER' }],
  [785, { name: 'MMCR2' }],
  [786, { name: 'MMCRA' }],
  [787, { name: 'PMC1', mask: 0xffffffffn }],
  [788, { name: 'PMC2', mask: 0xffffffffn }],
  [789, { name: 'PMC3', mask: 0xffffffffn }],
  [790, { name: 'PMC4', mask: 0xffffffffn }],
  [791, { name: 'PMC5', mask: 0xffffffffn }],
  [792, { name: 'PMC6', mask: 0xffffffffn }],
  [795, { name: 'MMCR0' }],
  [796, { name: 'SIAR' }],
  [797, { name: 'SDAR' }],
  [798, { name: 'MMCR1' }],
  [800, { name: 'BESCRS', user: true }],
  [802, { name: 'BESCRR', user: true }],
  [804, { name: 'EBBHR', user: true }],
  [805, { name: 'EBBRR', user: true }],
  [806, { name: 'BESCR', user: true }],
  [815, { name: 'TAR', user: true }],
  [159, { name: 'PSPB' }],
  [816, { name: 'ASDR' }],
  [894, { name: 'MMCRS' }],
  [896, { name: 'PPR', user: true }],
  [898, { name: 'PPR32', user: true }],
]);

/** Other numbers of the same register: the user's view of a privileged one. */
const ALIASES: ReadonlyMap<number, number> = new Map([
  [3, 17],
  [259, 275],
  [768, 784],
]);

const OFFSETS: ReadonlyMap<number, number> = new Map(
  [...PLAIN_SPRS.keys()].map((n, i) => [n, SPR_BASE + i * 8]),
);

/** @returns the offset of a plain SPR, or undefined for one with effects or none. */
export function sprOffset(spr: number): number | undefined {
  return spr === 815 ? TAR : OFFSETS.get(ALIASES.get(spr) ?? spr);
}
