/** What a kernel uses as memory, from a tree of resources that a test lays out. */

import { describe, expect, it } from 'vitest';
import { type Endian, latin1Bytes, putU64 } from '../../../src/base/bytes.ts';
import { hex64 } from '../../../src/base/hex.ts';
import { OutsideMemory } from '../../../src/emulator/memory/contract.ts';
import { ownedMemory } from '../../../src/panic/facts/owned-memory.ts';

const LINEAR = 0xc000000000000000n;
const ROOT = 0x100;
const RAM = 0x800;
const OTHER = 0x840;

/** A root with three siblings below it: memory, something else, and memory. */
function tree(endian: Endian) {
  const memory = new Uint8Array(0x1000);
  const word = (at: number, value: bigint): void => putU64(memory, at, value, endian);
  const resource = (at: number, start: bigint, end: bigint, name: number, next?: number): void => {
    word(at, start);
    word(at + 8, end);
    word(at + 16, LINEAR + BigInt(name));
    word(at + 24, 0x200n);
    word(at + 48, next === undefined ? 0n : LINEAR + BigInt(next));
  };
  memory.set(latin1Bytes('System RAM\0'), RAM);
  memory.set(latin1Bytes('System RAM (no)\0'), OTHER);
  resource(ROOT, 0n, (1n << 64n) - 1n, OTHER);
  word(ROOT + 56, LINEAR + 0x200n);
  resource(0x200, 0n, 0x2fffffffn, RAM, 0x300);
  resource(0x300, 0x30000000n, 0x3fffffffn, OTHER, 0x400);
  resource(0x400, 0x100000000n, 0x10fffffffn, RAM);
  const read = async (raddr: number, length: number): Promise<Uint8Array> => {
    if (raddr + length > memory.length) throw new OutsideMemory(raddr, length);
    return memory.slice(raddr, raddr + length);
  };
  return { memory, word, owned: () => ownedMemory(ROOT, read) };
}

describe.each(['little', 'big'] as const)('ownedMemory, %s-endian', (endian) => {
  it('ranges that are System RAM, and no others', async () => {
    expect(await tree(endian).owned()).toEqual([
      { start: hex64(0), bytes: 0x30000000 },
      { start: hex64(0x100000000), bytes: 0x10000000 },
    ]);
  });

  it.each<[string, number, bigint]>([
    ['the root is no range of memory', ROOT + 24, 0n],
    ['a list that leads out of memory', 0x300 + 48, LINEAR + 0x7f000000n],
    ['a list that leaves the linear map', 0x300 + 48, 0x7f000000n],
    ['a list without an end', 0x400 + 48, LINEAR + 0x200n],
    ['a range that ends before it begins', 0x200, 0x50000000n],
    ['no range at all', ROOT + 56, 0n],
  ])('%s → not known', async (_what, at, value) => {
    const { word, owned } = tree(endian);
    word(at, value);
    expect(await owned()).toBeUndefined();
  });
});
