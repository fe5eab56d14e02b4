/** RAM as people write it: `1G`, `64M,16M@4G`. Sizes take K, M, G (powers of two); numbers are decimal or 0x. */

import { FormatError } from '../../../base/errors.ts';
import type { MemoryRange } from '../../memory/contract.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };
const GRANULE = 0x10000;

/** A size in bytes. @throws FormatError `memory/size`. */
export function parseSize(text: string): number {
  const match = /^(0x[0-9a-f]+|[0-9]+)([KMGT]?)$/i.exec(text.trim());
  const unit = UNITS[(match?.[2] ?? '').toUpperCase()];
  const value = match === null || unit === undefined ? Number.NaN : Number(match[1]) * unit;
  if (!Number.isSafeInteger(value)) {
    throw new FormatError('memory/size', `${JSON.stringify(text)} is not a size`, {
      expected: 'a number with K, M or G',
      actual: text,
    });
  }
  return value;
}

/**
 * The ranges of a specification: the first without `@` starts at 0, a later one follows its predecessor.
 * @throws FormatError `memory/spec` for ranges that overlap, descend, or are not multiples of 64 KiB.
 */
export function parseMemorySpec(text: string): readonly MemoryRange[] {
  const out: MemoryRange[] = [];
  for (const part of text.split(',')) {
    const [size, base, ...rest] = part.split('@');
    const end = out.length === 0 ? 0 : (out.at(-1) as MemoryRange).base + (out.at(-1) as MemoryRange).size;
    const range = { base: base === undefined ? end : parseSize(base), size: parseSize(size ?? '') };
    const good =
      rest.length === 0 &&
      range.size > 0 &&
      range.base >= end &&
      range.size % GRANULE === 0 &&
      range.base % GRANULE === 0;
    if (!good || (out.length === 0 && range.base !== 0)) {
      throw new FormatError('memory/spec', `${JSON.stringify(part)} does not fit the memory specification`, {
        expected: 'ascending ranges in units of 64 KiB, the first at 0',
        actual: text,
      });
    }
    out.push(range);
  }
  return out;
}
