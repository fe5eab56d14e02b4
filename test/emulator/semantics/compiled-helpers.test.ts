/**
 * The compiled cases of helpers against the helpers in TypeScript, which compute exactly: results, answers and every status bit, FR
 * included. KDUMPD_LONG=1 runs a hundred times as many.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { FPSCR, HELPER, VSCR } from '../../../src/emulator/cpu/layout.ts';
import {
  buildHelpers,
  COMPILED,
  helperFunction,
} from '../../../src/emulator/semantics/helpers/compiled/index.ts';
import { HELPERS } from '../../../src/emulator/semantics/helpers/index.ts';
import { RandomSource } from '../../differential/random-source.ts';
import { longOr } from '../../support/long.ts';

type Compiled = (argument: number) => number;
/** What the elements of a helper's operands are. */
type Kind = 'double' | 'single' | 'doubleword' | 'word';

const XX = 0x02000000;
const NJ = 0x10000;
/** Where three operands of 16 bytes end. */
const END = HELPER + 48;

const memory = new WebAssembly.Memory({ initial: 1 });
const ours = new DataView(memory.buffer);
const exact = new DataView(new ArrayBuffer(4096));
let functions: Readonly<Record<string, Compiled>> = {};
/** Calls of helpers in TypeScript. */
let calls = 0;

beforeAll(() => {
  const env: Record<string, unknown> = { memory };
  for (const [name, helper] of HELPERS) {
    env[helperFunction(name)] = (a: number) => {
      calls++;
      return helper.run(ours, a, 0, 0, 0);
    };
  }
  const bytes = buildHelpers();
  functions = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env }).exports as typeof functions;
});

function kindOf(name: string): Kind {
  if (/^fcfid|^xvcv[su]xd/.test(name)) return 'doubleword';
  if (/^xvcv[su]xw|^vcf/.test(name)) return 'word';
  return /^v|^xv.*sp[izmpc]*$|^xvcvsp/.test(name) && name !== 'xvcvdpsp' ? 'single' : 'double';
}

function run(name: string, argument: number): number {
  return (functions[helperFunction(name)] as Compiled)(argument);
}

/** Fractions that are short, long, near a tie of singles, or near the ends. */
function fraction(random: RandomSource, bits: number): bigint {
  const mask = (1n << BigInt(bits)) - 1n;
  const any = random.uniform64() & mask;
  switch (random.below(6)) {
    case 0:
      return any;
    case 1:
      return (1n << 28n) & mask;
    case 2:
      return (((any >> 29n) << 29n) | BigInt.asUintN(29, (1n << 28n) + BigInt(random.below(3) - 1))) & mask;
    case 3:
      return random.oneIn(2) ? BigInt(random.below(3)) : mask - BigInt(random.below(3));
    default: {
      const zeros = BigInt(random.below(bits));
      return (any >> zeros) << zeros;
    }
  }
}

/** A floating-point number of 11 or 8 bits of exponent, more often near 1. */
function float(random: RandomSource, exponentBits: number, fractionBits: number): bigint {
  const most = 2 ** exponentBits - 1;
  const bias = (most - 1) / 2;
  const near = (range: number): number => bias - range + random.below(2 * range + 1);
  const choice = random.below(16);
  const exponent =
    choice === 0
      ? random.below(most + 1)
      : choice === 1
        ? random.pick([0, 1, 2, most - 2, most - 1, most])
        : choice === 2
          ? near((bias - 1) / 2)
          : near(random.pick([1, 4, 30]));
  const sign = BigInt(random.below(2)) << BigInt(exponentBits + fractionBits);
  const magnitude =
    choice === 3 ? 0n : (BigInt(exponent) << BigInt(fractionBits)) | fraction(random, fractionBits);
  return sign | magnitude;
}

