/** Random storage accesses inside a case's memory. */

import type { Row } from '../../src/emulator/isa/index.ts';
import { MEMORY_BYTES } from './qemu-user.ts';
import { type CaseBuilder, XER_COUNT } from './random-case.ts';
import { field, randomWord, withField, withFields, withLow } from './random-encoding.ts';

export type Emitter = (b: CaseBuilder, row: Row) => boolean;

type Address = { readonly a: number; readonly b: number; readonly ea: number };

/** Registers for RA and RB whose sum is the address of `size` bytes of the memory, a multiple of `align`; RA0 = 0 included. */
function indexed(b: CaseBuilder, size: number, align: number, updates = false): Address | undefined {
  const { random, memory } = b;
  for (let attempt = 0; attempt < 6; attempt++) {
    const pointer = random.pick(b.pointers);
    const choices: readonly (readonly [number, number])[] = [
      [0, pointer],
      [pointer, random.pick(b.smalls)],
      random.pick(b.pairs),
    ];
    let [ra, rb] = random.pick(choices);
    if (random.oneIn(2) && ra !== 0 && rb !== 0) [ra, rb] = [rb, ra];
    if (updates && ra === 0) continue;
    const left = ra === 0 ? 0n : b.value(ra);
    const right = b.value(rb);
    if (left === undefined || right === undefined) continue;
    const ea = Number(BigInt.asUintN(64, left + right));
    if (ea >= memory && ea <= memory + MEMORY_BYTES - size && ea % align === 0) return { a: ra, b: rb, ea };
  }
  return undefined;
}

/** A base register and a displacement that is a multiple of `step`. */
function displaced(
  b: CaseBuilder,
  size: number,
  step: number,
  align: number,
): { a: number; d: number; ea: number } | undefined {
  for (let attempt = 0; attempt < 6; attempt++) {
    const a = b.random.pick(b.pointers);
    const base = a === 0 ? undefined : b.near(a);
    if (base === undefined || (base % step) % align !== 0) continue;
    const wanted = b.memory + b.random.below(MEMORY_BYTES - size + 1);
    const unit = Math.max(step, align);
    const d = Math.floor((wanted - base) / unit) * unit;
    const ea = base + d;
    if (
      d >= -0x8000 &&
      d <= 0x7fff &&
      ea >= b.memory &&
      ea <= b.memory + MEMORY_BYTES - size &&
      ea % align === 0
    )
      return { a, d, ea };
  }
  return undefined;
}

const LOW: Readonly<Record<string, readonly [mask: number, step: number]>> = {
  D: [0xffff, 1],
  DS: [0xfffc, 4],
  DQ: [0xfff0, 16],
};

/** Any plain load or store of `size` bytes, by what its row says: displacement or index, update or not. */
export function access(size: number): Emitter {
  return (b, row) => {
    const updates = row.operands.some((each) => each.name === 'RA');
    const isLoad = row.operands[0]?.name === 'RT';
    const low = row.operands.map((each) => LOW[each.name]).find((each) => each !== undefined);
    let word = randomWord(b.random, row);
    let ea: number;
    let base: number;
    if (low === undefined) {
      const found = indexed(b, size, 1, updates);
      if (found === undefined) return false;
      word = withFields(word, { a: found.a, b: found.b });
      ({ ea, a: base } = found);
    } else {
      const found = displaced(b, size, low[1], 1);
      if (found === undefined) return false;
      word = withLow(withField(word, 'a', found.a), found.d, low[0]);
      ({ ea, a: base } = found);
    }
    const target = field(word, 't');
    if (updates && isLoad && target === base) return false;
    b.unit(word);
    if (isLoad) b.write(target);
    if (updates) b.write(base, { value: BigInt(ea) });
    return true;
  };
}

/** Cases that contain a dcbz; see {@link reservePair}. */
const zeroing = new WeakSet<CaseBuilder>();

/** Cache instructions that name a byte of the memory. */
export const cacheOperation: Emitter = (b, row) => {
  const found = indexed(b, 1, 1);
  if (found === undefined) return false;
  b.unit(withFields(randomWord(b.random, row), { a: found.a, b: found.b }));
  if (row.base === 'dcbz') zeroing.add(b);
  return true;
};

/** lmw and stmw. */
export const multiple: Emitter = (b, row) => {
  if (b.little) return false;
  const word = randomWord(b.random, row);
  const first = field(word, 't');
  const count = 32 - first;
  const found = displaced(b, 4 * count, 1, 1);
  const isLoad = row.base === 'lmw';
  if (found === undefined || (isLoad && found.a >= first)) return false;
  b.unit(withLow(withField(word, 'a', found.a), found.d, 0xffff));
  if (isLoad) for (let n = first; n < 32; n++) b.write(n);
  return true;
};

