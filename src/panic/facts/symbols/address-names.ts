/**
 * Names instruction addresses during a handoff, when two kernels and purgatory are in memory. The real address decides
 * to which of them an address belongs; below the end of the vectors the era decides, that is which code lies there now.
 */

import type { KernelSymbols } from './kernel-symbols.ts';
import { realOf } from './kernel-symbols.ts';

export type NamedRange = { readonly start: number; readonly bytes: number; readonly name: string };

export type AddressNamesOptions = {
  readonly production: KernelSymbols;
  readonly crash?: { readonly symbols: KernelSymbols; readonly bytes: number };
  /** Segments with code of neither kernel: purgatory. */
  readonly ranges: readonly NamedRange[];
};

/** Where the crash kernel's interrupt vectors go, whatever runs below: 0 to 64 KiB. */
const VECTORS_END = 0x10000;
/** What kexec copies to address 0: the first 0x100 bytes from the entry. */
const STUB_END = 0x100;

export class AddressNames {
  readonly #options: AddressNamesOptions;

  constructor(options: AddressNamesOptions) {
    this.#options = options;
  }

  /**
   * @param address effective; in real mode it is the real address
   * @param era which code the low addresses hold: the production kernel's, the copied stub's, or the crash kernel's
   */
  name(address: bigint, era: 'production' | 'stub' | 'crash'): string | undefined {
    const region = address >> 60n;
    if (region !== 0n && region !== 0xcn) return undefined;
    const real = realOf(address);
    const range = this.#options.ranges.find(({ start, bytes }) => real >= start && real < start + bytes);
    if (range !== undefined) return `${range.name}+0x${(real - range.start).toString(16)}`;
    const { crash, production } = this.#options;
    if (crash !== undefined) {
      const { base, table } = crash.symbols;
      if (real >= base && real < base + crash.bytes) return table.symbolise(linear(real));
      // Vectors run as copies: their names are those of the originals.
      if (era === 'crash' && real < VECTORS_END) return table.symbolise(linear(real + base));
    }
    if (era !== 'production' && real < STUB_END) return `stub+0x${real.toString(16)}`;
    // User space has addresses below 2^60, too; only real mode executes kernel code there.
    return production.table.symbolise(linear(real));
  }
}

function linear(real: number): bigint {
  return 0xc000000000000000n + BigInt(real);
}
