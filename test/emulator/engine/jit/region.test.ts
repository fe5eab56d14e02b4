/** What is found of a region, and which of its branches backward are loops. */

import { describe, expect, it } from 'vitest';
import { handlerFor } from '../../../../src/emulator/engine/interpreter/handlers.ts';
import { loopsOf } from '../../../../src/emulator/engine/jit/loops.ts';
import { findRegion, type Region } from '../../../../src/emulator/engine/jit/region.ts';
import { decode } from '../../../../src/emulator/isa/index.ts';
import { b, bc, dForm, SC1 } from '../../../synth/power-words.ts';

const ADD = dForm(14, 3, 3, 1);
const BLR = 0x4e800020;
/** Branches if CR0 says equal. */
const beq = (distance: number): number => bc(12, 2, distance);
const bl = (distance: number): number => b(distance) | 1;

/** The region of words that begin a page, from its first one on. */
function regionOf(words: readonly (number | undefined)[], start = 0, entersInLoop = false): Region {
  const code = (offset: number) => {
    const word = words[offset / 4];
    const row = word === undefined ? undefined : decode(word);
    return word === undefined || row === undefined
      ? undefined
      : { word, handler: handlerFor(row, word, offset) };
  };
  return findRegion(start, code, entersInLoop);
}

const blocksOf = (region: Region) =>
  region.blocks.map(({ start, instructions, next }) => [start, instructions.length, next]);

describe('findRegion', () => {
  it('straight code ends where it leaves for a register’s address', () => {
    const region = regionOf([ADD, ADD, BLR, ADD]);
    expect(blocksOf(region)).toEqual([[0, 3, 12]]);
    expect(region.entries).toEqual([0]);
  });

  it('a loop is entered at its head as well', () => {
    const region = regionOf([ADD, ADD, beq(-4), ADD, BLR]);
    expect(blocksOf(region)).toEqual([
      [0, 1, 4],
      [4, 2, 12],
      [12, 2, 20],
    ]);
    expect(region.entries).toEqual([0, 4]);
  });

  it('what follows a call and a system call are entries; the system call is left to the interpreter', () => {
    const region = regionOf([bl(16), ADD, SC1, ADD, BLR]);
    expect(region.entries).toEqual([0, 4]);
    expect(
      region.blocks.flatMap(({ instructions }) => instructions.filter(({ left }) => left)),
    ).toMatchObject([{ offset: 8 }]);
  });

  it('a start in a loop behind its head is no entry, unless it shall be', () => {
    const words = [ADD, ADD, bc(12, 2, 8), ADD, beq(-16), BLR];
    expect(regionOf(words, 12).entries).toEqual([0]);
    expect(regionOf(words, 12, true).entries).toEqual([0, 12]);
    expect(regionOf(words, 0).entries).toEqual([0]);
  });

  it('a start in a loop whose head is not part of the region is an entry', () => {
    expect(regionOf([undefined, ADD, ADD, beq(-12), BLR], 4).entries).toEqual([4]);
  });

  it('the head of a loop in a loop is an entry', () => {
    const words = [ADD, ADD, beq(-4), beq(-12), BLR];
    expect(regionOf(words, 4).entries).toEqual([0, 4]);
  });

  it('a branch out of the page, and one to no instruction, lead out of the region', () => {
    const region = regionOf([beq(-8), b(8), ADD]);
    expect(blocksOf(region)).toEqual([
      [0, 1, 4],
      [4, 1, 8],
    ]);
  });
});

describe('loopsOf', () => {
  const loops = (region: Region) => [...loopsOf(region).values()].map(({ first, last }) => [first, last]);

  it('a loop in a loop', () => {
    const region = regionOf([ADD, ADD, ADD, beq(-4), ADD, beq(-16), BLR]);
    expect(region.blocks.map(({ start }) => start)).toEqual([0, 4, 8, 16, 24]);
    // The inner one is entered from outside of the region, so that the outer one is entered inside.
    expect(loops(region)).toEqual([[2, 2]]);
  });

  it('one that is entered in its middle is none', () => {
    const region = regionOf([beq(12), ADD, ADD, ADD, beq(-12), BLR]);
    expect(loops(region)).toEqual([]);
  });
});
