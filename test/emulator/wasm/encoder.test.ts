/** The WebAssembly encoder: what it builds is valid and computes what JavaScript computes. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import wabt from 'wabt';
import { Bytes } from '../../../src/emulator/wasm/bytes.ts';
import {
  call,
  callVoid,
  type Expr,
  FunctionBody,
  f32,
  f32x4,
  f64,
  f64c,
  f64x2,
  type I32,
  type I64,
  i32,
  i32c,
  i64,
  i64c,
  i64x2,
  load,
  localGet,
  low32,
  ModuleBuilder,
  not64,
  type V128,
  type ValueType,
} from '../../../src/emulator/wasm/index.ts';

type Fn = (...args: (number | bigint)[]) => number | bigint;

function instantiate(
  bytes: Uint8Array<ArrayBuffer>,
  env: Record<string, unknown> = {},
): Record<string, unknown> {
  expect(WebAssembly.validate(bytes)).toBe(true);
  const memory = new WebAssembly.Memory({ initial: 1 });
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory, ...env } }).exports;
}

/** A module with one function. */
function functionOf(
  parameters: readonly ValueType[],
  result: ValueType,
  build: (body: FunctionBody) => Expr,
): Fn {
  const module = new ModuleBuilder('test');
  const ref = module.declare('f', { parameters, results: [result] }, true);
  const body = new FunctionBody(parameters.length);
  body.effect(build(body));
  module.define(ref, body);
  return instantiate(module.encode(1)).f as Fn;
}

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

const written = (write: (out: Bytes) => void): readonly number[] => {
  const out = new Bytes();
  write(out);
  return [...out.taken()];
};

describe('LEB128', () => {
  const unsigned = (bytes: readonly number[]): bigint =>
    bytes.reduceRight((sum, byte) => sum * 128n + BigInt(byte & 127), 0n);
  const isShortest = (bytes: readonly number[]): boolean => {
    expect(bytes.every((byte, i) => byte >= 128 === i < bytes.length - 1)).toBe(true);
    return true;
  };

  it('unsigned: any number → decodes to itself, in the fewest bytes', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const bytes = written((out) => out.unsigned(value));
        expect(unsigned(bytes)).toBe(BigInt(value));
        expect(isShortest(bytes)).toBe(true);
        expect(bytes.length === 1 || bytes.at(-1) !== 0).toBe(true);
      }),
    );
  });

  const near = fc.bigInt({ min: -(2n ** 7n), max: 2n ** 7n });
  const edge = fc.tuple(fc.constantFrom(0n, 2n ** 6n, 2n ** 13n, 2n ** 31n, 2n ** 32n, 2n ** 62n), near);
  const any64 = fc.oneof(
    long,
    edge.map(([base, more]) => BigInt.asIntN(64, base + more)),
    edge.map(([base, more]) => BigInt.asIntN(64, more - base)),
  );
  it('signed64: any 64-bit value → decodes to itself, in the fewest bytes', () => {
    fc.assert(
      fc.property(any64, (value) => {
        const bytes = written((out) => out.signed64(value));
        expect(isShortest(bytes)).toBe(true);
        expect(BigInt.asIntN(7 * bytes.length, unsigned(bytes))).toBe(value);
        const fewer = 7 * (bytes.length - 1);
        expect(fewer === 0 || BigInt.asIntN(fewer, value) !== value).toBe(true);
      }),
    );
  });

  it('signed32: any 32-bit value → as signed64 writes it', () => {
    fc.assert(
      fc.property(int, (value) => {
        expect(written((out) => out.signed32(value))).toEqual(written((out) => out.signed64(BigInt(value))));
      }),
    );
  });

  it('more bytes than there was room for → all of them, in order', () => {
    const bytes = Array.from({ length: 1000 }, (_, i) => i & 0xff);
    expect(written((out) => bytes.forEach((byte) => void out.byte(byte)))).toEqual(bytes);
    expect(written((out) => out.raw(bytes))).toEqual(bytes);
  });
});

