import { describe, expect, it } from 'vitest';
import { putU32 } from '../../../src/base/bytes.ts';
import { OutsideMemory } from '../../../src/emulator/memory/contract.ts';
import {
  AddressNames,
  functionEntry,
  ifThere,
  readKernelSymbols,
} from '../../../src/panic/facts/symbols/index.ts';
import { kallsymsMemory } from '../../synth/kallsyms.ts';

const MIB = 0x100000;
const SYMBOLS = [
  { name: '_stext', offset: 0 },
  { name: 'panic', offset: 0x40000 },
  { name: 'kexec_wait', offset: 0x40100 },
];

/** Memory that holds one image at `at`; everything else is none. */
function memoryWith(image: Uint8Array, at: number): (raddr: number, length: number) => Promise<Uint8Array> {
  return async (raddr, length) => {
    if (raddr < at || raddr + length > at + image.length) throw new OutsideMemory(raddr, length);
    return image.slice(raddr - at, raddr - at + length);
  };
}

describe('readKernelSymbols', () => {
  it('a kernel at 0, and one that waits at its reservation with linked addresses', async () => {
    const image = kallsymsMemory({ symbols: SYMBOLS, bytes: 2 * MIB });
    const low = await readKernelSymbols(memoryWith(image, 0), 0);
    expect(low).toMatchObject({ source: 'kallsyms', base: 0 });
    expect(low.table.find('panic')).toBe(0xc000000000040000n);
    const high = await readKernelSymbols(memoryWith(image, 0x20000000), 0x20000000);
    expect(high.table.find('panic')).toBe(0xc000000020040000n);
  });

  it('one that has relocated itself: its addresses are right already', async () => {
    const image = kallsymsMemory({ symbols: SYMBOLS, base: 0xc000000020000000n, bytes: 2 * MIB });
    const symbols = await readKernelSymbols(memoryWith(image, 0x20000000), 0x20000000);
    expect(symbols.table.find('panic')).toBe(0xc000000020040000n);
  });

  it('a kernel of known size: nothing behind it is read, up to a piece of 1 MiB', async () => {
    const image = kallsymsMemory({ symbols: SYMBOLS, bytes: 2 * MIB });
    const memory = memoryWith(image, 0);
    const ends: number[] = [];
    const read: typeof memory = (raddr, length) => {
      ends.push(raddr + length);
      return memory(raddr, length);
    };
    const symbols = await readKernelSymbols(read, 0, undefined, 2 * MIB - 5);
    expect(symbols.source).toBe('kallsyms');
    expect(Math.max(...ends)).toBe(2 * MIB);
  });

  it('memory that ends is an answer; anything else that goes wrong is thrown', async () => {
    const image = kallsymsMemory({ symbols: SYMBOLS, bytes: 2 * MIB });
    const died = new Error('the worker ended');
    const read = async (raddr: number, length: number): Promise<Uint8Array> => {
      if (raddr >= MIB) throw died;
      return image.slice(raddr, raddr + length);
    };
    await expect(readKernelSymbols(read, 0)).rejects.toBe(died);
    await expect(ifThere(Promise.reject(died))).rejects.toBe(died);
    expect(await ifThere(Promise.reject(new OutsideMemory(1, 2)))).toBeUndefined();
  });

  it('no kallsyms and no vmlinux: none', async () => {
    const symbols = await readKernelSymbols(memoryWith(new Uint8Array(2 * MIB), 0), 0);
    expect(symbols.source).toBe('none');
    expect(symbols.table.symbolise(0xc000000000040000n)).toBeUndefined();
  });
});

describe('functionEntry', () => {
  it('behind the set-up of r2, in either byte order; at the start without one', async () => {
    for (const endian of ['little', 'big'] as const) {
      const image = kallsymsMemory({ symbols: SYMBOLS, bytes: 2 * MIB });
      putU32(image, 0x40000, 0x3c4c013c, endian);
      putU32(image, 0x40004, 0x38429401, endian);
      const read = memoryWith(image, 0);
      const symbols = await readKernelSymbols(read, 0);
      expect(await functionEntry(read, symbols, 'panic')).toBe(0x40008);
      expect(await functionEntry(read, symbols, 'kexec_wait')).toBe(0x40100);
      expect(await functionEntry(read, symbols, 'no_such_function')).toBeUndefined();
    }
  });
});

describe('AddressNames', () => {
  it('production kernel, purgatory, crash kernel, and the low addresses of each era', async () => {
    const image = kallsymsMemory({ symbols: SYMBOLS, bytes: 2 * MIB });
    const production = await readKernelSymbols(memoryWith(image, 0), 0);
    const crash = await readKernelSymbols(memoryWith(image, 0x20000000), 0x20000000);
    const names = new AddressNames({
      production,
      crash: { symbols: crash, bytes: 2 * MIB },
      ranges: [{ start: 0x228a0000, bytes: 0x10000, name: 'purgatory' }],
    });
    expect(names.name(0xc000000000040004n, 'production')).toBe('panic+0x4');
    expect(names.name(0x40004n, 'production')).toBe('panic+0x4');
    expect(names.name(0x228a0700n, 'stub')).toBe('purgatory+0x700');
    expect(names.name(0xc000000020040004n, 'crash')).toBe('panic+0x4');
    expect(names.name(0x60n, 'production')).toBe('_stext+0x60');
    expect(names.name(0x60n, 'stub')).toBe('stub+0x60');
    expect(names.name(0x100n, 'crash')).toBe('_stext+0x100');
    expect(names.name(0x7fff00000000n, 'crash')).toBeUndefined();
    expect(names.name(0xc008000000000000n, 'crash')).toBeUndefined();
  });
});
