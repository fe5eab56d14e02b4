/**
 * Reads the kernel's own symbol table from its memory: names are compressed by a table of 256 tokens.
 * Source: Linux 6.1 kernel/kallsyms.c, kernel/kallsyms_internal.h (what each table means); the order of the tables in
 * memory is that of 6.1 (offsets, base, count, names, markers, sequence, tokens, token index), and the other one, since
 * 6.5, has offsets and base behind the token index. Each table begins at a multiple of 8. Since 7.2 that is
 * a multiple of 4, and each offset is relative to its own place (kallsyms_sym_address): there is no base.
 * Left out: kernels before 4.6 and others without KALLSYMS_BASE_RELATIVE, and KALLSYMS_ABSOLUTE_PERCPU, which no ppc64
 * kernel since 4.6 uses.
 */

import type { Endian } from '../../base/bytes.ts';
import { alignUp, latin1, viewOf } from '../../base/bytes.ts';
import { analyseError } from './errors.ts';
import { type KernelSymbol, SymbolTable } from './symbol-table.ts';

export type Kallsyms = {
  readonly table: SymbolTable;
  /** kallsyms_relative_base as it stands in memory: relocated, once the kernel has relocated itself; without one PAGE_OFFSET. */
  readonly relativeBase: bigint;
  readonly endian: Endian;
};

/** The digits stand for themselves in every kernel's token table: '0' NUL '1' NUL … */
const DIGITS: Buffer = Buffer.from(
  '0123456789'
    .split('')
    .map((digit) => `${digit}\0`)
    .join(''),
  'latin1',
);
/** PAGE_OFFSET: the start of the linear map. */
const LINEAR = 0xc000000000000000n;
const TOKENS = 256;
const TOKEN_INDEX_BYTES = TOKENS * 2;
/** Far more tokens' bytes than any kernel has; bounds the search for the table's start and end. */
const TOKEN_TABLE_LIMIT = 16384;
/** Longer than any token. */
const FIRST_TOKEN_LIMIT = 128;
const NAMES_PER_MARKER = 256;
const LEAST_SYMBOLS = 256;
/** Several times what today's kernels have. */
const MOST_SYMBOLS = 2 ** 20;
/** KSYM_NAME_LEN, and the letter of the type. */
const LONGEST_NAME = 512 + 1;
/** Places that look like a token table, of which a kernel has one; and bytes read as names for each byte of memory. */
const MOST_TABLES = 64;
const NAMES_FACTOR = 4;

/** Type letters of nm, which begin every name. */
const TYPE_LETTER = /^[A-Za-z?]/;

type Tokens = {
  /** Tables begin at multiples of it. */
  readonly unit: 4 | 8;
  readonly start: number;
  /** Just behind the token index. */
  readonly end: number;
  readonly texts: readonly string[];
  readonly endian: Endian;
};

type Names = {
  /** Of the count that precedes the names. */
  readonly start: number;
  readonly count: number;
  readonly names: readonly string[];
};

/**
 * Finds and reads kallsyms in `memory`, a copy of the kernel's image (or of its beginning, rodata included).
 * Memory may hold any number of tables that only look right; the work on them has a limit.
 * @returns undefined where there is none yet: more memory may bring it.
 */
export function findKallsyms(memory: Uint8Array): Kallsyms | undefined {
  const budget = { nameBytes: NAMES_FACTOR * memory.length };
  for (const tokens of tokenTables(memory)) {
    const names = findNames(memory, tokens, budget);
    if (names === undefined) continue;
    const addresses = findAddresses(memory, tokens, names);
    if (addresses === undefined) continue;
    const symbols = names.names.map(
      (name, i): KernelSymbol => ({
        name: name.slice(1),
        address: addresses.base + BigInt(addresses.offsets[i] as number),
      }),
    );
    return { table: new SymbolTable(symbols), relativeBase: addresses.base, endian: tokens.endian };
  }
  return undefined;
}

/** As {@link findKallsyms}. @throws FormatError `analyse/no-kallsyms`. */
export function parseKallsyms(memory: Uint8Array): Kallsyms {
  const found = findKallsyms(memory);
  if (found === undefined) {
    throw analyseError('analyse/no-kallsyms', 'no tables of kallsyms were found', {
      actual: `${memory.length} bytes of kernel memory`,
    });
  }
  return found;
}

/** Token tables whose index fits them. */
function* tokenTables(memory: Uint8Array): Generator<Tokens> {
  const bytes = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
  let tables = 0;
  for (let at = bytes.indexOf(DIGITS); at >= 0; at = bytes.indexOf(DIGITS, at + 1)) {
    if (++tables > MOST_TABLES) return;
    // '0' is token 0x30: forty-seven strings before it begins the second token.
    const second = backByStrings(memory, at, 0x2f);
    if (second === undefined) continue;
    // What precedes the first token need not be a zero, so only its end shows; it begins at a multiple of 4.
    for (let start = (second - 2) & ~3; start >= 0 && start > second - FIRST_TOKEN_LIMIT; start -= 4) {
      for (const endian of ['little', 'big'] as const)
        for (const unit of [8, 4] as const) {
          const tokens = start % unit === 0 ? tokensAt(memory, start, endian, unit) : undefined;
          if (tokens !== undefined) yield tokens;
        }
    }
  }
}

