/** Instruction words by form, for programs of a few words: Power ISA 3.0B, Book I, §1.6. */

/** D- and DS-form; the displacement's low bits are the caller's. */
export function dForm(opcode: number, rt: number, ra: number, d: number): number {
  return ((opcode << 26) | (rt << 21) | (ra << 16) | (d & 0xffff)) >>> 0;
}

export function xForm(rt: number, ra: number, rb: number, xo: number, low = 0): number {
  return ((31 << 26) | (rt << 21) | (ra << 16) | (rb << 11) | (xo << 1) | low) >>> 0;
}

export const li = (rt: number, value: number): number => dForm(14, rt, 0, value);
export const lis = (rt: number, value: number): number => dForm(15, rt, 0, value);
/** Relative, in bytes. */
export const b = (distance: number): number => (0x48000000 | (distance & 0x03fffffc)) >>> 0;
export const bc = (bo: number, bi: number, distance: number): number => dForm(16, bo, bi, distance & 0xfffc);

const spr = (n: number, xo: number, r: number): number => xForm(r, n & 31, n >>> 5, xo);
export const mfspr = (rt: number, n: number): number => spr(n, 339, rt);
export const mtspr = (n: number, rs: number): number => spr(n, 467, rs);

/** r`rt` = a word; with its upper bit set it is a negative doubleword. */
export const word = (rt: number, value: number): number[] => [
  lis(rt, value >>> 16),
  dForm(24, rt, rt, value & 0xffff),
];

/** r`rt` = a 64-bit value: lis, ori, sldi, oris, ori. */
export function li64(rt: number, value: bigint): number[] {
  const part = (shift: bigint): number => Number((value >> shift) & 0xffffn);
  const sldi32 = (0x780007c6 | (rt << 21) | (rt << 16)) >>> 0;
  return [
    lis(rt, part(48n)),
    dForm(24, rt, rt, part(32n)),
    sldi32,
    dForm(25, rt, rt, part(16n)),
    dForm(24, rt, rt, part(0n)),
  ];
}

export const NOP = 0x60000000;
export const ATTN = 0x00000200;
export const BLR = 0x4e800020;
export const BCTR = 0x4e800420;
export const RFID = 0x4c000024;
export const RFSCV = 0x4c0000a4;
/** A hypercall. */
export const SC1 = 0x44000022;
