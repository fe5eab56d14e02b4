import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latin1Bytes } from '../../src/base/bytes.ts';
import { buildElf, ET_CORE, ET_DYN, PF_R, PT_LOAD } from '../../src/base/elf/index.ts';
import { probeImage, RUN_AT_LOAD_MARKER } from '../../src/crashkernel/index.ts';
import { loadableKernel, symbol } from '../synth/crash-load.ts';
import { mutate, mutations, onlyFormatError } from '../synth/mutate.ts';

const BASE = 0xc000000000000000n;

describe('probeImage: kernels', () => {
  it.each(['big', 'little'] as const)(
    '%s-endian with the marker → relocatable, its bytes and size',
    (endian) => {
      const image = probeImage(loadableKernel({ endian }));
      expect(image).toMatchObject({
        kind: 'kernel',
        endian,
        memsz: 0x14000,
        entry: 0,
        paddr: 0,
        relocatable: true,
        runAtLoad: RUN_AT_LOAD_MARKER,
        oldAbi: false,
      });
      expect(image.bytes.length).toBe(0x3000);
    },
  );

  it('the marker in the other byte order → not relocatable', () => {
    expect(probeImage(loadableKernel({ endian: 'big', word: 0x306e7572 })).relocatable).toBe(false);
  });

  it('a fixed kernel → its own place', () => {
    expect(probeImage(loadableKernel({ word: 0, paddr: 0x2000000 }))).toMatchObject({
      paddr: 0x2000000,
      relocatable: false,
      entry: 0,
    });
  });

  it('several segments → flattened from the lowest p_paddr, gaps as zeros, entry by its segment', () => {
    const piece = (vaddr: bigint, paddr: bigint, byte: number) => ({
      type: PT_LOAD,
      flags: PF_R,
      vaddr,
      paddr,
      data: new Uint8Array(0x100).fill(byte),
      memsz: 0x200,
    });
    const elf = buildElf({
      endian: 'big',
      type: ET_DYN,
      entry: BASE + 0x10040n,
      segments: [piece(BASE + 0x10000n, 0x41000n, 2), piece(BASE, 0x40000n, 1)],
    });
    const image = probeImage(elf);
    expect(image).toMatchObject({ paddr: 0x40000, memsz: 0x1200, entry: 0x1040 });
    expect([image.bytes[0xff], image.bytes[0x100], image.bytes[0x1000]]).toEqual([1, 0, 2]);
  });

  it('__kdump_flag at 0x18, or its signature there → the abandoned ABI', () => {
    const named = loadableKernel({ word: 0, symbols: [symbol('__kdump_flag', BASE + 0x18n)] });
    expect(probeImage(named).oldAbi).toBe(true);
    const elsewhere = loadableKernel({ symbols: [symbol('__kdump_flag', BASE + 0x20n)] });
    expect(probeImage(elsewhere).oldAbi).toBe(false);
    const bytes = loadableKernel({ word: 0 });
    const at = probeImage(bytes).bytes.byteOffset;
    bytes.set([0, 0, 0, 0, 0xfe, 0xed, 0x12, 0x34], at - bytes.byteOffset + 0x18);
    expect(probeImage(bytes).oldAbi).toBe(true);
  });

  it('anything that is not ELF → raw, as it is', () => {
    expect(probeImage(latin1Bytes('a stub'))).toMatchObject({ kind: 'raw', entry: 0, memsz: 6 });
  });
});

describe('probeImage: refused', () => {
  it.each([
    ['another machine', { machine: 62 }, 'load/foreign-machine'],
    ['a core', { type: ET_CORE }, 'load/bad-kernel'],
    ['memory beyond any machine', { memsz: 2 ** 41 }, 'load/absurd-size'],
    ['a place beyond any machine', { paddr: 2 ** 45 }, 'load/absurd-size'],
  ] as const)('%s → refused', (_name, spec, code) => {
    expect(() => probeImage(loadableKernel(spec))).toThrow(expect.objectContaining({ code }));
  });

  it('nothing, a cut file, an entry in no segment, segments over one another', () => {
    const kernel = loadableKernel();
    expect(() => probeImage(new Uint8Array(0))).toThrow(expect.objectContaining({ code: 'load/bad-kernel' }));
    expect(() => probeImage(kernel.subarray(0, kernel.length - 8))).toThrow(
      expect.objectContaining({ code: 'elf/segment-outside-file' }),
    );
    const one = { type: PT_LOAD, flags: PF_R, vaddr: BASE, paddr: 0n, data: new Uint8Array(0x100) };
    const lost = buildElf({ endian: 'big', type: ET_DYN, entry: 0x999999n, segments: [one] });
    expect(() => probeImage(lost)).toThrow(expect.objectContaining({ code: 'load/bad-kernel' }));
    const both = buildElf({
      endian: 'big',
      type: ET_DYN,
      entry: BASE,
      segments: [one, { ...one, vaddr: BASE + 0x100000n, paddr: 0x80n }],
    });
    expect(() => probeImage(both)).toThrow(expect.objectContaining({ code: 'load/bad-kernel' }));
  });

  it('damaged headers → FormatError or an image, nothing else', () => {
    const kernel = loadableKernel({ symbols: [symbol('_stext', BASE)] });
    fc.assert(
      fc.property(mutations(128), (changes) => {
        onlyFormatError(() => probeImage(mutate(kernel, changes)));
      }),
      { numRuns: 300 },
    );
  });
});
