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

/** A table that structured cloning copies fast: names in one text, each followed by a NUL, in order of address. */
export type PackedSymbols = { readonly names: string; readonly addresses: BigUint64Array<ArrayBuffer> };

/**
 * Symbols by the names of C. In a big-endian kernel `.panic` is the function, and `panic` its descriptor, which is data (64-bit PowerPC
 * ELF ABI 1.9, §3.2.5; Linux 6.1 arch/powerpc/Makefile, -mcall-aixdesc): the function gets the name, and the descriptor goes.
 */
function functionsByName(symbols: readonly KernelSymbol[]): KernelSymbol[] {
  const names = new Set(symbols.map(({ name }) => name));
  return symbols.flatMap((symbol) => {
    const { name } = symbol;
    if (names.has(`.${name}`)) return [];
    const isFunction = name.startsWith('.') && names.has(name.slice(1));
    return [isFunction ? { ...symbol, name: name.slice(1) } : symbol];
  });
}

export class SymbolTable {
  /** In order; where several symbols share one, in the order given. */
  readonly #addresses: BigUint64Array<ArrayBuffer>;
  readonly #names: readonly string[];
  #byName: ReadonlyMap<string, bigint> | undefined;

  /** @param symbols in any order. */
  constructor(symbols: readonly KernelSymbol[] | PackedSymbols) {
    if ('names' in symbols) {
      this.#addresses = symbols.addresses;
      this.#names = symbols.names.split('\0').slice(0, -1);
      return;
    }
    const sorted = functionsByName(symbols).sort((a, b) =>
      a.address < b.address ? -1 : a.address > b.address ? 1 : 0,
    );
    this.#addresses = BigUint64Array.from(sorted, ({ address }) => address);
    this.#names = sorted.map(({ name }) => name);
  }

  /** In order of address. */
  get symbols(): readonly KernelSymbol[] {
    return this.#names.map((name, i) => ({ name, address: this.#at(i) }));
  }

  /** Names come from strings that end with a NUL, and so hold none. */
  pack(): PackedSymbols {
    return { names: this.#names.map((name) => `${name}\0`).join(''), addresses: this.#addresses };
  }

  /** The lowest address; undefined where the table is empty. */
  get lowest(): bigint | undefined {
    return this.#addresses[0];
  }

  /** The lowest address that has this name. */
  find(name: string): bigint | undefined {
    this.#byName ??= new Map(this.#names.map((each, i): [string, bigint] => [each, this.#at(i)]).reverse());
    return this.#byName.get(name);
  }

  /** The lowest symbol above `address`. */
  after(address: bigint): bigint | undefined {
    return this.#addresses[this.#countBelow(address + 1n)];
  }

  /** The nearest symbol at or below `address`; the first one named there where several share it. */
  locate(address: bigint): SymbolPlace | undefined {
    const behind = this.#countBelow(address + 1n);
    if (behind === 0) return undefined;
    const start = this.#at(behind - 1);
    if (behind === this.#names.length && address - start >= LAST_SYMBOL_SPAN) return undefined;
    return { name: this.#names[this.#countBelow(start)] as string, offset: address - start };
  }

  /** `name+0x10`, or undefined where no symbol is near. */
  symbolise(address: bigint): string | undefined {
    const place = this.locate(address);
    return place === undefined ? undefined : `${place.name}+0x${place.offset.toString(16)}`;
  }

  /** The same symbols, `delta` higher. */
  moved(delta: bigint): SymbolTable {
    const { names, addresses } = this.pack();
    return new SymbolTable({ names, addresses: addresses.map((address) => address + delta) });
  }

  #at(index: number): bigint {
    return this.#addresses[index] as bigint;
  }

  /** How many symbols lie below `address`. */
  #countBelow(address: bigint): number {
    let low = 0;
    let high = this.#addresses.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#at(middle) < address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
