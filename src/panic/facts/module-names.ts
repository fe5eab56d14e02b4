/**
 * Names functions of modules, by the symbols that each module keeps of itself.
 *
 * Source: Linux 6.1, 6.12 and 7.2 include/linux/module.h: struct module begins with state, list and name; later in it the pointer
 * `kallsyms` leads to a struct mod_kallsyms (symtab, num_symtab, strtab, typetab), behind the pointer itself once the module's
 * init function is done. Where that pointer lies differs with the configuration: it is recognised by where it leads.
 * kernel/module/kallsyms.c (values of symbols are effective addresses).
 */

import { type Endian, getU32, getU64, latin1 } from '../../base/bytes.ts';
import type { KernelMemory } from './kernel-memory.ts';
import { isKernel, isLinear } from './kernel-memory.ts';

type Named = { readonly name: string; readonly start: bigint; readonly end: bigint };

const MODULE = { list: 8n, name: 24, nameBytes: 56, most: 4096 } as const;
const KALLSYMS = { symtab: 0, count: 8, strtab: 16, bytes: 24 } as const;
const SYMBOL = { name: 0, shndx: 6, value: 8, size: 16, bytes: 24 } as const;
const MOST_MODULES = 1024;
const MOST_SYMBOLS = 65536;
const MOST_TEXT = 2 ** 22;

/** @param head effective address of the kernel's list of modules. @returns functions and data of all modules, in order of address */
export async function moduleSymbols(
  head: bigint,
  memory: KernelMemory,
  endian: Endian,
): Promise<readonly Named[]> {
  const found: Named[] = [];
  let entry = await word(memory, head, endian);
  for (let n = 0; n < MOST_MODULES && entry !== undefined && entry !== head && isKernel(entry); n++) {
    const module = await memory.upTo(entry - MODULE.list, MODULE.most);
    if (module.length < MODULE.name + MODULE.nameBytes) break;
    const text = latin1(module.subarray(MODULE.name, MODULE.name + MODULE.nameBytes)).replace(/\0.*$/s, '');
    if (/^[\w-]+$/.test(text)) found.push(...(await symbolsOf(module, text, memory, endian)));
    entry = await word(memory, entry, endian);
  }
  return found.sort((a, b) => (a.start < b.start ? -1 : 1));
}

/** `function [module]`; undefined where no symbol has the address. */
export function nameIn(symbols: readonly Named[], address: bigint): string | undefined {
  let found: Named | undefined;
  for (const symbol of symbols) {
    if (symbol.start > address) break;
    if (address < symbol.end) found = symbol;
  }
  return found?.name;
}

async function symbolsOf(
  module: Uint8Array,
  name: string,
  memory: KernelMemory,
  endian: Endian,
): Promise<readonly Named[]> {
  for (let at = MODULE.name + MODULE.nameBytes; at + 8 <= module.length; at += 8) {
    const pointer = getU64(module, at, endian);
    if (!isKernel(pointer) || isLinear(pointer) || (pointer & 7n) !== 0n) continue;
    const table = await memory.bytes(pointer, KALLSYMS.bytes);
    if (table === undefined) continue;
    const symtab = getU64(table, KALLSYMS.symtab, endian);
    const strtab = getU64(table, KALLSYMS.strtab, endian);
    const count = getU32(table, KALLSYMS.count, endian);
    if (!isKernel(symtab) || !isKernel(strtab) || count < 2 || count > MOST_SYMBOLS) continue;
    const symbols = await memory.bytes(symtab, count * SYMBOL.bytes);
    // The first symbol of every table is empty.
    if (symbols === undefined || symbols.subarray(0, SYMBOL.bytes).some((byte) => byte !== 0)) continue;
    const named = await read(symbols, strtab, name, memory, endian);
    if (named.length > 0) return named;
  }
  return [];
}

async function read(
  symbols: Uint8Array,
  strtab: bigint,
  module: string,
  memory: KernelMemory,
  endian: Endian,
): Promise<readonly Named[]> {
  let last = 0;
  for (let at = 0; at < symbols.length; at += SYMBOL.bytes)
    last = Math.max(last, getU32(symbols, at, endian));
  const texts = last > MOST_TEXT ? new Uint8Array(0) : await memory.upTo(strtab, last + 256);
  const found: Named[] = [];
  for (let at = SYMBOL.bytes; at < symbols.length; at += SYMBOL.bytes) {
    const from = getU32(symbols, at, endian);
    const [start, size] = [
      getU64(symbols, at + SYMBOL.value, endian),
      getU64(symbols, at + SYMBOL.size, endian),
    ];
    if (size === 0n || !isKernel(start) || isLinear(start)) continue;
    const end = texts.indexOf(0, from);
    const text = latin1(texts.subarray(from, end < 0 ? from : end));
    if (/^[\w.$]+$/.test(text)) found.push({ name: `${text} [${module}]`, start, end: start + size });
  }
  return found;
}

async function word(memory: KernelMemory, address: bigint, endian: Endian): Promise<bigint | undefined> {
  const bytes = await memory.bytes(address, 8);
  return bytes === undefined ? undefined : getU64(bytes, 0, endian);
}
