/**
 * Collects the pages that a filter left out although the kernel used them, and names the symbols in them.
 * The kernel's own image is judged without its array of struct page: nothing in [0, _end) is ever free but the init section
 * (Linux 6.12 arch/powerpc/kernel/vmlinux.lds.S, __init_begin to __init_end; free_initmem).
 */

import { hex64 } from '../../base/hex.ts';
import { type PackedSymbols, SymbolTable } from '../../vmcore/analyse/index.ts';
import type { ImageFacts, LivePages, PageKind } from '../trace/index.ts';
import { PAGE } from './differences.ts';
import type { Range } from './owners.ts';

/** The kernel's image in real memory. */
export type KernelImage = { readonly end: number; readonly init?: Range };

const LISTED = 256;
const NAMED = 24;
const LINEAR = 0xc000000000000000n;
/** What crash, drgn and makedumpfile --dump-dmesg read first; then what VMCOREINFO names, then all others. */
const READ_FIRST: readonly string[] = [
  'linux_banner',
  'swapper_pg_dir',
  'init_task',
  'prb',
  'init_uts_ns',
  'node_data',
  'mem_section',
  'modules',
];

/** Undefined where the kernel's end is not known. */
export function kernelImageOf({ running }: Pick<ImageFacts, 'running'>): KernelImage | undefined {
  if (running?.end === undefined) return undefined;
  const { init } = running;
  const start = init === undefined ? 0 : Number(BigInt(init.start));
  return {
    end: Number(BigInt(running.end)),
    ...(init === undefined ? {} : { init: { start, end: start + init.bytes } }),
  };
}

/**
 * Whether the page is a part of the kernel's image that is never freed; undefined: that is not known. Where the init section is not
 * known, every page of the image may be of it.
 */
export function isOfImage(image: KernelImage | undefined, raddr: number): boolean | undefined {
  if (image === undefined) return undefined;
  if (raddr >= image.end) return false;
  if (image.init === undefined) return undefined;
  return raddr < image.init.start || raddr >= image.init.end;
}

export class LiveCounter {
  readonly #image: KernelImage | undefined;
  readonly #symbols: PackedSymbols | undefined;
  readonly #named: readonly string[];
  readonly #ranges: { start: number; end: number }[] = [];
  readonly #beyondLevel: Partial<Record<PageKind, number>> = {};
  #pages = 0;
  #ofImage = 0;

  /** @param named symbols that the kernel itself names to its readers */
  constructor(image: KernelImage | undefined, symbols?: PackedSymbols, named: readonly string[] = []) {
    this.#image = image;
    this.#symbols = symbols;
    this.#named = named;
  }

  /** In order of address. */
  add(raddr: number, kind: PageKind | undefined): void {
    this.#pages++;
    if (this.#image !== undefined && raddr < this.#image.end) this.#ofImage++;
    if (kind !== undefined) this.#beyondLevel[kind] = (this.#beyondLevel[kind] ?? 0) + 1;
    const last = this.#ranges.at(-1);
    if (last?.end === raddr) last.end = raddr + PAGE;
    else this.#ranges.push({ start: raddr, end: raddr + PAGE });
  }

  /** Undefined: there were none. */
  result(): LivePages | undefined {
    if (this.#pages === 0) return undefined;
    const symbols = this.#lost();
    return {
      pages: this.#pages,
      ...(this.#image === undefined
        ? {}
        : { image: { pages: this.#ofImage, of: Math.ceil(this.#image.end / PAGE) } }),
      beyondLevel: this.#beyondLevel,
      ranges: this.#ranges
        .slice(0, LISTED)
        .map(({ start, end }) => ({ raddr: hex64(start), bytes: end - start })),
      symbolCount: symbols.length,
      symbols: symbols.slice(0, NAMED),
    };
  }

  #lost(): readonly string[] {
    if (this.#symbols === undefined) return [];
    const lost: string[] = [];
    let at = 0;
    for (const { name, address } of new SymbolTable(this.#symbols).symbols) {
      const raddr = Number(address - LINEAR);
      while (at < this.#ranges.length && (this.#ranges[at]?.end ?? 0) <= raddr) at++;
      const range = this.#ranges[at];
      if (range !== undefined && raddr >= range.start) lost.push(name);
    }
    const first = new Map([...READ_FIRST, ...this.#named].map((name, i): [string, number] => [name, i]));
    const rank = (name: string): number => first.get(name) ?? Number.MAX_SAFE_INTEGER;
    return lost.sort((a, b) => rank(a) - rank(b));
  }
}