function stringRegisters(first: number, bytes: number): number[] {
  return Array.from({ length: Math.ceil(bytes / 4) }, (_, i) => (first + i) % 32);
}

/** lswi and stswi. */
export const stringImmediate: Emitter = (b, row) => {
  if (b.little) return false;
  const word = randomWord(b.random, row);
  const bytes = field(word, 'b') || 32;
  const base = b.random.pick(b.pointers);
  const ea = base === 0 ? undefined : b.near(base);
  const registers = stringRegisters(field(word, 't'), bytes);
  const isLoad = row.base === 'lswi';
  if (
    ea === undefined ||
    ea < b.memory ||
    ea > b.memory + MEMORY_BYTES - bytes ||
    (isLoad && registers.includes(base))
  )
    return false;
  b.unit(withField(word, 'a', base));
  if (isLoad) for (const each of registers) b.write(each);
  return true;
};

/** lswx and stswx: as many bytes as XER says, at least one when loading. */
export const stringIndexed: Emitter = (b, row) => {
  const count = b.value(XER_COUNT);
  const isLoad = row.base === 'lswx';
  if (b.little || count === undefined || (isLoad && count === 0n)) return false;
  const found = indexed(b, Number(count) || 1, 1);
  const word = randomWord(b.random, row);
  const registers = stringRegisters(field(word, 't'), Number(count));
  // RA = 0 names register 0 here: such a form is invalid when register 0 is loaded.
  if (found === undefined || (isLoad && (registers.includes(found.a) || registers.includes(found.b))))
    return false;
  b.unit(withFields(word, { a: found.a, b: found.b }));
  if (isLoad) for (const each of registers) b.write(each);
  return true;
};

/** lq and stq. */
export const quadword: Emitter = (b, row) => {
  const [mask, step] = LOW[row.base === 'lq' ? 'DQ' : 'DS'] as readonly [number, number];
  const found = displaced(b, 16, step, 16);
  const target = b.random.below(16) * 2;
  if (found === undefined || (row.base === 'lq' && found.a === target)) return false;
  b.unit(withLow(withFields(randomWord(b.random, row), { t: target, a: found.a }), found.d, mask));
  if (row.base === 'lq') for (const each of [target, target + 1]) b.write(each);
  return true;
};

/** Functions that QEMU 7.2 has right (exclusions.md): no counting with a bound, and no signed words. */
const LOAD_FUNCTIONS = { 4: [0, 1, 2, 3, 4, 6, 8, 16], 8: [0, 1, 2, 3, 4, 5, 6, 7, 8, 16] } as const;
const STORE_FUNCTIONS = { 4: [0, 1, 2, 3, 4, 6, 24], 8: [0, 1, 2, 3, 4, 5, 6, 7, 24] } as const;

/** An atomic memory operation at a register's address. */
export function atomic(size: 4 | 8): Emitter {
  return (b, row) => {
    const isLoad = row.operands[0]?.name === 'RT';
    const code: number = b.random.pick<number>((isLoad ? LOAD_FUNCTIONS : STORE_FUNCTIONS)[size]);
    const base = b.random.pick(b.pointers);
    const ea = base === 0 ? undefined : b.near(base);
    const length = code === 24 ? 2 * size : size;
    const target = b.random.below(32);
    if (
      ea === undefined ||
      ea % size !== 0 ||
      (ea % 32) + length > 32 ||
      ea < b.memory ||
      ea > b.memory + MEMORY_BYTES - length ||
      (isLoad && target === base)
    )
      return false;
    b.unit(withFields(randomWord(b.random, row), { t: target, a: base, b: code }));
    if (isLoad) b.write(target);
    return true;
  };
}

/** Load and reserve, then the store conditional of the same size: to the same place, once or twice. */
export function reservePair(size: number, conditional: Row): Emitter {
  return (b, row) => {
    // QEMU 7.2's dcbz ends a reservation without telling its translator, which then takes it for held (exclusions.md).
    if (zeroing.has(b)) return false;
    const found = indexed(b, size, size);
    const { random } = b;
    const pair = size === 16;
    const target = pair ? random.below(16) * 2 : random.below(32);
    const targets = pair ? [target, target + 1] : [target];
    if (found === undefined || targets.includes(found.a) || targets.includes(found.b)) return false;
    const place = { a: found.a, b: found.b };
    const load = withFields(randomWord(random, row), { ...place, t: target });
    const store = (): number =>
      withFields(randomWord(random, conditional), {
        ...place,
        t: pair ? random.below(16) * 2 : random.below(32),
      });
    const words = [load];
    // QEMU 7.2 lets stqcx. fail by itself (exclusions.md): lqarx stays alone.
    const stores = pair ? 0 : random.below(3);
    for (let i = 0; i < stores; i++) words.push(store());
    b.unit(...words);
    for (const each of targets) b.write(each);
    return true;
  };
}
