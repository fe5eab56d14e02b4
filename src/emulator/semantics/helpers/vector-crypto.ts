/**
 * Helpers of the cryptographic and polynomial vector instructions: Power ISA 3.0B, Book I §6.11; the cipher is
 * FIPS 197, the hash functions FIPS 180-4. Operands stand in HELPER, 16 bytes each.
 */

import { readElement, writeElement } from './elements.ts';
import type { Helper } from './helper.ts';

/** Product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1: FIPS 197, §4.2. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let x = a, y = b; y !== 0; y >>= 1) {
    if ((y & 1) !== 0) product ^= x;
    x = (x << 1) ^ ((x & 0x80) !== 0 ? 0x11b : 0);
  }
  return product;
}

/** The substitution box and its inverse: the inverse in the field, then the affine map of FIPS 197, §5.1.1. */
function substitutions(): { readonly forward: Uint8Array; readonly backward: Uint8Array } {
  const forward = new Uint8Array(256);
  const backward = new Uint8Array(256);
  for (let x = 0; x < 256; x++) {
    let inverse = 0;
    for (let y = 1; y < 256; y++) if (multiply(x, y) === 1) inverse = y;
    let out = 0x63;
    for (let turn = 0; turn < 5; turn++) out ^= ((inverse << turn) | (inverse >> (8 - turn))) & 0xff;
    forward[x] = out;
    backward[out] = x;
  }
  return { forward, backward };
}
const BOX = substitutions();

/** A cipher state: byte elements in order, column by column. */
function stateBytes(state: DataView, n: number): number[] {
  return Array.from({ length: 16 }, (_, i) => Number(byteElement(state, n, i)));
}
function byteElement(state: DataView, n: number, i: number): bigint {
  return (readElement(state, n, i >> 3, 8) >> BigInt(8 * (7 - (i & 7)))) & 0xffn;
}
function putBytes(state: DataView, bytes: readonly number[]): void {
  for (const half of [0, 1]) {
    writeElement(
      state,
      half,
      8,
      bytes.slice(8 * half, 8 * half + 8).reduce((made, byte) => (made << 8n) | BigInt(byte), 0n),
    );
  }
}
/** Row r of the result comes from column c + r, or c − r backwards. */
function shiftRows(bytes: readonly number[], backward: boolean): number[] {
  return bytes.map((_, i) => {
    const row = i & 3;
    const column = ((i >> 2) + (backward ? 4 - row : row)) & 3;
    return bytes[4 * column + row] as number;
  });
}
function mixColumns(bytes: readonly number[], factors: readonly number[]): number[] {
  return bytes.map((_, i) => {
    const column = i & ~3;
    return [0, 1, 2, 3].reduce(
      (sum, k) => sum ^ multiply(bytes[column + k] as number, factors[(k - (i & 3)) & 3] as number),
      0,
    );
  });
}
const substitute = (bytes: readonly number[], box: Uint8Array): number[] =>
  bytes.map((byte) => box[byte] as number);
const addKey = (bytes: readonly number[], key: readonly number[]): number[] =>
  bytes.map((byte, i) => byte ^ (key[i] as number));
const FORWARD = [2, 3, 1, 1];
const BACKWARD = [14, 11, 13, 9];

function cipher(f: (text: readonly number[], key: readonly number[]) => number[]): Helper {
  return {
    arity: 0,
    run: (state) => {
      putBytes(state, f(stateBytes(state, 0), stateBytes(state, 1)));
      return 0;
    },
  };
}
const forwardRows = (text: readonly number[]): number[] => shiftRows(substitute(text, BOX.forward), false);
const backwardRows = (text: readonly number[]): number[] => substitute(shiftRows(text, true), BOX.backward);

type Sigma = readonly [rotate: number, rotate: number, last: number];
/** By ST and the element's bit of SIX: two rotations and a shift, or with ST three rotations. */
const SIGMA32: readonly Sigma[] = [
  [7, 18, 3],
  [17, 19, 10],
  [2, 13, 22],
  [6, 11, 25],
];
const SIGMA64: readonly Sigma[] = [
  [1, 8, 7],
  [19, 61, 6],
  [28, 34, 39],
  [14, 18, 41],
];

/** Arguments: ST and SIX. */
function sigma(width: 4 | 8, table: readonly Sigma[]): Helper {
  const bits = BigInt(width * 8);
  const rotate = (x: bigint, by: number): bigint =>
    BigInt.asUintN(Number(bits), (x >> BigInt(by)) | (x << (bits - BigInt(by))));
  return {
    arity: 2,
    run: (state, st, six) => {
      for (let i = 0; i < 16 / width; i++) {
        const second = (six >> (3 - (width === 8 ? 2 * i : i))) & 1;
        const [first, other, last] = table[2 * st + second] as Sigma;
        const x = readElement(state, 0, i, width);
        writeElement(
          state,
          i,
          width,
          rotate(x, first) ^ rotate(x, other) ^ (st === 0 ? x >> BigInt(last) : rotate(x, last)),
        );
      }
      return 0;
    },
  };
}

/** Product of polynomials over GF(2). */
function carryless(a: bigint, b: bigint): bigint {
  let product = 0n;
  for (let x = a, y = b; y !== 0n; x <<= 1n, y >>= 1n) if ((y & 1n) !== 0n) product ^= x;
  return product;
}
/** The products of each even element and its odd neighbour, added. */
function polynomialSum(width: 1 | 2 | 4 | 8): Helper {
  const element = (state: DataView, n: number, i: number): bigint =>
    width === 1 ? byteElement(state, n, i) : readElement(state, n, i, width);
  return {
    arity: 0,
    run: (state) => {
      const sums = Array.from({ length: 8 / width }, (_, i) =>
        [2 * i, 2 * i + 1].reduce(
          (sum, k) => sum ^ carryless(element(state, 0, k), element(state, 1, k)),
          0n,
        ),
      );
      sums.forEach((sum, i) => {
        writeElement(state, i, width * 2, sum);
      });
      return 0;
    },
  };
}

// biome-ignore format: related entries share a line
export const VECTOR_CRYPTO_HELPERS: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ['vcipher', cipher((text, key) => addKey(mixColumns(forwardRows(text), FORWARD), key))],
  ['vcipherlast', cipher((text, key) => addKey(forwardRows(text), key))],
  ['vncipher', cipher((text, key) => mixColumns(addKey(backwardRows(text), key), BACKWARD))],
  ['vncipherlast', cipher((text, key) => addKey(backwardRows(text), key))],
  ['vsbox', cipher((text) => substitute(text, BOX.forward))],
  ['vshasigmaw', sigma(4, SIGMA32)], ['vshasigmad', sigma(8, SIGMA64)],
  ['vpmsumb', polynomialSum(1)], ['vpmsumh', polynomialSum(2)], ['vpmsumw', polynomialSum(4)], ['vpmsumd', polynomialSum(8)],
]);
