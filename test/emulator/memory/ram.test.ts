/** Guest RAM against a plain array: ranges with holes, accesses across pages, and what is reported of writes. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BugError } from '../../../src/base/errors.ts';
import { Arena, PAGE_SIZE } from '../../../src/emulator/memory/arena.ts';
import { OutsideMemory } from '../../../src/emulator/memory/contract.ts';
import { Ram } from '../../../src/emulator/memory/ram.ts';

const KIB64 = 0x10000;
const RANGES = [
  { base: 0, size: 2 * KIB64 },
  { base: 4 * KIB64, size: KIB64 },
  { base: 0x1_0000_0000, size: KIB64 },
];
const TOTAL = 4 * KIB64;

function makeRam(): { arena: Arena; ram: Ram } {
  const arena = new Arena(2 * TOTAL);
  return { arena, ram: new Ram(arena, RANGES) };
}

/** The same memory without pages. */
class Model {
  readonly bytes: Uint8Array[] = RANGES.map((each) => new Uint8Array(each.size));
  at(raddr: number, length: number): Uint8Array | undefined {
    const i = RANGES.findIndex((each) => raddr >= each.base && raddr + length <= each.base + each.size);
    const range = RANGES[i];
    return range === undefined
      ? undefined
      : this.bytes[i]?.subarray(raddr - range.base, raddr - range.base + length);
  }
}

const address = fc
  .oneof(
    fc
      .constantFrom(...RANGES.flatMap((each) => [each.base, each.base + each.size]))
      .chain((at) => fc.integer({ min: at - 20, max: at + 20 })),
    fc.integer({ min: 0, max: 6 * KIB64 }),
    fc.integer({ min: 0, max: 70 }).map((page) => page * PAGE_SIZE - 3),
    fc.integer({ min: 0x1_0000_0000 - 8, max: 0x1_0000_0000 + KIB64 }),
  )
  .filter((at) => at >= 0);

type Step =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'write-in-place'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'fill'; readonly at: number; readonly length: number; readonly byte: number }
  | {
      readonly kind: 'number';
      readonly at: number;
      readonly size: 1 | 2 | 4 | 8;
      readonly value: bigint;
      readonly little: boolean;
    };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), at: address, bytes: fc.uint8Array({ maxLength: 9000 }) }),
  fc.record({
    kind: fc.constant('write-in-place' as const),
    at: address,
    bytes: fc.uint8Array({ maxLength: 9000 }),
  }),
  fc.record({
    kind: fc.constant('fill' as const),
    at: address,
    length: fc.integer({ min: 0, max: 9000 }),
    byte: fc.integer({ min: 0, max: 255 }),
  }),
  fc.record({
    kind: fc.constant('number' as const),
    at: address,
    size: fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const),
    value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    little: fc.boolean(),
  }),
);

function apply(ram: Ram, each: Step): number {
  switch (each.kind) {
    case 'write':
      ram.write(each.at, each.bytes);
      return each.bytes.length;
    case 'write-in-place':
      ram.writeInPlace(each.at, each.bytes.length, (target, done) =>
        target.set(each.bytes.subarray(done, done + target.length)),
      );
      return each.bytes.length;
    case 'fill':
      ram.fill(each.at, each.length, each.byte);
      return each.length;
    case 'number': {
      const small = Number(BigInt.asUintN(32, each.value));
      if (each.size === 1) ram.writeU8(each.at, small & 0xff);
      else if (each.size === 2) ram.writeU16(each.at, small & 0xffff, each.little);
      else if (each.size === 4) ram.writeU32(each.at, small, each.little);
      else ram.writeU64(each.at, each.value, each.little);
      return each.size;
    }
  }
}

function applyToModel(model: Model, each: Step): boolean {
  const length = 'bytes' in each ? each.bytes.length : each.kind === 'fill' ? each.length : each.size;
  const place = model.at(each.at, length);
  if (place === undefined) return false;
  if ('bytes' in each) place.set(each.bytes);
  else if (each.kind === 'fill') place.fill(each.byte);
  else
    for (let i = 0; i < length; i++)
      place[each.little ? i : length - 1 - i] = Number((each.value >> BigInt(8 * i)) & 0xffn);
  return true;
}

