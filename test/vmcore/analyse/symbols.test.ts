import { describe, expect, it } from 'vitest';
import { arraySource } from '../../../src/base/bytes.ts';
import { buildElf } from '../../../src/base/elf/index.ts';
import { FormatError } from '../../../src/base/errors.ts';
import { parseSystemMap, SymbolTable, symbolsOfElf } from '../../../src/vmcore/analyse/index.ts';

const TABLE = new SymbolTable([
  { name: 'b', address: 0xc000000000000200n },
  { name: 'a', address: 0xc000000000000100n },
  { name: 'alias', address: 0xc000000000000200n },
]);

describe('SymbolTable', () => {
  it('symbolise: inside, at the start, before all, far behind all', () => {
    expect(TABLE.symbolise(0xc000000000000104n)).toBe('a+0x4');
    expect(TABLE.symbolise(0xc000000000000200n)).toBe('b+0x0');
    expect(TABLE.symbolise(0xc000000000000001n)).toBeUndefined();
    expect(TABLE.symbolise(0xc000000000100000n)).toBeUndefined();
  });

  it('moved: every address higher, the original as it was', () => {
    expect(TABLE.moved(0x1000n).find('a')).toBe(0xc000000000001100n);
    expect(TABLE.find('a')).toBe(0xc000000000000100n);
  });

  it('a function with a descriptor → its name is the function’s; other names with a dot stay', () => {
    const table = new SymbolTable([
      { name: '.panic', address: 0x1000n },
      { name: '.local', address: 0x1100n },
      { name: 'panic', address: 0x9000n },
      { name: 'panic_timeout', address: 0x9100n },
    ]);
    expect(table.find('panic')).toBe(0x1000n);
    expect(table.symbolise(0x1010n)).toBe('panic+0x10');
    expect(table.symbols.map(({ name }) => name)).toEqual(['panic', '.local', 'panic_timeout']);
  });
});

describe('parseSystemMap', () => {
  it('reads symbols and leaves modules out', () => {
    const map = parseSystemMap(
      'c000000000000000 T _stext\nc000000000001000 t x\t[virtio]\nc000000000002000 A y\n',
    );
    expect(map.find('_stext')).toBe(0xc000000000000000n);
    expect(map.find('y')).toBe(0xc000000000002000n);
    expect(map.find('x')).toBeUndefined();
  });

  it('another file → analyse/bad-system-map with the line', () => {
    const parse = () => parseSystemMap('c000000000000000 T _stext\nhello\n');
    expect(parse).toThrow(/line 2/);
    expect(parse).toThrow(FormatError);
  });
});

describe('symbolsOfElf', () => {
  it('a stripped file → analyse/no-symbols', () => {
    const elf = buildElf({ endian: 'little', type: 2, machine: 21, entry: 0n, segments: [] });
    expect(() => symbolsOfElf(arraySource(elf))).toThrow(
      expect.objectContaining({ code: 'analyse/no-symbols' }),
    );
  });
});
