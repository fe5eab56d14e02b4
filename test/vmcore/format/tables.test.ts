import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ELF_HEADER,
  NOTE_HEADER,
  PROGRAM_HEADER,
  SECTION_HEADER,
  SYMBOL,
} from '../../../src/base/elf/index.ts';
import { FDT_HEADER } from '../../../src/base/fdt/index.ts';
import type { Field, StructOf, StructTable } from '../../../src/base/fields.ts';
import { buildStruct, fieldSize, parseStruct } from '../../../src/base/fields.ts';
import {
  FLAT_DATA_HEADER,
  FLAT_HEADER,
  KDUMP_HEADER,
  KDUMP_PAGE_DESC,
  KDUMP_SUB_HEADER,
  PRSTATUS,
} from '../../../src/vmcore/format/index.ts';

const TABLES: readonly StructTable[] = [
  ELF_HEADER,
  PROGRAM_HEADER,
  SECTION_HEADER,
  SYMBOL,
  NOTE_HEADER,
  FDT_HEADER,
  PRSTATUS,
  KDUMP_HEADER,
  KDUMP_SUB_HEADER,
  KDUMP_PAGE_DESC,
  FLAT_HEADER,
  FLAT_DATA_HEADER,
];

describe.each(TABLES.map((table) => [table.name, table] as const))('%s', (_, table) => {
  it('table: rows in order of offset → no overlap, all inside the structure, naturally aligned', () => {
    let end = 0;
    for (const [name, field] of Object.entries(table.fields)) {
      expect(field.offset, name).toBeGreaterThanOrEqual(end);
      if (field.type !== 'bytes') expect(field.offset % fieldSize(field), name).toBe(0);
      expect(field.source, name).not.toBe('');
      end = field.offset + fieldSize(field);
    }
    expect(end).toBeLessThanOrEqual(table.size);
    expect(table.size - end).toBeLessThan(8);
  });

  it('parseStruct: a built structure → its values, in both byte orders', () => {
    const value = (field: Field): fc.Arbitrary<number | bigint | Uint8Array> => {
      if (field.type === 'bytes')
        return fc.uint8Array({ minLength: fieldSize(field), maxLength: fieldSize(field) });
      if (field.type === 'u64') return fc.bigInt(0n, (1n << 64n) - 1n);
      if (field.type === 'i32') return fc.integer();
      return fc.integer({ min: 0, max: 2 ** (fieldSize(field) * 8) - 1 });
    };
    const values = fc.record(
      Object.fromEntries(Object.entries(table.fields).map(([name, field]) => [name, value(field)])),
    );
    fc.assert(
      fc.property(values, fc.constantFrom('big', 'little'), (given, endian) => {
        const bytes = buildStruct(table, given as StructOf<StructTable>, endian);
        expect(bytes).toHaveLength(table.size);
        expect(parseStruct(table, bytes, endian)).toEqual(given);
      }),
      { numRuns: 50 },
    );
  });
});

describe('buildStruct', () => {
  it('buildStruct: a value that does not fit → BugError', () => {
    const values = { n_namesz: 2 ** 32, n_descsz: 0, n_type: 0 };
    expect(() => buildStruct(NOTE_HEADER, values, 'big')).toThrow('value fits its field');
  });
});