describe('Ram', () => {
  it('any sequence of writes → what a plain array holds; outside of RAM OutsideMemory and no change', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const { ram } = makeRam();
        const model = new Model();
        for (const each of steps) {
          if (applyToModel(model, each)) apply(ram, each);
          else expect(() => apply(ram, each)).toThrow(OutsideMemory);
        }
        for (const [i, range] of RANGES.entries())
          expect(Buffer.compare(ram.read(range.base, range.size), model.bytes[i] as Uint8Array)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('writeInPlace: memory as at power-on, also after clear → one piece, and nothing of what was there', () => {
    const { ram } = makeRam();
    const written = new Uint8Array(2 * KIB64).fill(0xff);
    const pieces = (): number[] => {
      const lengths: number[] = [];
      ram.writeInPlace(100, KIB64, (target) => lengths.push(target.length));
      return lengths;
    };
    expect(pieces()).toEqual([KIB64]);
    ram.write(0, written);
    ram.clear();
    expect(pieces()).toEqual([KIB64]);
    expect(ram.read(0, 2 * KIB64).every((byte) => byte === 0)).toBe(true);
  });

  it('writeInPlace: pages that lie apart → a piece each; a marked one is asked for before', () => {
    const { ram } = makeRam();
    for (const page of [1, 0, 2]) ram.writeU8(page * PAGE_SIZE, 1);
    ram.mark(ram.locate(0), 1);
    const seen: string[] = [];
    ram.observeWrites((_page, offset, length) => seen.push(`asked ${offset}+${length}`));
    ram.writeInPlace(8, 2 * PAGE_SIZE, (target, done) => seen.push(`write ${done}+${target.length}`));
    expect(seen).toEqual(['asked 8+4088', 'write 0+4088', 'write 4088+4096', 'write 8184+8']);
  });

  it('readU*: any address and byte order → the bytes there', () => {
    const { ram } = makeRam();
    const model = new Model();
    model.bytes.forEach((bytes, i) => {
      for (let n = 0; n < bytes.length; n++) bytes[n] = (n * 31 + (n >> 8) + i) & 0xff;
      ram.write(RANGES[i]?.base as number, bytes);
    });
    fc.assert(
      fc.property(address, fc.boolean(), (at, little) => {
        const number = (size: number): bigint | undefined => {
          const bytes = model.at(at, size);
          if (bytes === undefined) return undefined;
          const ordered = little ? [...bytes].reverse() : [...bytes];
          return ordered.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
        };
        const check = (size: number, read: () => number | bigint): void => {
          const wanted = number(size);
          if (wanted === undefined) expect(read).toThrow(OutsideMemory);
          else expect(BigInt(read())).toBe(wanted);
        };
        check(1, () => ram.readU8(at));
        check(2, () => ram.readU16(at, little));
        check(4, () => ram.readU32(at, little));
        check(8, () => ram.readU64(at, little));
      }),
    );
  });

  it('isRam: across the end of a range, into a hole, between ranges that do not touch → false', () => {
    const { ram } = makeRam();
    expect(ram.isRam(2 * KIB64 - 1, 1)).toBe(true);
    expect(ram.isRam(2 * KIB64 - 1, 2)).toBe(false);
    expect(ram.isRam(3 * KIB64, 1)).toBe(false);
    expect(ram.isRam(0, 5 * KIB64)).toBe(false);
    expect(ram.isRam(0x1_0000_0000, KIB64)).toBe(true);
    expect(ram.isRam(2 ** 52, 1)).toBe(false);
  });

  it('resident: reads → none; a write → its pages; clear → zeros again and the pages are used again', () => {
    const { arena, ram } = makeRam();
    expect(ram.read(0, KIB64).every((byte) => byte === 0)).toBe(true);
    expect(ram.resident).toBe(0);
    ram.write(PAGE_SIZE - 1, Uint8Array.of(1, 2));
    expect(ram.resident).toBe(2 * PAGE_SIZE);
    const { used } = arena;
    ram.clear();
    expect(ram.resident).toBe(0);
    expect(ram.readU16(PAGE_SIZE - 1, false)).toBe(0);
    ram.write(5 * PAGE_SIZE, Uint8Array.of(9));
    expect(arena.used).toBeLessThanOrEqual(used + PAGE_SIZE);
    expect(ram.readU8(5 * PAGE_SIZE + 1)).toBe(0);
  });

  it('locate: RAM → the arena address of the byte; outside → -1', () => {
    const { arena, ram } = makeRam();
    ram.writeU8(0x1_0000_0123, 0x5a);
    expect(arena.bytes[ram.locate(0x1_0000_0123)]).toBe(0x5a);
    expect(ram.locate(2 * KIB64)).toBe(-1);
    expect(ram.locate(0x1_0000_0000 - 1)).toBe(-1);
  });

  it('marked pages: every kind of write → reported before it happens, with its place; others → not', () => {
    const { arena, ram } = makeRam();
    const told: string[] = [];
    const page = ram.locate(PAGE_SIZE);
    ram.observeWrites((at, offset, length) =>
      told.push(`${at === page} ${offset} ${length} ${arena.bytes[at + offset]}`),
    );
    ram.mark(page, 1);
    ram.writeU32(PAGE_SIZE + 8, 0x01020304, false);
    ram.write(PAGE_SIZE - 2, Uint8Array.of(1, 2, 3, 4));
    ram.fill(2 * PAGE_SIZE - 1, 2, 7);
    ram.writeU8(0, 1);
    expect(told).toEqual(['true 8 4 0', 'true 0 2 0', 'true 4095 1 0']);
    ram.unmark(page, 1);
    ram.writeU8(PAGE_SIZE, 1);
    expect(told).toHaveLength(3);
  });

  it('constructor: ranges that descend, overlap or are not multiples of 64 KiB → a bug', () => {
    const arena = new Arena(TOTAL);
    const make =
      (...ranges: { base: number; size: number }[]) =>
      () =>
        new Ram(arena, ranges);
    expect(make({ base: KIB64, size: KIB64 }, { base: 0, size: KIB64 })).toThrow(BugError);
    expect(make({ base: 0, size: 2 * KIB64 }, { base: KIB64, size: KIB64 })).toThrow(BugError);
    expect(make({ base: 0, size: 100 })).toThrow(BugError);
  });

  it('an arena without room → a bug, not a silent page', () => {
    const arena = new Arena(KIB64);
    const ram = new Ram(arena, [{ base: 0, size: 4 * KIB64 }]);
    expect(() => ram.fill(0, 4 * KIB64, 1)).toThrow(BugError);
  });
});
