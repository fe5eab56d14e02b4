import { describe, expect, it } from 'vitest';
import { FormatError } from '../../../src/base/errors.ts';
import { findKallsyms, parseKallsyms } from '../../../src/vmcore/analyse/index.ts';
import { kallsymsMemory } from '../../synth/kallsyms.ts';

const SYMBOLS = [
  { name: '_stext', offset: 0 },
  { name: 'panic', offset: 0x4000 },
  { name: 'crash_kexec', offset: 0x5000 },
  { name: '__crash_kexec', offset: 0x5200 },
  { name: `long_${'n'.repeat(300)}`, offset: 0x6000, type: 't' },
];

describe('findKallsyms', () => {
  for (const endian of ['little', 'big'] as const) {
    for (const layout of ['offsets-first', 'offsets-last'] as const) {
      it(`finds every symbol: ${endian}, ${layout}`, () => {
        const found = parseKallsyms(kallsymsMemory({ symbols: SYMBOLS, endian, layout }));
        expect(found.endian).toBe(endian);
        expect(found.relativeBase).toBe(0xc000000000000000n);
        for (const { name, offset } of SYMBOLS)
          expect(found.table.find(name)).toBe(0xc000000000000000n + BigInt(offset));
      });
    }
  }

  it('a relocated base → addresses where the kernel runs', () => {
    const { table } = parseKallsyms(kallsymsMemory({ symbols: SYMBOLS, base: 0xc000000020000000n }));
    expect(table.find('panic')).toBe(0xc000000020004000n);
  });

  it('names of other bytes that look like digits before → still found', () => {
    const memory = kallsymsMemory({ symbols: SYMBOLS, at: 0x2000 });
    memory.set(Buffer.from('0\x001\x002\x003\x004\x005\x006\x007\x008\x009\x00', 'latin1'), 0x100);
    expect(findKallsyms(memory)?.table.find('panic')).toBe(0xc000000000004000n);
  });

  it('memory without tables → nothing, and parse refuses', () => {
    expect(findKallsyms(new Uint8Array(0x10000))).toBeUndefined();
    expect(() => parseKallsyms(new Uint8Array(64))).toThrow(FormatError);
  });

  it('tables that do not fit each other → nothing', () => {
    const good = kallsymsMemory({ symbols: SYMBOLS });
    for (let at = 0x1000; at < 0x6000; at += 97) {
      const memory = good.slice();
      memory[at] = (memory[at] as number) ^ 0x55;
      // Whatever is damaged, it is either found whole or not at all; never an exception.
      const found = findKallsyms(memory);
      if (found !== undefined) expect(found.table.symbols.length).toBe(300);
    }
  });

  it('memory that ends inside the tables → nothing', () => {
    const whole = kallsymsMemory({ symbols: SYMBOLS });
    for (const length of [0x1000, 0x1400, 0x2000, 0x2800])
      expect(findKallsyms(whole.subarray(0, length))).toBeUndefined();
  });
});
