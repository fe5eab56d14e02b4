import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arraySource, putU16, putU32, putU64 } from '../../src/base/bytes.ts';
import type { ElfNote, ElfSpec, ElfSymbol, SegmentSpec } from '../../src/base/elf/index.ts';
import {
  buildElf,
  ET_CORE,
  ET_EXEC,
  elfNotes,
  elfSymbols,
  findSymbols,
  PF_R,
  PF_X,
  PT_LOAD,
  parseElf,
  parseNotes,
  readSegment,
  SHT_SYMTAB,
} from '../../src/base/elf/index.ts';
import { FormatError } from '../../src/base/errors.ts';
import { needsProgram } from '../support/programs.ts';

const endian = fc.constantFrom('big', 'little');
const bytes = fc.uint8Array({ maxLength: 200 });
const word = fc.string({ maxLength: 12 });
const note: fc.Arbitrary<ElfNote> = fc
  .record({ name: word, type: fc.nat(), desc: bytes })
  .filter((n) => n.type !== 0);
const symbol: fc.Arbitrary<ElfSymbol> = fc.record({
  name: word.filter((text: string) => text !== ''),
  value: fc.bigInt(0n, (1n << 64n) - 1n),
  size: fc.bigInt(0n, (1n << 64n) - 1n),
  bind: fc.nat(2),
  type: fc.nat(4),
  other: fc.nat(255),
  shndx: fc.integer({ min: 1, max: 100 }),
});
const spec: fc.Arbitrary<ElfSpec> = fc
  .record({
    endian,
    type: fc.constantFrom(ET_EXEC, ET_CORE),
    entry: fc.bigInt(0n, (1n << 64n) - 1n),
    flags: fc.nat(),
    notes: fc.option(fc.array(note, { maxLength: 4 }), { nil: undefined }),
    data: fc.array(fc.tuple(bytes, fc.nat(5000)), { maxLength: 4 }),
    symbols: fc.option(fc.uniqueArray(symbol, { maxLength: 5, selector: (s) => s.name }), { nil: undefined }),
  })
  .map(({ data, notes, symbols, ...rest }) => ({
    ...rest,
    ...(notes === undefined ? {} : { notes }),
    ...(symbols === undefined ? {} : { symbols }),
    segments: data.map(
      ([content, extra], i): SegmentSpec => ({
        type: PT_LOAD,
        flags: PF_R | PF_X,
        vaddr: 0xc000_0000_0000_0000n + BigInt(i * 0x10000 + (extra % 16)),
        paddr: BigInt(i * 0x10000 + (extra % 16)),
        data: content,
        memsz: content.length + extra,
        align: 0x1000n,
      }),
    ),
  }));

