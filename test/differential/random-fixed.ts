/** Random instructions of the fixed-point and branch facilities whose operands must be chosen; see exclusions.md. */

import { mask64, type Row } from '../../src/emulator/isa/index.ts';
import { type CaseBuilder, CTR, LR, TAR, XER_COUNT } from './random-case.ts';
import { field, randomWord, withField, withFields, withLow, withSpr } from './random-encoding.ts';
import type { Emitter } from './random-storage.ts';

const signed = (value: bigint, bits: number): bigint => BigInt.asIntN(bits, value);

/** What the named operand of a division or modulo sees. */
type Division = {
  readonly bits: 32 | 64;
  readonly signed: boolean;
  readonly extended: boolean;
  readonly modulo: boolean;
};

/** Whether the ISA defines the result for these register values. */
function isDefined(kind: Division, ra: bigint, rb: bigint): boolean {
  const part = (value: bigint): bigint =>
    kind.signed ? BigInt.asIntN(kind.bits, value) : BigInt.asUintN(kind.bits, value);
  const divisor = part(rb);
  if (divisor === 0n) return false;
  const dividend = kind.extended ? part(ra) << BigInt(kind.bits) : part(ra);
  const quotient = dividend / divisor;
  return (
    (kind.signed ? BigInt.asIntN(kind.bits, quotient) : BigInt.asUintN(kind.bits, quotient)) === quotient
  );
}

/** QEMU 7.2's divde takes a quotient of 2^63 to 2^64 for one that fits: no overflow is reported. */
function isMissedByQemu(kind: Division, ra: bigint, rb: bigint): boolean {
  const magnitude = (value: bigint): bigint =>
    signed(value, 64) < 0n ? -signed(value, 64) : signed(value, 64);
  return kind.bits === 64 && kind.signed && kind.extended && rb !== 0n && magnitude(ra) < magnitude(rb);
}

/** Words that replace RT and, after a record form, CR0: what an undefined result leaves is not looked at. */
function discard(b: CaseBuilder, target: number, record: boolean): number[] {
  const words = [0x38000000 | (target << 21) | b.random.below(0x8000)];
  // mtocrf cr0 from the register just set.
  if (record) words.push(0x7c100120 | (0x80 << 12) | (target << 21));
  return words;
}

/** Words that clear the high word of RT and, after a record form, replace CR0: the ISA leaves both undefined. */
function keepLowWord(target: number, record: boolean): number[] {
  // rldicl rt,rt,0,32; mtocrf cr0,rt.
  const words = [0x78000020 | (target << 21) | (target << 16)];
  if (record) words.push(0x7c100120 | (0x80 << 12) | (target << 21));
  return words;
}

export function division(bits: 32 | 64, isSigned: boolean, extended = false, modulo = false): Emitter {
  const kind: Division = { bits, signed: isSigned, extended, modulo };
  return (b, row) => {
    const word = randomWord(b.random, row);
    let ra = field(word, 'a');
    let rb = field(word, 'b');
    for (let attempt = 0; attempt < 4; attempt++) {
      const left = b.value(ra);
      const right = b.value(rb);
      if (left !== undefined && right !== undefined) {
        const target = field(word, 't');
        if (isDefined(kind, left, right)) {
          b.unit(withFields(word, { a: ra, b: rb }), ...(bits === 32 ? keepLowWord(target, row.record) : []));
          b.write(target);
          return true;
        }
        // An undefined result: the overflow bits are defined, and looked at.
        if (!modulo && !isMissedByQemu(kind, left, right) && (attempt === 3 || b.random.oneIn(8))) {
          b.unit(withFields(word, { a: ra, b: rb }), ...discard(b, target, row.record));
          b.write(target);
          return true;
        }
      }
      ra = b.random.below(32);
      rb = b.random.below(32);
    }
    return false;
  };
}

/** mulhw and mulhwu leave the high word of RT, and so CR0, undefined. */
export const multiplyHighWord: Emitter = (b, row) => {
  const word = randomWord(b.random, row);
  const target = field(word, 't');
  b.unit(word, ...keepLowWord(target, row.record));
  b.write(target);
  return true;
};

/** Traps whose condition does not hold. */
export const trap: Emitter = (b, row) => {
  const bits = row.base.startsWith('tw') ? 32 : 64;
  const word = randomWord(b.random, row);
  const left = b.value(field(word, 'a'));
  const right = row.base.endsWith('i') ? BigInt((word << 16) >> 16) : b.value(field(word, 'b'));
  let allowed = 0;
  if (left !== undefined && right !== undefined) {
    const [sl, sr] = [signed(left, bits), signed(right, bits)];
    const [ul, ur] = [BigInt.asUintN(bits, left), BigInt.asUintN(bits, right)];
    allowed =
      (sl < sr ? 0 : 16) | (sl > sr ? 0 : 8) | (ul === ur ? 0 : 4) | (ul < ur ? 0 : 2) | (ul > ur ? 0 : 1);
  }
  b.unit(withField(word, 't', field(word, 't') & allowed));
  return true;
};

/** cbcdtd: digits above 9 have no encoding. */
export const decimalToDpd: Emitter = (b, row) => {
  const sources = [...b.validBcd];
  if (sources.length === 0) return false;
  const word = withField(randomWord(b.random, row), 't', b.random.pick(sources));
  b.unit(word);
  b.write(field(word, 'a'));
  return true;
};
export const dpdToDecimal: Emitter = (b, row) => {
  const word = randomWord(b.random, row);
  b.unit(word);
  b.write(field(word, 'a'));
  b.validBcd.add(field(word, 'a'));
  return true;
};

