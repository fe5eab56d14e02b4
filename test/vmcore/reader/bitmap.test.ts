import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PageBitmap } from '../../../src/vmcore/reader/bitmap.ts';

describe('PageBitmap', () => {
  it('PageBitmap: any bits → has, rank and next as counted one by one', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 0, maxLength: 1100 }),
        fc.nat(9000),
        fc.array(fc.nat(9000), { minLength: 1, maxLength: 20 }),
        (bytes, size, asked) => {
          const bitmap = new PageBitmap(bytes, size);
          const known = Math.min(size, bytes.length * 8);
          expect(bitmap.known).toBe(known);
          const bits = Array.from({ length: known }, (_, i) => ((bytes[i >>> 3] ?? 0) >>> (i & 7)) & 1);
          for (const pfn of asked) {
            expect(bitmap.has(pfn)).toBe(bits[pfn] === 1);
            expect(bitmap.rank(pfn)).toBe(bits.slice(0, pfn).reduce((sum, bit) => sum + bit, 0));
            for (const value of [true, false]) {
              const at = bits.findIndex((bit, i) => i >= pfn && (bit === 1) === value);
              expect(bitmap.next(pfn, value)).toBe(at < 0 ? known : at);
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