/** The start of the `count`-th string before the one at `at`. */
function backByStrings(memory: Uint8Array, at: number, count: number): number | undefined {
  const lowest = Math.max(0, at - TOKEN_TABLE_LIMIT);
  let start = at;
  for (let strings = 0; strings < count; strings++) {
    // The NUL that ends the string before `start`, and then back to that string's first byte.
    if (start - 1 < lowest || memory[start - 1] !== 0) return undefined;
    start--;
    while (start > lowest && memory[start - 1] !== 0) start--;
  }
  return start;
}

function tokensAt(memory: Uint8Array, start: number, endian: Endian, unit: 4 | 8): Tokens | undefined {
  const offsets: number[] = [];
  const texts: string[] = [];
  let at = start;
  for (let i = 0; i < TOKENS; i++) {
    const end = memory.indexOf(0, at);
    if (end < 0 || end - start > TOKEN_TABLE_LIMIT) return undefined;
    offsets.push(at - start);
    texts.push(latin1(memory.subarray(at, end)));
    at = end + 1;
  }
  const index = alignUp(at, unit);
  if (index + TOKEN_INDEX_BYTES > memory.length) return undefined;
  const view = viewOf(memory);
  const fits = offsets.every((offset, i) => view.getUint16(index + i * 2, endian === 'little') === offset);
  return fits ? { unit, start, end: index + TOKEN_INDEX_BYTES, texts, endian } : undefined;
}

/** What may still be done: a guest's memory may look like names everywhere. */
type Budget = { nameBytes: number };

/** Names lie before the tokens, behind their count; what proves them are the markers that follow. */
function findNames(memory: Uint8Array, tokens: Tokens, budget: Budget): Names | undefined {
  const view = viewOf(memory);
  const little = tokens.endian === 'little';
  const { unit } = tokens;
  for (let at = tokens.start - 2 * unit; at >= 0 && budget.nameBytes > 0; at -= unit) {
    const count = view.getUint32(at, little);
    if (count < LEAST_SYMBOLS || count > MOST_SYMBOLS) continue;
    if (unit === 8 && view.getUint32(at + 4, little) !== 0) continue;
    const names = namesAt(memory, tokens, at, count, budget);
    if (names !== undefined) return names;
  }
  return undefined;
}

function namesAt(
  memory: Uint8Array,
  tokens: Tokens,
  start: number,
  count: number,
  budget: Budget,
): Names | undefined {
  const first = start + tokens.unit;
  const names: string[] = [];
  const markers: number[] = [];
  let at = first;
  for (let i = 0; i < count; i++) {
    if (i % NAMES_PER_MARKER === 0) markers.push(at - first);
    let length = memory[at++] as number;
    if (length >= 0x80) length = (length & 0x7f) | ((memory[at++] as number) << 7);
    if (length === 0 || at + length > tokens.start) return undefined;
    let name = '';
    for (const end = at + length; at < end && name.length <= LONGEST_NAME; at++)
      name += tokens.texts[memory[at] as number];
    budget.nameBytes -= length;
    if (name.length > LONGEST_NAME || budget.nameBytes < 0 || !TYPE_LETTER.test(name)) return undefined;
    names.push(name);
  }
  const table = alignUp(at, tokens.unit);
  if (table + markers.length * 4 > tokens.start) return undefined;
  const view = viewOf(memory);
  const little = tokens.endian === 'little';
  const proven = markers.every((marker, i) => view.getUint32(table + i * 4, little) === marker);
  return proven ? { start, count, names } : undefined;
}

type Addresses = { readonly base: bigint; readonly offsets: readonly number[] };

function findAddresses(memory: Uint8Array, tokens: Tokens, names: Names): Addresses | undefined {
  if (tokens.unit === 4) return ownPlacesAt(memory, tokens, names.count);
  const bytes = alignUp(names.count * 4, 8);
  return (
    addressesAt(memory, tokens, names.start - 8 - bytes, names.start - 8, names.count) ??
    addressesAt(memory, tokens, tokens.end, tokens.end + bytes, names.count)
  );
}

/** Offsets from where each of them is. The kernel's first byte is that of `memory`, and at the start of the linear map. */
function ownPlacesAt(memory: Uint8Array, { end, endian }: Tokens, count: number): Addresses | undefined {
  if (end + count * 4 > memory.length) return undefined;
  const view = viewOf(memory);
  const offsets: number[] = [];
  for (let at = end; at < end + count * 4; at += 4) {
    const offset = at + view.getInt32(at, endian === 'little');
    if (offset < (offsets.at(-1) ?? 0)) return undefined;
    offsets.push(offset);
  }
  return { base: LINEAR, offsets };
}

/** Offsets ascend, and the base is where a kernel is linked: at a multiple of 64 KiB of the linear map. */
function addressesAt(
  memory: Uint8Array,
  tokens: Tokens,
  table: number,
  base: number,
  count: number,
): Addresses | undefined {
  if (table < 0 || base + 8 > memory.length) return undefined;
  const view = viewOf(memory);
  const little = tokens.endian === 'little';
  const offsets: number[] = [];
  for (let i = 0; i < count; i++) {
    const offset = view.getUint32(table + i * 4, little);
    if (offset < (offsets[i - 1] ?? 0)) return undefined;
    offsets.push(offset);
  }
  const relativeBase = view.getBigUint64(base, little);
  if (relativeBase >> 60n !== 0xcn || (relativeBase & 0xffffn) !== 0n) return undefined;
  return { base: relativeBase, offsets };
}