describe('expressions', () => {
  const binary64: readonly (readonly [string, (a: I64, b: I64) => I64, (a: bigint, b: bigint) => bigint])[] =
    [
      ['add', i64.add, (a, b) => a + b],
      ['sub', i64.sub, (a, b) => a - b],
      ['mul', i64.mul, (a, b) => a * b],
      ['and', i64.and, (a, b) => a & b],
      ['or', i64.or, (a, b) => a | b],
      ['xor', i64.xor, (a, b) => a ^ b],
      ['shl', i64.shl, (a, b) => a << (b & 63n)],
      ['shrU', i64.shrU, (a, b) => u64(a) >> (b & 63n)],
      ['shrS', i64.shrS, (a, b) => a >> (b & 63n)],
      ['rotl', i64.rotl, (a, b) => (u64(a) << (b & 63n)) | (u64(a) >> (64n - (b & 63n)))],
      ['rotr', i64.rotr, (a, b) => (u64(a) >> (b & 63n)) | (u64(a) << (64n - (b & 63n)))],
    ];
  it.each(binary64)('i64.%s: any operands → as JavaScript', (_name, make, model) => {
    const f = functionOf(['i64', 'i64'], 'i64', () => make(localGet('i64', 0), localGet('i64', 1)));
    fc.assert(fc.property(long, long, (a, b) => f(a, b) === s64(model(a, b))));
  });

  it.each([
    ['ltS', i64.ltS, (a: bigint, b: bigint) => a < b],
    ['ltU', i64.ltU, (a: bigint, b: bigint) => u64(a) < u64(b)],
    ['gtS', i64.gtS, (a: bigint, b: bigint) => a > b],
    ['geU', i64.geU, (a: bigint, b: bigint) => u64(a) >= u64(b)],
    ['eq', i64.eq, (a: bigint, b: bigint) => a === b],
  ] as const)('i64.%s: any operands → 0 or 1', (_name, make, model) => {
    const f = functionOf(['i64', 'i64'], 'i32', () => make(localGet('i64', 0), localGet('i64', 1)));
    fc.assert(fc.property(long, long, (a, b) => f(a, b) === (model(a, b) ? 1 : 0)));
  });

  it('division: signed and unsigned, of both widths → as JavaScript', () => {
    const arguments64 = [localGet('i64', 0), localGet('i64', 1)] as const;
    const divS = functionOf(['i64', 'i64'], 'i64', () => i64.divS(...arguments64));
    const remU = functionOf(['i64', 'i64'], 'i64', () => i64.remU(...arguments64));
    const div32 = functionOf(['i32', 'i32'], 'i32', () => i32.divU(localGet('i32', 0), localGet('i32', 1)));
    const nonZero = long.filter((value) => value !== 0n && value !== -1n);
    fc.assert(
      fc.property(long, nonZero, (a, b) => {
        expect(divS(a, b)).toBe(a / b);
        expect(remU(a, b)).toBe(s64(u64(a) % u64(b)));
      }),
    );
    fc.assert(
      fc.property(
        int,
        int.filter((v) => v !== 0),
        (a, b) => div32(a, b) === (Math.floor((a >>> 0) / (b >>> 0)) | 0),
      ),
    );
  });

  it('unary and conversions: any operand → as JavaScript', () => {
    const on64 = (make: (a: I64) => Expr, type: ValueType): Fn =>
      functionOf(['i64'], type, () => make(localGet('i64', 0)));
    const clz = on64(i64.clz, 'i64');
    const popcnt = on64(i64.popcnt, 'i64');
    const extend8 = on64(i64.extend8, 'i64');
    const extend32 = on64(i64.extend32, 'i64');
    const wrap = on64(i32.wrap, 'i32');
    const not = on64(not64, 'i64');
    const low = on64(low32, 'i64');
    const extendU = functionOf(['i32'], 'i64', () => i64.extendU(localGet('i32', 0)));
    fc.assert(
      fc.property(long, (a) => {
        const digits = u64(a).toString(2);
        expect(clz(a)).toBe(a === 0n ? 64n : BigInt(64 - digits.length));
        expect(popcnt(a)).toBe(BigInt(digits.replaceAll('0', '').length));
        expect(extend8(a)).toBe(BigInt.asIntN(8, a));
        expect(extend32(a)).toBe(BigInt.asIntN(32, a));
        expect(wrap(a)).toBe(Number(BigInt.asIntN(32, a)));
        expect(not(a)).toBe(~a);
        expect(low(a)).toBe(BigInt.asUintN(32, a));
      }),
    );
    fc.assert(fc.property(int, (a) => extendU(a) === BigInt(a >>> 0)));
  });

  it('doubles: any operands → as JavaScript', () => {
    const [a, b] = [localGet('f64', 0), localGet('f64', 1)];
    const of = (value: Expr): Fn => functionOf(['f64', 'f64'], value.type, () => value);
    const lane = (value: V128): Expr => f64x2.extract(value, 1);
    const [x, y] = [f64x2.splat(a), f64x2.splat(b)];
    type Case = readonly [Fn, Fn, (a: number, b: number) => number, isMask?: boolean];
    const cases: readonly Case[] = [
      [of(f64.add(a, b)), of(lane(f64x2.add(x, y))), (p, q) => p + q],
      [of(f64.sub(a, b)), of(lane(f64x2.sub(x, y))), (p, q) => p - q],
      [of(f64.mul(a, b)), of(lane(f64x2.mul(x, y))), (p, q) => p * q],
      [of(f64.div(a, b)), of(lane(f64x2.div(x, y))), (p, q) => p / q],
      [of(f64.min(a, b)), of(lane(f64x2.min(x, y))), Math.min],
      [of(f64.max(a, b)), of(lane(f64x2.max(x, y))), Math.max],
      [of(f64.abs(a)), of(lane(f64x2.abs(x))), (p) => Math.abs(p)],
      [of(f64.neg(a)), of(lane(f64x2.neg(x))), (p) => -p],
      [of(f64.sqrt(a)), of(lane(f64x2.sqrt(x))), (p) => Math.sqrt(p)],
      [of(f64.ceil(a)), of(lane(f64x2.ceil(x))), (p) => Math.ceil(p)],
      [of(f64.floor(a)), of(lane(f64x2.floor(x))), (p) => Math.floor(p)],
      [of(f64.trunc(a)), of(lane(f64x2.trunc(x))), (p) => Math.trunc(p)],
      [
        of(f64.promote(f32.demote(a))),
        of(lane(f64x2.promoteLow(f32x4.splat(f32.demote(a))))),
        (p) => Math.fround(p),
      ],
      [of(f64.lt(a, b)), of(i64x2.bitmask(f64x2.lt(x, y))), (p, q) => (p < q ? 3 : 0), true],
      [of(f64.eq(a, b)), of(i64x2.bitmask(f64x2.eq(x, y))), (p, q) => (p === q ? 3 : 0), true],
      [of(f64.ge(a, b)), of(i64x2.bitmask(f64x2.ge(x, y))), (p, q) => (p >= q ? 3 : 0), true],
    ];
    fc.assert(
      fc.property(fc.double(), fc.double(), (p, q) => {
        for (const [scalar, vector, expected, isMask] of cases) {
          const value = expected(p, q);
          expect(vector(p, q)).toBe(value);
          expect(scalar(p, q)).toBe(isMask ? value & 1 : value);
        }
      }),
    );
    const bits = functionOf(['f64'], 'i64', () => i64.reinterpret(localGet('f64', 0)));
    expect([bits(-0), bits(1.5)]).toEqual([-(2n ** 63n), 0x3ff8000000000000n]);
    expect(functionOf([], 'f64', () => f64c(-0.1))()).toBe(-0.1);
  });

  it('constants: any value → itself', () => {
    fc.assert(
      fc.property(long, (a) => functionOf([], 'i64', () => i64c(a))() === a),
      { numRuns: 30 },
    );
    fc.assert(
      fc.property(int, (a) => functionOf([], 'i32', () => i32c(a))() === a),
      { numRuns: 30 },
    );
  });
});

