import { describe, expect, it } from 'vitest';
import { RecordCache } from '../../../src/emulator/engine/interpreter/record-cache.ts';

const ADDI = 0x38630001;
const BC = 0x41820010;
const B = 0x48000010;

describe('RecordCache', () => {
  it('recall: a word kept elsewhere → its record, at the new address alone', () => {
    const arena = new Int32Array(64);
    const cache = new RecordCache(arena);
    arena.set([1, 2, 3, 4], 8);
    cache.keep(ADDI, 32);
    expect(cache.recall(ADDI, 64)).toBe(true);
    expect([...arena.subarray(15, 21)]).toEqual([0, 1, 2, 3, 4, 0]);
  });

  it('recall: a word never kept, word 0 included → false, and nothing is written', () => {
    const arena = new Int32Array(64).fill(7);
    const cache = new RecordCache(arena);
    expect(cache.recall(ADDI, 64)).toBe(false);
    expect(cache.recall(0, 64)).toBe(false);
    expect(arena.every((word) => word === 7)).toBe(true);
  });

  it('keep: relative branches, whose records depend on the place → not kept', () => {
    const cache = new RecordCache(new Int32Array(64));
    for (const word of [BC, B]) {
      cache.keep(word, 0);
      expect(cache.recall(word, 64)).toBe(false);
    }
  });

  it('keep: more words than there are entries → every recall is of the right word', () => {
    const arena = new Int32Array(64);
    const cache = new RecordCache(arena);
    const words = Array.from({ length: 200_000 }, (_, i) => (0x7c000000 | i) >> 0);
    let recalled = 0;
    for (const word of words) {
      arena.fill(word, 0, 4);
      cache.keep(word, 0);
    }
    for (const word of words) {
      if (!cache.recall(word, 64)) continue;
      recalled++;
      expect(arena[16]).toBe(word);
    }
    expect(recalled).toBeGreaterThan(10_000);
  });
});
