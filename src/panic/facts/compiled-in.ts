/**
 * Detects whether the compiler has inlined one function into another, so that it runs there without being called: both
 * read the same global data, and the outer function does not call the inner one. Global data is read through r2: addis,
 * then a load or addi with the rest of the offset.
 * Source: 64-Bit ELF V2 ABI 1.9 §2.3.1 (r2 is the TOC pointer; addis and a displacement reach what is near it); Power
 * ISA 3.1B, Book I (D and DS forms).
 */

import { type Endian, getU32 } from '../../base/bytes.ts';
import type { KernelSymbols, ReadMemory } from './symbols/index.ts';
import { ifThere, realOf } from './symbols/index.ts';

const LIMIT = 0x1000;
const ADDIS = 15;
const ADDI = 14;
const LD = 58;
const LWZ = 32;
const BRANCH = 18;
const TOC = 2;

type Code = { readonly base: number; readonly words: readonly number[] };

/** @returns undefined where it is unknown: a function has no symbol, or `inner` reads no global data */
export async function isCompiledIn(
  read: ReadMemory,
  symbols: KernelSymbols,
  inner: string,
  outer: string,
): Promise<boolean | undefined> {
  const parts = await Promise.all([inner, outer].map((name) => codeOf(read, symbols, name)));
  const [innerCode, outerCode] = parts;
  if (innerCode === undefined || outerCode === undefined) return undefined;
  const wanted = referencesOf(innerCode);
  if (wanted.size === 0) return undefined;
  const there = referencesOf(outerCode);
  return !calls(outerCode, innerCode) && [...wanted].every((each) => there.has(each));
}

async function codeOf(read: ReadMemory, symbols: KernelSymbols, name: string): Promise<Code | undefined> {
  const address = symbols.table.find(name);
  if (address === undefined) return undefined;
  const next = symbols.table.after(address);
  const length = Math.min(LIMIT, next === undefined ? LIMIT : Number(next - address)) & ~3;
  const base = realOf(address);
  const bytes = await ifThere(read(base, length));
  if (bytes === undefined || bytes.length < 8) return undefined;
  const endian = orderOf(bytes);
  return { base, words: Array.from({ length: length / 4 }, (_, i) => getU32(bytes, i * 4, endian)) };
}

/** The order in which more of the first words are instructions of common kinds. */
function orderOf(bytes: Uint8Array): Endian {
  const common = (endian: Endian): number => {
    let count = 0;
    for (let i = 0; i + 4 <= Math.min(bytes.length, 64); i += 4)
      if ([ADDIS, ADDI, LD, 62, 31, BRANCH, 16, 19].includes(getU32(bytes, i, endian) >>> 26)) count++;
    return count;
  };
  return common('little') > common('big') ? 'little' : 'big';
}

/** Offsets from r2 of what is read, as `high:low`. */
function referencesOf({ words }: Code): ReadonlySet<string> {
  const highs = new Map<number, number>();
  const found = new Set<string>();
  for (const word of words) {
    const opcode = word >>> 26;
    const target = (word >>> 21) & 31;
    const base = (word >>> 16) & 31;
    const low = word & 0xffff;
    if (opcode === ADDIS && base === TOC && target !== TOC) {
      highs.set(target, low);
      continue;
    }
    const high = highs.get(base);
    if (high !== undefined && [ADDI, LD, LWZ].includes(opcode)) found.add(`${high}:${low}`);
    if ([ADDIS, ADDI, LD, LWZ].includes(opcode)) highs.delete(target);
  }
  return found;
}

function calls(outer: Code, inner: Code): boolean {
  return outer.words.some((word, i) => {
    if (word >>> 26 !== BRANCH) return false;
    const offset = ((word & 0x03fffffc) << 6) >> 6;
    const target = outer.base + i * 4 + offset;
    return target >= inner.base && target < inner.base + inner.words.length * 4;
  });
}
