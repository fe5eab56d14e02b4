/**
 * The stub of a differential program (qemu-user.ts): code words that load a case's registers, save them, and write the result.
 * Written with instructions that the engine's other tests cover on their own; a wrong one makes every case fail.
 */

import type { Layout } from './qemu-user.ts';

/** Offsets in a record; GPRs come first, VSRs last. */
export const RECORD = {
  gpr: 0,
  cr: 256,
  xer: 264,
  lr: 272,
  ctr: 280,
  code: 288,
  fpscr: 296,
  vscr: 304,
  vsr: 320,
} as const;

const LR = 8;
const CTR = 9;
const XER = 1;
const TAR = 815;

const d = (opcode: number, rt: number, ra: number, imm: number): number =>
  ((opcode << 26) | (rt << 21) | (ra << 16) | (imm & 0xffff)) >>> 0;
const x = (opcode: number, xo: number, rt: number, ra: number, rb: number): number =>
  ((opcode << 26) | (rt << 21) | (ra << 16) | (rb << 11) | (xo << 1)) >>> 0;
const spr = (xo: number, rt: number, n: number): number => x(31, xo, rt, n & 31, n >>> 5);

const addi = (rt: number, ra: number, si: number): number => d(14, rt, ra, si);
const ori = (ra: number, rs: number, ui: number): number => d(24, rs, ra, ui);
const ld = (rt: number, offset: number, ra: number): number => d(58, rt, ra, offset);
const std = (rs: number, offset: number, ra: number): number => d(62, rs, ra, offset);
const mtspr = (n: number, rs: number): number => spr(467, rs, n);
const mfspr = (rt: number, n: number): number => spr(339, rt, n);
const mtcr = (rs: number): number => ((31 << 26) | (rs << 21) | (0xff << 12) | (144 << 1)) >>> 0;
const mfcr = (rt: number): number => x(31, 19, rt, 0, 0);
const b = (distance: number): number => ((18 << 26) | (distance & 0x03fffffc)) >>> 0;
const bc = (bo: number, bi: number, distance: number): number =>
  ((16 << 26) | (bo << 21) | (bi << 16) | (distance & 0xfffc)) >>> 0;
const cmpld = (ra: number, rb: number): number => x(31, 32, 1, ra, rb); // BF = 0, L = 1
const BCTAR = ((19 << 26) | (20 << 21) | (560 << 1)) >>> 0;
const SC = 0x44000002;
/** lxvd2x and stxvd2x of VSR n at r30: doubleword 0 first in both byte orders. */
const lxvd2x = (n: number): number => (x(31, 844, n & 31, 0, 30) | (n >>> 5)) >>> 0;
const stxvd2x = (n: number): number => (x(31, 972, n & 31, 0, 30) | (n >>> 5)) >>> 0;
/** mtfsf of all fields with L = 1 (all 64 bits) from f0; mffs f0. */
const MTFSF = ((63 << 26) | (1 << 25) | (711 << 1)) >>> 0;
const MFFS = ((63 << 26) | (583 << 1)) >>> 0;
const MTVSCR = ((4 << 26) | 1604) >>> 0;
const MFVSCR = ((4 << 26) | 1540) >>> 0;
const lfd0 = (offset: number): number => d(50, 0, 31, offset);
const stfd0 = (offset: number): number => d(54, 0, 31, offset);

/** A 31-bit constant. */
const constant = (rt: number, value: number): number[] => [
  d(15, rt, 0, value >>> 16),
  ori(rt, rt, value & 0xffff),
];

/** r31 ← the first record; then, from word `loop` on, everything from the record at r31, and to its code. */
export function prologue(
  firstRecord: number,
  vectors: boolean,
): { readonly words: readonly number[]; readonly loop: number } {
  const start = constant(31, firstRecord);
  const words = [
    ...start,
    ld(0, RECORD.code, 31),
    mtspr(TAR, 0),
    ld(0, RECORD.lr, 31),
    mtspr(LR, 0),
    ld(0, RECORD.ctr, 31),
    mtspr(CTR, 0),
    ld(0, RECORD.cr, 31),
    mtcr(0),
    ld(0, RECORD.xer, 31),
    mtspr(XER, 0),
  ];
  if (vectors) {
    words.push(lfd0(RECORD.fpscr), MTFSF, addi(30, 31, RECORD.vscr), lxvd2x(32), MTVSCR);
    for (let n = 0; n < 64; n++) words.push(addi(30, 31, RECORD.vsr + 16 * n), lxvd2x(n));
  }
  for (let n = 0; n < 32; n++) words.push(ld(n, RECORD.gpr + 8 * n, 31));
  words.push(BCTAR);
  return { words, loop: start.length };
}

/**
 * Saves everything in the record at r31, whose own value is in TAR, and goes to the next record, or on when it was the last.
 * @param loop distance in words from here to the prologue's loop
 */
export function epilogue(loop: number, layout: Layout, end: number): readonly number[] {
  const words: number[] = [];
  for (let n = 0; n < 31; n++) words.push(std(n, RECORD.gpr + 8 * n, 31));
  const save = (get: number, offset: number): void => {
    words.push(get, std(0, offset, 31));
  };
  save(mfspr(0, TAR), RECORD.gpr + 8 * 31);
  save(mfcr(0), RECORD.cr);
  save(mfspr(0, XER), RECORD.xer);
  save(mfspr(0, LR), RECORD.lr);
  save(mfspr(0, CTR), RECORD.ctr);
  if (layout.vectors) {
    for (let n = 0; n < 64; n++) words.push(addi(30, 31, RECORD.vsr + 16 * n), stxvd2x(n));
    words.push(MFFS, stfd0(RECORD.fpscr), MFVSCR, addi(30, 31, RECORD.vscr), stxvd2x(32));
  }
  words.push(addi(31, 31, layout.stride), ...constant(30, end), cmpld(31, 30));
  words.push(bc(4, 2, 4 * (loop - words.length)));
  return words;
}

/** What follows a case's code: r31 to TAR, the record's address to r31, and to the epilogue `distance` bytes from here. */
export function tail(record: number, distance: number): readonly number[] {
  return [mtspr(TAR, 31), ...constant(31, record), b(distance - 12)];
}
export const TAIL_WORDS = 4;

/** write(1, address, length) until all is written, then exit_group(0); exit_group(1) when writing fails. */
export function writeAndExit(address: number, length: number): readonly number[] {
  return [
    ...constant(29, address),
    ...constant(30, length),
    // loop:
    addi(0, 0, 4),
    addi(3, 0, 1),
    ori(4, 29, 0),
    ori(5, 30, 0),
    SC,
    bc(12, 3, 7 * 4), // CR0[SO]: an error
    x(31, 266, 29, 29, 3), // add
    ((31 << 26) | (30 << 21) | (3 << 16) | (30 << 11) | (40 << 1) | 1) >>> 0, // subf. r30,r3,r30
    bc(12, 1, -8 * 4), // more than 0 left
    addi(0, 0, 234),
    addi(3, 0, 0),
    SC,
    addi(0, 0, 234),
    addi(3, 0, 1),
    SC,
  ];
}
