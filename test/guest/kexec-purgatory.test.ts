/** Purgatory on a bare machine: whatever byte order it is entered in, and whatever was done to the image after the load. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { arraySource, putU32, putU64 } from '../../src/base/bytes.ts';
import { type ElfFile, findSymbols, parseElf, readSegment } from '../../src/base/elf/index.ts';
import { MSR } from '../../src/base/power.ts';
import { BareMachine, type BareStop } from '../../src/emulator/partition/bare-machine.ts';
import { ATTN } from '../synth/power-words.ts';

const PVR_POWER8 = 0x4d0200;
const HERE = 0x40000;
const KERNEL = 0x10000;
const KERNEL_BYTES = 0x3457;
const TREE = 0x20000;
const BACKUP = 0x80000;
const LOW = 0x4000;
const STACK = 0x70000;
const MARKER = 0x72756e30;
const MASTER = 9;
const ONE_WORD = 4;

function purgatory(): { image: Uint8Array; at: (name: string) => number; file: ElfFile } {
  const file = parseElf(arraySource(readFileSync('guest/prebuilt/purgatory.elf')));
  const program = file.programs.find(({ type }) => type === 1);
  if (program === undefined) throw new Error('no PT_LOAD');
  const image = new Uint8Array(program.memsz);
  image.set(readSegment(file, program));
  const at = (name: string): number => {
    const symbol = findSymbols(file, [name]).get(name);
    if (symbol === undefined) throw new Error(`purgatory has no ${name}`);
    return Number(symbol.value);
  };
  return { image, at, file };
}

type Setup = {
  readonly little?: boolean;
  readonly panic?: boolean;
  readonly spoil?: number;
  readonly regions?: readonly (readonly [number, number])[];
  readonly version?: number;
};

/** Puts everything where a loader would, and enters purgatory. The kernel is one that stops at once. */
function enter(setup: Setup): {
  machine: BareMachine;
  stop: BareStop;
  low: Uint8Array;
  at: (n: string) => number;
} {
  const { image, at } = purgatory();
  const machine = new BareMachine({ memory: 0x100000, endian: 'big', processorVersion: PVR_POWER8 });
  const { ram, vcpu } = machine;

  const kernel = Uint8Array.from({ length: KERNEL_BYTES }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  putU32(kernel, 0, ATTN, 'big');
  putU32(kernel, 0x5c, MARKER, 'big');
  ram.write(KERNEL, kernel);
  const tree = new Uint8Array(64);
  putU32(tree, 0, 0xd00dfeed, 'big');
  putU32(tree, 20, setup.version ?? 17, 'big');
  ram.write(TREE, tree);

  const regions = setup.regions ?? [[KERNEL, KERNEL_BYTES]];
  const hash = createHash('sha256');
  for (const [start, length] of regions) hash.update(ram.read(start, length));
  image.set(kernel.subarray(ONE_WORD, 0x100), ONE_WORD);
  if (setup.panic === true) putU32(image, at('run_at_load'), 1, 'big');
  putU32(image, at('panic_kernel'), setup.panic === true ? 1 : 0, 'big');
  putU64(image, at('kernel'), BigInt(KERNEL), 'big');
  putU64(image, at('dt_offset'), BigInt(TREE), 'big');
  putU64(image, at('stack'), BigInt(STACK), 'big');
  putU64(image, at('backup_dst'), BigInt(BACKUP), 'big');
  putU64(image, at('backup_len'), BigInt(LOW), 'big');
  // There is no hypervisor to print by.
  putU64(image, at('console_unit'), 0xffffffffffffffffn, 'big');
  putU32(image, at('sha256_count'), regions.length, 'big');
  for (const [i, [start, length]] of regions.entries()) {
    putU64(image, at('sha256_regions') + 16 * i, BigInt(start), 'big');
    putU64(image, at('sha256_regions') + 16 * i + 8, BigInt(length), 'big');
  }
  image.set(hash.digest(), at('sha256_digest'));
  ram.write(HERE, image);
  // What kexec_sequence leaves at 0, and something above it.
  ram.write(0, image.subarray(0, 0x100));
  for (let i = 0x100; i < LOW; i += 8) ram.writeU64(i, BigInt(i) * 0x01010101n, false);
  const low = ram.read(0, LOW);
  if (setup.spoil !== undefined) ram.writeU8(setup.spoil, ram.readU8(setup.spoil) ^ 0x10);

  vcpu.nia = BigInt(HERE);
  vcpu.setGpr(3, BigInt(MASTER));
  vcpu.setGpr(4, BigInt(HERE));
  if (setup.little === true) vcpu.msr |= MSR.LE;
  return { machine, stop: machine.run(4_000_000), low, at };
}

describe('purgatory', () => {
  it('the first word: a branch to the same place read from either end', () => {
    const { image, at } = purgatory();
    const word = [...image.subarray(0, 4)];
    expect(word).toEqual([...word].reverse());
    expect(0x48000000 + at('entry')).toBe(Buffer.from(word).readUInt32BE());
    expect(at('run_at_load')).toBe(0x5c);
    expect(Buffer.from(image).readUInt32BE(0x5c)).toBe(MARKER);
  });

  it('has no relocations: it runs wherever it is put', () => {
    const { file } = purgatory();
    expect(file.sections.filter(({ name, size }) => name.startsWith('.rela') && size > 0)).toEqual([]);
  });

  for (const little of [false, true]) {
    it(`crash load, entered ${little ? 'little' : 'big'}-endian → backup, flag, boot CPU, kernel big-endian`, () => {
      const { machine, stop, low } = enter({ little, panic: true });
      const { ram, vcpu } = machine;
      expect(stop).toBe('attn');
      expect([vcpu.nia, vcpu.gpr(3), vcpu.gpr(4), vcpu.gpr(5)]).toEqual(
        [KERNEL, TREE, KERNEL, 0].map((n) => BigInt(n)),
      );
      expect(vcpu.msr & MSR.LE).toBe(0n);
      expect(ram.readU32(TREE + 28, false)).toBe(MASTER);
      expect(ram.readU32(KERNEL + 0x5c, false)).toBe(1);
      expect(ram.read(BACKUP, LOW)).toEqual(low);
      // Secondaries wait there: not a byte of it may change under them.
      expect(ram.read(0, LOW)).toEqual(low);
    });
  }

  it('ordinary load → no backup, the marker stays', () => {
    const { machine, stop } = enter({});
    expect(stop).toBe('attn');
    expect(machine.ram.readU32(KERNEL + 0x5c, false)).toBe(MARKER);
    expect(machine.ram.read(BACKUP, LOW).every((byte) => byte === 0)).toBe(true);
    expect(machine.ram.readU32(TREE + 28, false)).toBe(MASTER);
  });

  it('a tree of version 1 has no field for the boot CPU → untouched', () => {
    const { machine, stop } = enter({ version: 1 });
    expect(stop).toBe('attn');
    expect(machine.ram.readU32(TREE + 28, false)).toBe(0);
  });

  for (const regions of [
    [],
    [[KERNEL, 0]],
    [[KERNEL, 1]],
    [[KERNEL, 64]],
    [
      [KERNEL, 55],
      [KERNEL + 100, 9],
      [KERNEL + 200, 1000],
      [TREE, 64],
    ],
    Array.from({ length: 16 }, (_, i) => [KERNEL + 3 * i, 61 + i] as const),
  ] as const) {
    it(`digest over ${JSON.stringify(regions.map(([, length]) => length))} bytes → entered`, () => {
      expect(enter({ regions }).stop).toBe('attn');
    });
  }

  for (const [where, spoil] of [
    ['first', KERNEL],
    ['last', KERNEL + KERNEL_BYTES - 1],
  ] as const) {
    it(`the ${where} byte of the kernel changed after the load → never entered, nothing of it changed`, () => {
      const { machine, stop, at } = enter({ panic: true, spoil });
      expect(stop).toBe('limit');
      expect(machine.vcpu.nia).toBe(BigInt(HERE + at('purgatory_gave_up')));
      expect(machine.ram.readU32(KERNEL + 0x5c, false)).toBe(MARKER);
      expect(machine.ram.readU32(TREE + 28, false)).toBe(0);
    });
  }

  it('a byte outside the regions changed → entered', () => {
    expect(enter({ regions: [[KERNEL, 0x100]], spoil: KERNEL + 0x100 }).stop).toBe('attn');
  });
});