describe('FunctionBody', () => {
  it('store and load: widths and offsets → little-endian memory', () => {
    const f = functionOf(['i32', 'i64'], 'i64', (body) => {
      body.store64(localGet('i32', 0), localGet('i64', 1), 16);
      body.store8(localGet('i32', 0), i32c(0x5a), 16);
      return i64.add(load.i64(localGet('i32', 0), 16), i64.extendU(load.u16(localGet('i32', 0), 22)));
    });
    expect(f(64, 0x0102_0304_0506_0708n)).toBe(0x0102_0304_0506_075an + 0x0102n);
  });

  it('loop, brIf and let: a sum → as JavaScript', () => {
    const f = functionOf(['i32'], 'i32', (body) => {
      const n = body.local('i32');
      const sum = body.local('i32');
      body.set(n, localGet('i32', 0));
      body.loop('again');
      body.set(sum, i32.add(body.get(sum), body.get(n)));
      body.set(n, i32.sub(body.get(n), i32c(1)));
      body.brIf('again', body.get(n));
      body.end();
      return body.get(sum);
    });
    expect(f(100)).toBe(5050);
  });

  it('brTable: index in and past the table → its label, the fallback', () => {
    const f = functionOf(['i32'], 'i32', (body) => {
      const result = body.local('i32');
      for (const label of ['out', 'two', 'one', 'zero']) body.block(label);
      body.brTable(localGet('i32', 0), ['zero', 'one'], 'two');
      for (const value of [10, 11, 12]) {
        body.end();
        body.set(result, i32c(value));
        body.br('out');
      }
      body.end();
      return body.get(result);
    });
    expect([0, 1, 2, -1].map((n) => f(n))).toEqual([10, 11, 12, 12]);
  });

  it('if with both arms, inside of another → the arm of the condition', () => {
    const f = functionOf(['i32', 'i32'], 'i32', (body) => {
      const result = body.local('i32');
      const set = (value: number) => (): void => body.set(result, i32c(value));
      body.if(localGet('i32', 0), () => body.if(localGet('i32', 1), set(1), set(2)), set(3));
      return body.get(result);
    });
    expect([f(1, 1), f(1, 0), f(0, 1)]).toEqual([1, 2, 3]);
  });

  it('releaseTemporaries: locals of two regions → the same locals', () => {
    const body = new FunctionBody(0);
    const taken: number[] = [];
    for (let i = 0; i < 2; i++)
      body.releaseTemporaries(() => taken.push(body.local('i64').index, body.local('i32').index));
    expect(new Set(taken.slice(2))).toEqual(new Set(taken.slice(0, 2)));
  });

  it('br to a label that is not open → an error', () => {
    expect(() => new FunctionBody(0).br('nowhere')).toThrow('nowhere');
  });
});

