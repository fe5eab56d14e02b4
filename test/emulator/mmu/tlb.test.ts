/** Flushes by where an entry leads, against a search of the whole array. */

import { describe, expect, it } from 'vitest';
import * as tlb from '../../../src/emulator/mmu/tlb.ts';

const PAGE = 4096;
const WORDS = tlb.TLB_BYTES / 4;

function entries(words: Int32Array, array: number): number[] {
  const out: number[] = [];
  for (let context = 0; context < tlb.CONTEXTS; context++) {
    const from = (context * tlb.TLB_SET_BYTES + array) / 4;
    for (let at = from; at < from + tlb.TLB_ARRAY_BYTES / 4; at += 4) if (words[at] !== -1) out.push(at);
  }
  return out;
}

/** Fills `count` entries of each array and two contexts; effective page n leads to arena page n % 16, code to slot n % 8. */
function filled(count: number): { readonly words: Int32Array; readonly each: tlb.Tlb } {
  const words = new Int32Array(WORDS);
  const each = new tlb.Tlb(words.buffer, 0);
  for (let n = 0; n < count; n++) {
    const lo = n * PAGE;
    for (const context of [tlb.CONTEXT_REAL, tlb.CONTEXT_KERNEL]) {
      each.fill(context, tlb.TLB_READ, lo, 0, (n % 16) * PAGE - lo);
      each.fill(context, tlb.TLB_WRITE, lo, 0, (n % 16) * PAGE - lo);
      each.fill(context, tlb.TLB_EXECUTE, lo, 0, (n % 8) * 0x4040);
    }
  }
  return { words, each };
}

// Few entries are found through the log of fills, many by a search.
describe.each([64, 2000])('Tlb with %i entries an array', (count) => {
  it('flushArenaPage: drops what leads to the page in that array, and nothing else', () => {
    const { words, each } = filled(count);
    const before = entries(words, tlb.TLB_WRITE);
    const reads = entries(words, tlb.TLB_READ);
    expect(before.length).toBe(count * 2);
    each.flushArenaPage(tlb.TLB_WRITE, 5 * PAGE);
    const after = entries(words, tlb.TLB_WRITE);
    expect(before.length - after.length).toBe(count / 8);
    expect(
      after.every((at) => ((words[at] as number) + (words[at + 2] as number)) % (16 * PAGE) !== 5 * PAGE),
    ).toBe(true);
    expect(entries(words, tlb.TLB_READ)).toEqual(reads);
  });

  it('flushCode: drops the execute entries of a slot, and nothing else', () => {
    const { words, each } = filled(count);
    const writes = entries(words, tlb.TLB_WRITE);
    each.flushCode(3 * 0x4040);
    const after = entries(words, tlb.TLB_EXECUTE);
    expect(after.length).toBe((count * 2 * 7) / 8);
    expect(after.every((at) => words[at + 2] !== 3 * 0x4040)).toBe(true);
    expect(entries(words, tlb.TLB_WRITE)).toEqual(writes);
  });

  it('flushContext: that context is empty, the other whole, and it fills again', () => {
    const { words, each } = filled(count);
    each.flushContext(tlb.CONTEXT_KERNEL);
    expect(entries(words, tlb.TLB_READ).length).toBe(count);
    each.fill(tlb.CONTEXT_KERNEL, tlb.TLB_WRITE, 0x7000, 0, 5 * PAGE - 0x7000);
    each.flushArenaPage(tlb.TLB_WRITE, 5 * PAGE);
    expect(entries(words, tlb.TLB_WRITE).length).toBe((count * 15) / 16);
  });
});

describe('Tlb with translations of programs and of the kernel', () => {
  const PROGRAM = 0x1000_0000;
  const KERNEL_HI = 0xc0000000 | 0;

  function mixed(count: number): { readonly words: Int32Array; readonly each: tlb.Tlb } {
    const words = new Int32Array(WORDS);
    const each = new tlb.Tlb(words.buffer, 0);
    for (let n = 0; n < count; n++) {
      const array = n % 2 === 0 ? tlb.TLB_READ : tlb.TLB_WRITE;
      each.fill(tlb.CONTEXT_REAL, array, n * PAGE, 0, 0);
      each.fill(tlb.CONTEXT_USER, array, PROGRAM + n * PAGE, 0, 0);
      each.fill(tlb.CONTEXT_KERNEL, array, PROGRAM + n * PAGE, 0x10, 0);
      each.fill(tlb.CONTEXT_KERNEL, array, (2048 + n) * PAGE, KERNEL_HI, 0);
    }
    return { words, each };
  }
  const kinds = (words: Int32Array) => {
    const all = [tlb.TLB_READ, tlb.TLB_WRITE].flatMap((array) => entries(words, array));
    const real = tlb.TLB_SET_BYTES / 4;
    return {
      real: all.filter((at) => at < real).length,
      programs: all.filter((at) => at >= real && words[at + 1] !== KERNEL_HI).length,
      kernel: all.filter((at) => words[at + 1] === KERNEL_HI).length,
    };
  };

  it.each([
    [200, 200],
    // More than are remembered: the kernel's own go as well.
    [1500, 0],
  ])('flushPrograms with %i pages: none of programs’ is left, %i of the kernel’s are', (count, kernel) => {
    const { words, each } = mixed(count);
    expect(kinds(words)).toEqual({ real: count, programs: 2 * count, kernel: count });
    each.flushPrograms();
    expect(kinds(words)).toEqual({ real: count, programs: 0, kernel });
  });

  it('dropPages: those pages in every translated context and array, by address bits 12 to 23; the rest stays', () => {
    const { words, each } = mixed(64);
    const before = kinds(words);
    each.dropPages(PROGRAM + 8 * PAGE, 16);
    expect(kinds(words)).toEqual({ ...before, programs: before.programs - 2 * 16 });
    each.dropPages(0x7f00_0000 + 2048 * PAGE, 1);
    expect(kinds(words).kernel).toBe(before.kernel - 1);
    // Past the last slot it continues at the first.
    each.dropPages(PROGRAM + 4095 * PAGE, 2);
    expect(kinds(words).programs).toBe(before.programs - 2 * 16 - 2);
    each.dropPages(0, tlb.TLB_ENTRIES);
    expect(kinds(words)).toEqual({ real: 64, programs: 0, kernel: 0 });
  });
});