describe('parseElf', () => {
  it('parseElf: a built file → what was given to the builder', () => {
    fc.assert(
      fc.property(spec, (given) => {
        const elf = parseElf(arraySource(buildElf(given)));
        expect(elf.header).toMatchObject({
          endian: given.endian,
          type: given.type,
          machine: 21,
          entry: given.entry,
          flags: given.flags,
        });
        expect(elfNotes(elf)).toEqual(given.notes ?? []);
        const loads = elf.programs.filter((program) => program.type === PT_LOAD);
        expect(
          loads.map((load) => ({
            vaddr: load.vaddr,
            paddr: load.paddr,
            memsz: load.memsz,
            data: [...readSegment(elf, load)],
          })),
        ).toEqual(
          given.segments.map((s) => ({ vaddr: s.vaddr, paddr: s.paddr, memsz: s.memsz, data: [...s.data] })),
        );
        for (const load of loads) expect((load.vaddr - BigInt(load.offset)) % 0x1000n).toBe(0n);
        const sort = (list: readonly ElfSymbol[]): ElfSymbol[] =>
          [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
        expect(sort(elfSymbols(elf))).toEqual(sort(given.symbols ?? []));
      }),
      { numRuns: 100 },
    );
  });

  it('parseElf: any byte changed → parsed or FormatError, nothing else', () => {
    fc.assert(
      fc.property(
        spec,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (given, changes) => {
          const file = buildElf(given);
          for (const [at, value] of changes) file[at % Math.min(file.length, 400)] = value;
          onlyFormatError(() => {
            const elf = parseElf(arraySource(file));
            elfNotes(elf);
            elfSymbols(elf);
          });
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('parseElf: cut at every length → FormatError', () => {
    const file = sample();
    for (let length = 0; length < file.length; length++) {
      expect(() => parseElf(arraySource(file.subarray(0, length))), `cut at ${length}`).toThrow(FormatError);
    }
    expect(() => parseElf(arraySource(file))).not.toThrow();
  });

  it.each<[string, string, (file: Uint8Array) => void]>([
    ['another magic number', 'elf/not-elf', (f) => f.set([0x7e], 0)],
    ['32-bit class', 'elf/not-64-bit', (f) => f.set([1], 4)],
    ['no byte order', 'elf/bad-byte-order', (f) => f.set([3], 5)],
    ['version 2', 'elf/bad-version', (f) => f.set([2], 6)],
    ['e_ehsize of 32 bits', 'elf/bad-header-size', (f) => putU16(f, 52, 52, 'big')],
    ['e_phentsize of 32 bits', 'elf/bad-header-size', (f) => putU16(f, 54, 32, 'big')],
    ['e_phnum beyond the file', 'elf/truncated', (f) => putU16(f, 56, 5000, 'big')],
    [
      'PN_XNUM without section 0',
      'elf/bad-count',
      (f) => {
        putU16(f, 56, 0xffff, 'big');
        putU64(f, 40, 0n, 'big');
      },
    ],
    ['p_offset of 2^63', 'elf/absurd-size', (f) => putU64(f, 64 + 56 + 8, 1n << 63n, 'big')],
    [
      'p_filesz beyond the file',
      'elf/segment-outside-file',
      (f) => {
        putU64(f, 64 + 56 + 32, 1n << 40n, 'big');
        putU64(f, 64 + 56 + 40, 1n << 40n, 'big');
      },
    ],
    ['p_filesz above p_memsz', 'elf/filesz-exceeds-memsz', (f) => putU64(f, 64 + 56 + 40, 1n, 'big')],
    ['p_align of 3', 'elf/bad-alignment', (f) => putU64(f, 64 + 56 + 48, 3n, 'big')],
    [
      'two segments at one place',
      'elf/segments-overlap',
      (f) => putU64(f, 64 + 112 + 16, 0xc000_0000_0000_0000n, 'big'),
    ],
    ['e_shstrndx of no section', 'elf/bad-count', (f) => putU16(f, 62, 9, 'big')],
  ])('parseElf: %s → %s', (_, code, damage) => {
    const file = sample();
    damage(file);
    expect(codeOf(() => parseElf(arraySource(file)))).toBe(code);
  });

  it('parseElf: PN_XNUM with the count in section 0 → all program headers', () => {
    const file = sample();
    const shoff = Number(new DataView(file.buffer).getBigUint64(40));
    putU16(file, 56, 0xffff, 'big');
    putU32(file, shoff + 44, 3, 'big');
    expect(parseElf(arraySource(file)).programs).toHaveLength(3);
  });

  it('parseElf: a core cut short with allowMissingData → headers; its segment is refused', () => {
    const file = buildElf({
      endian: 'big',
      type: ET_CORE,
      notes: [],
      segments: [{ type: PT_LOAD, flags: 7, vaddr: 0n, data: new Uint8Array(0x20000) }],
    });
    const elf = parseElf(arraySource(file.subarray(0, 0x10000)), { allowMissingData: true });
    const load = elf.programs.find((program) => program.type === PT_LOAD);
    expect(load?.filesz).toBe(0x20000);
    expect(codeOf(() => load && readSegment(elf, load))).toBe('elf/segment-outside-file');
  });

  it('findSymbols: wanted names → those the file defines', () => {
    const found = findSymbols(parseElf(arraySource(sample())), ['_end', 'absent']);
    expect([...found].map(([name, s]) => [name, s.value])).toEqual([['_end', 0xc000_0000_0001_0000n]]);
  });

  it('elfSymbols: names that lie on each other cannot be of any size together', () => {
    const named = (length: number): Uint8Array =>
      buildElf({
        endian: 'little',
        type: ET_EXEC,
        segments: [],
        symbols: [{ name: 'n'.repeat(length), value: 0n, size: 0n, bind: 0, type: 0, other: 0, shndx: 1 }],
      });
    expect(elfSymbols(parseElf(arraySource(named(4096))))).toHaveLength(1);
    expect(codeOf(() => elfSymbols(parseElf(arraySource(named(4097)))))).toBe('elf/bad-string');
  });

  it('elfSymbols: tables that lie on each other cannot have any number of symbols together', () => {
    const elf = parseElf(arraySource(sample()));
    const table = elf.sections.find(({ type }) => type === SHT_SYMTAB);
    if (table === undefined) throw new Error('the sample has symbols');
    const strings = elf.sections[table.link];
    if (strings === undefined) throw new Error('the sample has names');
    const times = Math.ceil(2 ** 21 / (table.size / 24)) + 1;
    const sections = [strings, ...Array.from({ length: times }, () => ({ ...table, link: 0 }))];
    expect(codeOf(() => elfSymbols({ ...elf, sections }))).toBe('elf/bad-symbol-table');
  });

  it('parseNotes: a descriptor past the end → elf/bad-note', () => {
    const notes = new Uint8Array(16);
    putU32(notes, 4, 100, 'little');
    putU32(notes, 8, 1, 'little');
    expect(codeOf(() => parseNotes(notes, 'little'))).toBe('elf/bad-note');
  });

  it('buildElf: a program with notes and symbols → readelf finds the same and warns of nothing', () => {
    needsProgram('readelf');
    const dir = mkdtempSync(join(tmpdir(), 'kdumpd-elf-'));
    try {
      writeFileSync(join(dir, 'a'), sample());
      const text = execFileSync('readelf', ['-aW', join(dir, 'a')], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      expect(text).toMatch(/Machine:\s+PowerPC64/);
      expect(text).toMatch(/LOAD\s+0x\w+ 0xc000000000000000 0x0000000000000000 0x000100 0x000200/);
      expect(text).toMatch(/c000000000010000\s+0 NOTYPE\s+GLOBAL DEFAULT\s+ABS _end/);
      expect(text).toMatch(/CORE\s+0x00000003\s/);
      expect(text).not.toMatch(/warning|error/i);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

function sample(): Uint8Array {
  return buildElf({
    endian: 'big',
    type: ET_EXEC,
    entry: 0xc000_0000_0000_0000n,
    notes: [{ name: 'CORE', type: 3, desc: Uint8Array.of(1, 2, 3) }],
    segments: [
      {
        type: PT_LOAD,
        flags: PF_R | PF_X,
        vaddr: 0xc000_0000_0000_0000n,
        paddr: 0n,
        data: new Uint8Array(0x100).fill(1),
        memsz: 0x200,
        align: 0x100n,
      },
      {
        type: PT_LOAD,
        flags: PF_R,
        vaddr: 0xc000_0000_0002_0000n,
        paddr: 0x20000n,
        data: new Uint8Array(0x10).fill(2),
        align: 0x100n,
      },
    ],
    symbols: [
      { name: '_end', value: 0xc000_0000_0001_0000n, size: 0n, bind: 1, type: 0, other: 0, shndx: 0xfff1 },
    ],
  });
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof FormatError) return error.code;
    throw error;
  }
  return 'no error';
}

function onlyFormatError(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
}