describe('ModuleBuilder', () => {
  it('imports, internal calls, exports → a module that wabt reads back', async () => {
    const module = new ModuleBuilder('test');
    const twice = module.import('twice', { parameters: ['i32'], results: ['i32'] });
    const inner = module.declare('inner', { parameters: ['i32'], results: ['i32'] });
    const outer = module.declare('outer', { parameters: ['i32'], results: ['i32'] }, true);
    const bodyOf = (expression: I32): FunctionBody => {
      const body = new FunctionBody(1);
      body.effect(expression);
      return body;
    };
    module.define(outer, bodyOf(call('i32', inner, [localGet('i32', 0)])));
    module.define(inner, bodyOf(i32.add(call('i32', twice, [localGet('i32', 0)]), i32c(1))));
    const bytes = module.encode(1);
    const exports = instantiate(bytes, { twice: (n: number) => 2 * n });
    expect((exports.outer as Fn)(20)).toBe(41);
    expect(exports.inner).toBeUndefined();
    const { readWasm } = await wabt();
    const text = readWasm(bytes, { readDebugNames: true });
    text.validate();
    expect(text.toText({})).toContain('(import "env" "twice" (func (;0;) (type 0)))');
  });

  it('names of the module and of a function that is not exported → shown by V8 in a stack', () => {
    const module = new ModuleBuilder('named-module');
    module.import('unused', { parameters: [], results: [] });
    const inner = module.declare('inner_one', { parameters: [], results: [] });
    const outer = module.declare('outer', { parameters: [], results: [] }, true);
    const trap = new FunctionBody(0);
    trap.unreachable();
    module.define(inner, trap);
    const body = new FunctionBody(0);
    body.effect(callVoid(inner, []));
    module.define(outer, body);
    const run = instantiate(module.encode(1), { unused: () => undefined }).outer as () => void;
    let stack = '';
    try {
      run();
    } catch (error) {
      stack = (error as Error).stack ?? '';
    }
    expect(stack).toMatch(/at (?:[\w-]+\.)?inner_one \(wasm:\/\/wasm\/named-module-/);
  });

  it('import after a function, a function defined twice or never → an error', () => {
    const module = new ModuleBuilder('test');
    const f = module.declare('f', { parameters: [], results: [] });
    expect(() => module.import('late', { parameters: [], results: [] })).toThrow('late');
    expect(() => module.encode(1)).toThrow('f has no body');
    module.define(f, new FunctionBody(0));
    expect(() => module.define(f, new FunctionBody(0))).toThrow('cannot define f');
  });
});