function element(random: RandomSource, kind: Kind): bigint {
  switch (kind) {
    case 'double':
      if (random.oneIn(3)) return asDouble(Math.fround(asNumber(float(random, 11, 52))));
      // Halves of integers, and near the ends of their types.
      if (random.oneIn(4)) return asDouble((random.word() | 0) / random.pick([1, 2, 4, 2 ** 20, 2 ** -31]));
      if (random.oneIn(8))
        return asDouble(
          random.pick([1, -1]) * 2 ** random.pick([31, 32, 63, 64]) * random.pick([1, 1 - 2 ** -53]),
        );
      return float(random, 11, 52);
    case 'single':
      if (random.oneIn(8)) return BigInt(asSingle((random.word() | 0) / random.pick([1, 2, 2 ** 20])));
      return float(random, 8, 23);
    case 'doubleword':
      return random.boundary64() >> BigInt(random.oneIn(2) ? 0 : random.below(64));
    case 'word':
      return BigInt(random.oneIn(2) ? random.word() >>> 0 : random.below(2 ** 25));
  }
}

const scratch = new DataView(new ArrayBuffer(8));
function asNumber(bits: bigint): number {
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}
function asDouble(value: number): bigint {
  scratch.setFloat64(0, value);
  return scratch.getBigUint64(0);
}
function asSingle(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}
function fromSingle(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/** The element of an operand at an address, as a number. */
function numberAt(at: number, kind: Kind): number {
  return kind === 'double' ? ours.getFloat64(at, true) : fromSingle(ours.getUint32(at, true));
}
function setNumber(at: number, kind: Kind, value: number, ulps: number): void {
  if (kind === 'double') ours.setBigUint64(at, BigInt.asUintN(64, asDouble(value) + BigInt(ulps)), true);
  else ours.setUint32(at, asSingle(value) + ulps, true);
}

/** A product that is half of the addend's last bit but for a part far below it: to be rounded once, it must be seen whole. */
function fillNearTie(random: RandomSource, kind: Kind, at: number, distance: number): void {
  const bits = kind === 'double' ? random.pick([24, 53]) : 24;
  const part = 2 ** -(bits - 1 - random.below(bits >>> 1));
  const scale = 2 ** (random.below(21) - 10);
  const addend = random.pick([1, -1]) * (1 + random.below(8) * 2 ** (1 - bits));
  setNumber(at, kind, scale * 2 ** -bits * (1 + random.pick([1, -1]) * part), 0);
  setNumber(at + distance, kind, random.pick([1, -1]) * (1 + random.pick([1, -1]) * part), 0);
  setNumber(at + 2 * distance, kind, scale * addend, 0);
}

/** Fills HELPER with operands; some are made so that sums cancel, wholly or nearly. */
function fill(random: RandomSource, name: string, kind: Kind): void {
  const isScalar = /^f|^xsrdp/.test(name);
  const width = kind === 'double' || kind === 'doubleword' ? 8 : 4;
  for (let at = HELPER; at < END; at += width) {
    const value = element(random, kind);
    if (width === 8) ours.setBigUint64(at, BigInt.asUintN(64, value), true);
    else ours.setUint32(at, Number(BigInt.asUintN(32, value)), true);
  }
  if (kind !== 'double' && kind !== 'single') return;
  if (/sqrt/.test(name) && !random.oneIn(3))
    for (let at = HELPER + width - 1; at < END; at += width) ours.setUint8(at, ours.getUint8(at) & 0x7f);
  const distance = isScalar ? 8 : 16;
  const isFused = /madd|msub/.test(name);
  for (let at = HELPER; at < HELPER + distance; at += width) {
    if (!random.oneIn(3)) continue;
    if (isFused && random.oneIn(2)) {
      fillNearTie(random, kind, at, distance);
      continue;
    }
    const [a, b] = [numberAt(at, kind), numberAt(at + distance, kind)];
    const sign = random.pick([1, -1]);
    const ulps = random.below(5) - 2;
    if (isFused) setNumber(at + 2 * distance, kind, sign * a * b, ulps);
    else setNumber(at + distance, kind, sign * a, ulps);
  }
}

function setStatus(random: RandomSource): void {
  const sticky = random.oneIn(3) ? 0 : random.word() & 0x1ff80700;
  const rest = random.word() & 0x8007f000;
  const invalid = (sticky & 0x01f80700) !== 0 ? 0x20000000 : 0;
  const unusual = random.oneIn(20) ? random.below(256) : 0;
  const exceptions = sticky | invalid;
  const enabled = ((exceptions >>> 22) & unusual & 0xf8) !== 0 ? 0x40000000 : 0;
  ours.setUint32(FPSCR, (exceptions | rest | unusual | enabled) >>> 0, true);
  ours.setUint32(VSCR, random.oneIn(2) ? NJ : 0, true);
}

const seen = (state: DataView): readonly string[] => {
  const words: string[] = [];
  for (let at = HELPER; at < END; at += 8) words.push(state.getBigUint64(at, true).toString(16));
  return [...words, `fpscr ${state.getUint32(FPSCR, true).toString(16)}`];
};

describe('compiled helpers', () => {
  for (const name of COMPILED.keys()) {
    it(`${name}: random operands and status → what the helper in TypeScript gives`, () => {
      const random = new RandomSource([...COMPILED.keys()].indexOf(name) + 1);
      const kind = kindOf(name);
      const turns = longOr(100_000, 1000);
      let compiled = 0;
      for (let i = 0; i < turns; i++) {
        fill(random, name, kind);
        setStatus(random);
        const before = seen(ours);
        const argument = /^v/.test(name) ? random.below(32) : random.below(2);
        new Uint8Array(exact.buffer).set(new Uint8Array(memory.buffer, 0, 4096));
        const expected = HELPERS.get(name)?.run(exact, argument, 0, 0, 0);
        calls = 0;
        const answer = run(name, argument);
        if (calls === 0) compiled++;
        if (answer !== expected || seen(ours).join() !== seen(exact).join())
          expect([before, argument, answer, seen(ours)]).toEqual([before, argument, expected, seen(exact)]);
      }
      expect(compiled).toBeGreaterThan(turns / 10);
    });
  }

  it('arithmetic, comparisons and conversions of each kind → are compiled', () => {
    const forms = ['f', 'xv'].flatMap((prefix) =>
      ['add', 'sub', 'mul', 'div', 'sqrt', 'madd', 'msub', 'nmadd', 'nmsub'].flatMap((operation) =>
        (prefix === 'f' ? ['', 's'] : ['dp', 'sp']).map((suffix) => `${prefix}${operation}${suffix}`),
      ),
    );
    const others = [
      'fcmp',
      'frsp',
      'fcfid',
      'fctidz',
      'fctiwz',
      'xscvdpsxds',
      'xvcmpgtdp',
      'xvmaxsp',
      'vmaddfp',
    ];
    expect([...forms, ...others].filter((name) => !COMPILED.has(name))).toEqual([]);
  });

  /** The same in all elements of an operand. */
  const ordinary = (name: string, operands: readonly number[]): number => {
    const kind = kindOf(name);
    for (let at = HELPER; at < END; at += 4) {
      const n = /^f|^xsrdp/.test(name) ? (at - HELPER) >>> 3 : (at - HELPER) >>> 4;
      const value = operands[n % operands.length] as number;
      if (kind === 'single') ours.setUint32(at, asSingle(value), true);
      else if (kind === 'word') ours.setUint32(at, Math.round(value), true);
      else if ((at & 4) === (HELPER & 4))
        ours.setBigUint64(at, kind === 'double' ? asDouble(value) : BigInt(Math.round(value)), true);
    }
    calls = 0;
    run(name, 0);
    return calls;
  };
  it('ordinary numbers, inexact or not, and zeros → nothing is left to TypeScript', () => {
    for (const status of [0, XX])
      for (const operands of [
        [1.5, 2.25, 0.75],
        [3.3125, 1.1, 7.7],
        [0, 1.5, 2.5],
        [2.5, 3, 0],
      ])
        for (const name of COMPILED.keys()) {
          ours.setUint32(FPSCR, status, true);
          ours.setUint32(VSCR, NJ, true);
          expect([name, operands, ordinary(name, operands)]).toEqual([name, operands, 0]);
        }
  });

  it('another rounding mode, an enable, a NaN, a denormal number → the helper in TypeScript', () => {
    const cases: readonly [readonly number[], number][] = [
      [[1, 1], 1],
      [[1, 1], 0x80],
      [[Number.NaN, 1], 0],
      [[2 ** -1060, 0], 0],
      [[1, Number.POSITIVE_INFINITY], 0],
    ];
    for (const [operands, status] of cases) {
      ours.setUint32(FPSCR, status, true);
      expect([operands, status, ordinary('fadd', operands)]).toEqual([operands, status, 1]);
    }
  });
});
