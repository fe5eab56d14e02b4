/**
 * Finds symbols of one kernel by address and by name. Addresses are effective addresses: those of the linked kernel or,
 * after {@link SymbolTable.moved}, those where it runs.
 * Left out: sizes of symbols (kallsyms has none), symbols of modules.
 */

export type KernelSymbol = { readonly name: string; readonly address: bigint };

/** A symbol and how far behind its start an address is. */
export type SymbolPlace = { readonly name: string; readonly offset: bigint };

/** An address this far behind the last symbol belongs to no symbol. */
const LAST_SYMBOL_SPAN = 0x10000n;

export class SymbolTable {
  /** In order of address; where several share one, in the order given. */
  readonly symbols: readonly KernelSymbol[];
  readonly #byName = new Map<string, bigint>();

  /** @param symbols in any order. */
  constructor(symbols: readonly KernelSymbol[]) {
    this.symbols = [...symbols].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    for (const { name, address } of this.symbols)
      if (!this.#byName.has(name)) this.#byName.set(name, address);
  }

  /** The lowest address that has this name. */
  find(name: string): bigint | undefined {
    return this.#byName.get(name);
  }

  /** The nearest symbol at or below `address`; the first one named there where several share it. */
  locate(address: bigint): SymbolPlace | undefined {
    const { symbols } = this;
    let low = 0;
    let high = symbols.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((symbols[middle] as KernelSymbol).address <= address) low = middle + 1;
      else high = middle;
    }
    const last = symbols[low - 1];
    if (last === undefined) return undefined;
    if (low === symbols.length && address - last.address >= LAST_SYMBOL_SPAN) return undefined;
    let first = low - 1;
    while (first > 0 && symbols[first - 1]?.address === last.address) first--;
    return { name: (symbols[first] as KernelSymbol).name, offset: address - last.address };
  }

  /** `name+0x10`, or undefined where no symbol is near. */
  symbolise(address: bigint): string | undefined {
    const place = this.locate(address);
    return place === undefined ? undefined : `${place.name}+0x${place.offset.toString(16)}`;
  }

  /** The same symbols, `delta` higher. */
  moved(delta: bigint): SymbolTable {
    return new SymbolTable(this.symbols.map(({ name, address }) => ({ name, address: address + delta })));
  }
}
