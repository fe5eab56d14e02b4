/** Kernels in what they may be wrapped in: compressed, in a zImage, and in hostile ones; and their options. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, latin1Bytes, putU16, putU32, putU64 } from '../../src/base/bytes.ts';
import { kernelOptions, requireOptions } from '../../src/images/kernel-options.ts';
import { unwrapKernel } from '../../src/images/kernel-payload.ts';
import { compressed } from '../synth/deb.ts';
import { asyncCodeOf, mutate, mutations } from '../synth/mutate.ts';
import { synthKernel } from '../synth/power-elf.ts';

const kernel = synthKernel('6.12.0-mine');

/** A boot wrapper as ld makes it: the payload, the names of sections, and their table of three. */
function zImage(payload: Uint8Array, bits: 32 | 64, section = '.kernel:vmlinux.strip'): Uint8Array {
  const isWide = bits === 64;
  const header = new Uint8Array(isWide ? 64 : 52);
  const names = latin1Bytes(`\0${section}\0.shstrtab\0`);
  const stride = isWide ? 64 : 40;
  const endian = isWide ? 'little' : 'big';
  const table = new Uint8Array(3 * stride);
  const wide = (bytes: Uint8Array, at: number, value: number): void =>
    isWide ? putU64(bytes, at, BigInt(value), endian) : putU32(bytes, at, value, endian);
  const entry = (index: number, name: number, start: number, size: number): void => {
    putU32(table, index * stride, name, endian);
    wide(table, index * stride + (isWide ? 24 : 16), start);
    wide(table, index * stride + (isWide ? 32 : 20), size);
  };
  entry(1, 1, header.length, payload.length);
  entry(2, 2 + section.length, header.length + payload.length, names.length);
  header.set([0x7f, 0x45, 0x4c, 0x46, isWide ? 2 : 1, isWide ? 1 : 2, 1]);
  wide(header, isWide ? 40 : 32, header.length + payload.length + names.length);
  const at = isWide ? 58 : 46;
  putU16(header, at, stride, endian);
  putU16(header, at + 2, 3, endian);
  putU16(header, at + 4, 2, endian);
  return concatBytes([header, payload, names, table]);
}

describe('unwrapKernel', () => {
  const gz = compressed(kernel, 'gz');
  it.each<[string, Uint8Array]>([
    ['plain', kernel],
    ['in gzip', gz],
    ['in xz', compressed(kernel, 'xz')],
    ['in zstd', compressed(kernel, 'zst')],
    ['in a zImage of 32 bits, in gzip', zImage(gz, 32)],
    ['in a zImage of 64 bits, in xz', zImage(compressed(kernel, 'xz'), 64)],
    ['in a zImage, plain', zImage(kernel, 64)],
    ['in a zImage that is compressed itself', compressed(zImage(gz, 64), 'gz')],
  ])('%s → the kernel', async (_what, bytes) => {
    expect(Buffer.compare(await unwrapKernel(bytes, 'x'), kernel)).toBe(0);
  });

  it('an ELF file without the section, and text → as they are', async () => {
    for (const bytes of [zImage(gz, 32, '.text'), latin1Bytes('#!/bin/sh\n')])
      expect(await unwrapKernel(bytes, 'x')).toBe(bytes);
  });

  it('a payload of an unknown kind, and four layers → image/bad-kernel; cut data → image/bad-compression', async () => {
    expect(await asyncCodeOf(() => unwrapKernel(zImage(latin1Bytes('lzma?'), 64), 'x'))).toBe(
      'image/bad-kernel',
    );
    const deep = compressed(compressed(compressed(gz, 'gz'), 'gz'), 'gz');
    expect(await asyncCodeOf(() => unwrapKernel(deep, 'x'))).toBe('image/bad-kernel');
    expect(await asyncCodeOf(() => unwrapKernel(gz.subarray(0, 200), 'x'))).toBe('image/bad-compression');
  });

  it('damaged anywhere → FormatError or an answer, nothing else', async () => {
    for (const bytes of [zImage(latin1Bytes('short'), 32), zImage(compressed(latin1Bytes('x'), 'gz'), 64)])
      await fc.assert(
        fc.asyncProperty(mutations(bytes.length), fc.nat(bytes.length), async (changes, length) => {
          await asyncCodeOf(() => unwrapKernel(mutate(bytes, changes).subarray(0, length), 'x'));
        }),
        { numRuns: 200 },
      );
  });
});

describe('requireOptions', () => {
  const needed = [
    'PPC_PSERIES',
    'BLK_DEV_INITRD',
    'DEVTMPFS',
    'BINFMT_SCRIPT',
    'HVC_CONSOLE',
    'KEXEC',
    'CRASH_DUMP',
    'PROC_VMCORE',
  ];
  /** A kernel whose options follow its marker, other data behind them. */
  const withOptions = (options: Readonly<Record<string, string>>): Uint8Array => {
    const lines = Object.entries(options).map(([name, value]) => `CONFIG_${name}=${value}\n`);
    const stream = compressed(latin1Bytes(`# options\n${lines.join('')}# CONFIG_OTHER is not set\n`), 'gz');
    return concatBytes([
      kernel,
      latin1Bytes('IKCFG_ST'),
      stream,
      latin1Bytes('IKCFG_ED'),
      new Uint8Array(99),
    ]);
  };
  const all = (virtio: string) =>
    Object.fromEntries([
      ...needed.map((name) => [name, 'y']),
      ['VIRTIO_PCI', virtio],
      ['VIRTIO_BLK', virtio],
    ]);

  it('options of a kernel → by name; a kernel without them, and other data → none, and nothing is refused', async () => {
    expect(await kernelOptions(withOptions({ A: 'y', B: '"text"' }))).toEqual(
      new Map([
        ['A', 'y'],
        ['B', '"text"'],
      ]),
    );
    expect(await kernelOptions(kernel)).toBeUndefined();
    expect(await kernelOptions(concatBytes([kernel, latin1Bytes('IKCFG_ST of something')]))).toBeUndefined();
    await requireOptions(kernel, 'x', false);
  });

  it('all there → taken; modules without their folder, and one option less → image/bad-kernel with its name', async () => {
    await requireOptions(withOptions(all('y')), 'x', false);
    await requireOptions(withOptions(all('m')), 'x', true);
    await expect(requireOptions(withOptions(all('m')), 'x', false)).rejects.toMatchObject({
      code: 'image/bad-kernel',
      message: expect.stringContaining('CONFIG_VIRTIO_PCI, CONFIG_VIRTIO_BLK; VIRTIO_PCI'),
    });
    const { CRASH_DUMP: _, ...less } = all('y');
    await expect(requireOptions(withOptions(less), 'x', false)).rejects.toMatchObject({
      code: 'image/bad-kernel',
      message: 'x was built without what a guest needs: CONFIG_CRASH_DUMP',
    });
  });
});