/** mtocrf and mfocrf name exactly one field. */
export const oneField: Emitter = (b, row) => {
  const word = (randomWord(b.random, row) & ~0xff000) | ((0x80 >> b.random.below(8)) << 12);
  b.unit(word);
  if (row.base === 'mfocrf') b.write(field(word, 't'));
  return true;
};

const XER_SPR = 1;
const VRSAVE_SPR = 256;
const SPRS: readonly (readonly [number, number])[] = [
  [8, LR],
  [9, CTR],
  [815, TAR],
];

export const moveFromSpr: Emitter = (b, row) => {
  const word = randomWord(b.random, row);
  const target = field(word, 't');
  if (b.random.oneIn(3)) {
    b.unit(withSpr(word, XER_SPR));
    b.write(target);
    b.validXer.add(target);
    return true;
  }
  const [spr, register] = b.random.pick(SPRS);
  const value = b.value(register);
  const label = b.labelOf(register);
  b.unit(withSpr(word, spr));
  b.write(target, { ...(value === undefined ? {} : { value }), ...(label === undefined ? {} : { label }) });
  return true;
};

export const moveToSpr: Emitter = (b, row) => {
  const word = randomWord(b.random, row);
  const source = field(word, 't');
  if (b.random.oneIn(8)) {
    // VRSAVE has 32 bits; it is read back at once and only they are kept: mfspr, rldicl.
    const target = b.random.below(32);
    b.unit(
      withSpr(word, VRSAVE_SPR),
      withSpr(0x7c0002a6 | (target << 21), VRSAVE_SPR),
      0x78000020 | (target << 21) | (target << 16),
    );
    b.write(target);
    return true;
  }
  if (b.random.oneIn(3)) {
    const valid = [...b.validXer];
    if (valid.length === 0) return false;
    const chosen = b.random.pick(valid);
    const value = b.value(chosen);
    b.unit(withSpr(withField(word, 't', chosen), XER_SPR));
    b.write(XER_COUNT, value === undefined ? {} : { value: value & 127n });
    return true;
  }
  const [spr, register] = b.random.pick(SPRS);
  const value = b.value(source);
  const label = b.labelOf(source);
  b.unit(withSpr(word, spr));
  b.write(register, { ...(value === undefined ? {} : { value }), ...(label === undefined ? {} : { label }) });
  return true;
};

const LI_MASK = 0x03fffffc;
const BD_MASK = 0xfffc;

/** BO with bit 2 of five clear decrements CTR. */
function decrements(word: number): boolean {
  return (field(word, 't') & 4) === 0;
}

export const unconditional: Emitter = (b, row) => {
  b.branch(row.value, b.bind(), LI_MASK, row.base.endsWith('a'));
  if (row.base.startsWith('bl')) b.write(LR);
  return true;
};

export const conditional: Emitter = (b, row) => {
  const absolute = row.base.endsWith('a');
  // An absolute target has 16 bits; every place of the case must be within reach.
  if (absolute && b.codeAddress + 0x200 > 0x8000) return false;
  const word = withLow(randomWord(b.random, row), 0, BD_MASK);
  b.branch(word, b.bind(), BD_MASK, absolute);
  if (decrements(word)) b.write(CTR);
  if (row.base.startsWith('bcl')) b.write(LR);
  return true;
};

/** bclr, bcctr, bctar and their link forms, where the register holds the address of something ahead or gets it just before. */
export function toRegister(register: number): Emitter {
  return (b, row) => {
    const first = b.random.below(32);
    const candidates = Array.from({ length: 32 }, (_, n) => (first + n) % 32);
    const source = candidates.find((each) => b.usableLabel(each) !== undefined) ?? first;
    const moved = b.usableLabel(register) === undefined ? b.usableLabel(source) : undefined;
    const label = moved ?? b.usableLabel(register);
    if (label === undefined) return false;
    let word = randomWord(b.random, row);
    // bcctr that decrements CTR is invalid.
    if (register === CTR) word |= 4 << 21;
    const spr = SPRS.find((each) => each[1] === register)?.[0] as number;
    b.unit(...(moved === undefined ? [] : [withSpr(0x7c0003a6 | (source << 21), spr)]), word);
    b.bindAfterUnit(label);
    b.shadow(label);
    b.write(register, { label });
    if (decrements(word)) b.write(CTR);
    if (row.base.endsWith('l')) b.write(LR);
    return true;
  };
}

/** addi with RA = 0 makes known values; everything else of its kind is plain. */
export const addImmediate: Emitter = (b, row) => {
  const word = randomWord(b.random, row) & (b.random.oneIn(3) ? ~(31 << 16) : -1);
  const shift = row.base === 'addis' ? 16n : 0n;
  const base = field(word, 'a') === 0 ? 0n : b.value(field(word, 'a'));
  b.unit(word);
  b.write(
    field(word, 't'),
    base === undefined ? {} : { value: base + (BigInt((word << 16) >> 16) << shift) },
  );
  return true;
};

/** rldicl and rldicr of a known value keep it known: divisors get their full range. */
export const rotateLeft: Emitter = (b, row) => {
  const word = randomWord(b.random, row);
  const source = b.value(field(word, 't'));
  const count = BigInt(((word & 2) << 4) | field(word, 'b'));
  const bit = (word & 0x20) | field(word, 'c');
  b.unit(word);
  const mask = row.base === 'rldicl' ? mask64(bit, 63) : mask64(0, bit);
  b.write(
    field(word, 'a'),
    source === undefined ? {} : { value: ((source << count) | (source >> (64n - count))) & mask },
  );
  return true;
};

/** What most rows are: any operands, and one register written. */
export function plain(writes: (row: Row) => 't' | 'a' | undefined): Emitter {
  return (b, row) => {
    const word = randomWord(b.random, row);
    b.unit(word);
    const target = writes(row);
    if (target !== undefined) b.write(field(word, target));
    return true;
  };
}
