/** Machines that cannot be are refused before anything is made for them; the largest that can be is made. */

import { describe, expect, it } from 'vitest';
import { Arena } from '../../../src/emulator/memory/arena.ts';
import { Partition } from '../../../src/emulator/partition/index.ts';
import { checkSizes, MOST_MEMORY, parseMemorySpec } from '../../../src/emulator/partition/size/index.ts';
import { codeOf } from '../../synth/mutate.ts';

const MIB = 2 ** 20;
const machine = { memory: [{ base: 0, size: 2 ** 30 }], disks: [] };

describe('checkSizes', () => {
  it.each([
    ['4G', 'memory/limit'],
    ['5G', 'memory/limit'],
    ['8T', 'memory/limit'],
    ['2G,2G@8G', 'memory/limit'],
    ['1G,64K@4095G', 'no error'],
    ['1G,1G@4096G', 'memory/limit'],
    [new Array(65).fill('64K').join(','), 'memory/limit'],
    ['3839M', 'no error'],
    ['64M,16M@4G', 'no error'],
  ])('--memory %s → %s', (text, code) => {
    expect(codeOf(() => checkSizes({ ...machine, memory: parseMemorySpec(text) }))).toBe(code);
  });

  it('the message names the limit', () => {
    expect(() => checkSizes({ ...machine, memory: parseMemorySpec('4G') })).toThrow(
      '4096 MiB of memory are more than a machine can have: at most 3839 MiB',
    );
  });

  it.each([
    [0, 'memory/rma'],
    [1, 'memory/rma'],
    [2 ** 30 + 0x10000, 'memory/rma'],
    [1e15, 'memory/rma'],
    [2 ** 30, 'no error'],
    [256 * MIB, 'no error'],
  ])('a real-mode area of %d bytes → %s', (rma, code) => {
    expect(codeOf(() => checkSizes({ ...machine, rma }))).toBe(code);
  });

  it.each([
    [0, 'disk/size'],
    [511, 'disk/size'],
    [513, 'disk/size'],
    [2 ** 40 + 512, 'disk/size'],
    [1e15, 'disk/size'],
    [2 ** 40, 'no error'],
  ])('a disk of %d bytes → %s', (bytes, code) => {
    expect(codeOf(() => checkSizes({ ...machine, disks: [{ kind: 'scratch', bytes }] }))).toBe(code);
  });

  it.each(['3', '1e15', '64K,3', '-1G', '1G@', '0', '0x10000@1', '9007199254740993'])(
    '--memory %s → refused as it is read',
    (text) => {
      expect(codeOf(() => parseMemorySpec(text))).toMatch(/^memory\//);
    },
  );
});

describe('the largest machine', () => {
  it('can be made, with every CPU and a hash table', () => {
    const partition = new Partition(
      {
        processor: 'power8',
        mmu: 'hash',
        cpus: 8,
        memory: [{ base: 0, size: MOST_MEMORY }],
        kernel: '',
        append: '',
        seed: 1,
        disks: [],
      },
      [],
      { console: () => undefined, unsupported: () => undefined, event: () => undefined },
    );
    // Every page of it has a place: nothing else takes the room.
    const { ram } = partition;
    ram.fill(MOST_MEMORY - MIB, MIB, 1);
    expect(ram.readU8(MOST_MEMORY - 1)).toBe(1);
  });

  it('an arena that the host does not give → says so', () => {
    const { Memory } = WebAssembly;
    try {
      WebAssembly.Memory = class {
        constructor() {
          throw new RangeError('WebAssembly.Memory(): could not allocate memory');
        }
      } as unknown as typeof WebAssembly.Memory;
      expect(codeOf(() => new Arena(MIB))).toBe('memory/host');
    } finally {
      WebAssembly.Memory = Memory;
    }
  });
});
