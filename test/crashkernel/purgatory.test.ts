import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arraySource, getU32, getU64 } from '../../src/base/bytes.ts';
import { findSymbols, parseElf } from '../../src/base/elf/index.ts';
import { type PurgatoryValues, readPurgatory } from '../../src/crashkernel/index.ts';
import { syntheticPurgatory } from '../synth/crash-load.ts';
import { mutate, mutations, onlyFormatError } from '../synth/mutate.ts';

const PREBUILT = fileURLToPath(new URL('../../guest/prebuilt/purgatory.elf', import.meta.url));

const VALUES: PurgatoryValues = {
  kernel: 0x4000000,
  dtOffset: 0x5ff0000,
  panicKernel: true,
  head: Uint8Array.from({ length: 0x100 }, (_, i) => i),
  regions: [
    { start: 0x4000000, end: 0x4010000 },
    { start: 0x5ff0000, end: 0x6000000 },
  ],
  digest: Uint8Array.from({ length: 32 }, (_, i) => 0xa0 + i),
  backup: { source: { start: 0, end: 0x10000 }, at: 0x4200000 },
  consoleUnit: 0x71000000,
};

describe.each([
  ['one of ours', () => syntheticPurgatory()],
  ['guest/prebuilt/purgatory.elf', () => new Uint8Array(readFileSync(PREBUILT))],
] as const)('readPurgatory: %s', (_name, file) => {
  it('every variable → filled in by its symbol, the first word kept', () => {
    const bytes = file();
    const purgatory = readPurgatory(bytes);
    const base = 0x4300000;
    const built = purgatory.build(base, VALUES);
    const symbols = findSymbols(parseElf(arraySource(bytes)), [
      'kernel',
      'dt_offset',
      'stack',
      'panic_kernel',
      'backup_src',
      'backup_dst',
      'backup_len',
      'sha256_count',
      'sha256_digest',
      'sha256_regions',
      'console_unit',
    ]);
    const at = (name: string): number => Number(symbols.get(name)?.value);
    expect(built.subarray(4, 0x100)).toEqual(VALUES.head.subarray(4));
    expect(getU32(built, 0, 'big')).toBe(0x48010148);
    expect(getU64(built, at('kernel'), 'big')).toBe(0x4000000n);
    expect(getU64(built, at('dt_offset'), 'big')).toBe(0x5ff0000n);
    expect(getU64(built, at('stack'), 'big')).toBe(BigInt(base + purgatory.memsz));
    expect(getU32(built, at('panic_kernel'), 'big')).toBe(1);
    expect(getU64(built, at('backup_dst'), 'big')).toBe(0x4200000n);
    expect(getU64(built, at('backup_len'), 'big')).toBe(0x10000n);
    expect(getU32(built, at('sha256_count'), 'big')).toBe(2);
    expect(built.subarray(at('sha256_digest'), at('sha256_digest') + 32)).toEqual(VALUES.digest);
    expect(getU64(built, at('sha256_regions') + 16, 'big')).toBe(0x5ff0000n);
    expect(getU64(built, at('sha256_regions') + 24, 'big')).toBe(0x10000n);
    expect(getU64(built, at('console_unit'), 'big')).toBe(0x71000000n);
  });

  it('whole pages with room for a stack behind the image', () => {
    const purgatory = readPurgatory(file());
    const built = purgatory.build(0, VALUES);
    expect(purgatory.memsz % 0x10000).toBe(0);
    expect(purgatory.memsz - built.length).toBeGreaterThanOrEqual(0x4000);
  });
});

describe('readPurgatory', () => {
  it('R_PPC64_RELATIVE → the word holds where it lies', () => {
    const built = readPurgatory(syntheticPurgatory()).build(0x4300000, VALUES);
    expect(getU64(built, 0x700, 'big')).toBe(0x4300700n);
  });

  it('a symbol that is missing, of another size or in another place → load/bad-purgatory', () => {
    const bad = (change: Parameters<typeof syntheticPurgatory>[0]) => () =>
      readPurgatory(syntheticPurgatory(change));
    const code = expect.objectContaining({ code: 'load/bad-purgatory' });
    expect(bad((symbols) => symbols.splice(2, 1))).toThrow(code);
    expect(bad((symbols) => symbols.splice(1, 1, { ...symbols[1]!, value: 0x60n }))).toThrow(code);
    expect(bad((symbols) => symbols.splice(2, 1, { ...symbols[2]!, size: 4n }))).toThrow(code);
    expect(bad((symbols) => symbols.splice(2, 1, { ...symbols[2]!, value: 0xffffn }))).toThrow(code);
    expect(bad((_symbols, data) => data.set([38], 0x60f))).toThrow(code);
  });

  it('without console_unit → read; it only stays silent', () => {
    const quiet = syntheticPurgatory((symbols) => {
      symbols.splice(
        symbols.findIndex(({ name }) => name === 'console_unit'),
        1,
      );
    });
    expect(readPurgatory(quiet).build(0, VALUES).length).toBe(0x1000);
  });

  it('damaged headers, relocations and variables → FormatError or a purgatory, nothing else', () => {
    const whole = syntheticPurgatory();
    fc.assert(
      fc.property(mutations(whole.length), (changes) => {
        onlyFormatError(() => readPurgatory(mutate(whole, changes)).build(0x4300000, VALUES));
      }),
      { numRuns: 300 },
    );
  });
});
