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

const DIGITS = Buffer.from('0\x001\x002\x003\x004\x005\x006\x007\x008\x009\x00', 'latin1');

/** Good tables whose tokens come `gap` after everything before them. */
function withGap(gap: Uint8Array): Uint8Array {
  const good = kallsymsMemory({ symbols: SYMBOLS });
  const tokens = Buffer.from(good.buffer).indexOf(Buffer.from('?\0crash_\0', 'latin1'));
  return Uint8Array.from([...good.subarray(0, tokens), ...gap, ...good.subarray(tokens)]);
}

describe('findKallsyms', () => {
  for (const endian of ['little', 'big'] as const) {
    for (const layout of ['offsets-first', 'offsets-last', 'own-places'] as const) {
      it(`finds every symbol: ${endian}, ${layout}`, () => {
        const at = layout === 'own-places' ? 0x1004 : 0x1000;
        const found = parseKallsyms(kallsymsMemory({ symbols: SYMBOLS, endian, layout, at }));
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

  it('a name longer than any kernel’s → nothing: a guest could make one of half a gigabyte', () => {
    const named = (length: number): Uint8Array =>
      kallsymsMemory({ symbols: [...SYMBOLS, { name: 'n'.repeat(length), offset: 0x7000 }] });
    expect(findKallsyms(named(512))).toBeDefined();
    expect(findKallsyms(named(513))).toBeUndefined();
  });

  it('memory full of what looks like tokens → given up', () => {
    const decoys = (count: number): Uint8Array => {
      const memory = kallsymsMemory({ symbols: SYMBOLS, at: 0x2000 });
      for (let i = 0; i < count; i++) memory.set(DIGITS, 8 + i * DIGITS.length);
      return memory;
    };
    expect(findKallsyms(decoys(50))).toBeDefined();
    expect(findKallsyms(decoys(100))).toBeUndefined();
  });

  it('memory full of what looks like names → given up', () => {
    // A count of 0x1010 every 136 bytes, and behind each names of 16 bytes up to the tokens.
    const gap = new Uint8Array(136 * 1000).fill(16);
    for (let at = 0; at < gap.length; at += 136) gap.set([16, 16, 0, 0, 0, 0, 0, 0], at);
    expect(findKallsyms(withGap(gap.subarray(0, 136 * 10)))).toBeDefined();
    expect(findKallsyms(withGap(gap))).toBeUndefined();
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
