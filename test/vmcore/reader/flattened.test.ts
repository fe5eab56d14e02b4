import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arraySource, concatBytes, putU64 } from '../../../src/base/bytes.ts';
import { buildFlattened } from '../../../src/vmcore/format/index.ts';
import { checkDump, openDump, plainPieces, unflatten } from '../../../src/vmcore/reader/index.ts';
import { codeOf } from '../../synth/mutate.ts';
import { elfDump, flatten, kdumpDump } from '../../synth/vmcore.ts';

describe('unflatten', () => {
  it('unflatten: records in any order, overlapping → as writing them one after another', () => {
    const record = fc.record({ offset: fc.nat(300), data: fc.uint8Array({ maxLength: 60 }) });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 30 }), fc.integer({ min: 1, max: 50 }), (records, piece) => {
        const size = records.reduce(
          (end, { offset, data }) => (data.length === 0 ? end : Math.max(end, offset + data.length)),
          0,
        );
        const expected = new Uint8Array(size);
        for (const { offset, data } of records) if (data.length > 0) expected.set(data, offset);
        const { plain, end } = unflatten(arraySource(buildFlattened(records)));
        expect(end.kind).toBe('end');
        expect(plain.size).toBe(size);
        expect(concatBytes([...plainPieces(plain, piece)])).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('unflatten: thousands of overlapping records → quick', () => {
    const records = Array.from({ length: 20_000 }, (_, i) => ({
      offset: 20_000 - i,
      data: new Uint8Array(50).fill(i),
    }));
    const started = performance.now();
    expect(unflatten(arraySource(buildFlattened(records))).plain.size).toBe(20_050);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('checkDump: no end record → incomplete, and it says so; the bytes that are there can be read', () => {
    const whole = flatten(kdumpDump());
    const check = checkDump(arraySource(whole.subarray(0, whole.length - 16)));
    expect(check).toMatchObject({
      format: 'flattened',
      complete: false,
      problems: [{ code: 'vmcore/truncated', message: 'the stream has no end record' }],
    });
    expect(openDump(arraySource(whole.subarray(0, whole.length - 16))).readPhysical(0n, 8)).toHaveLength(8);
  });

  it.each<[string, string, (stream: Uint8Array) => void]>([
    ['type 2', 'vmcore/bad-flat-header', (s) => putU64(s, 16, 2n, 'big')],
    ['version 0', 'vmcore/bad-flat-header', (s) => putU64(s, 24, 0n, 'big')],
    [
      'a record of negative size',
      'vmcore/bad-flat-record',
      (s) => putU64(s, 0x1008, BigInt.asUintN(64, -5n), 'big'),
    ],
    [
      'a record of negative offset',
      'vmcore/bad-flat-record',
      (s) => putU64(s, 0x1000, BigInt.asUintN(64, -5n), 'big'),
    ],
  ])('openDump: %s → %s', (_, code, damage) => {
    const stream = flatten(elfDump());
    damage(stream);
    expect(codeOf(() => openDump(arraySource(stream)))).toBe(code);
  });

  it('openDump: a flattened dump in a flattened dump → vmcore/nested-flattened', () => {
    expect(codeOf(() => openDump(arraySource(flatten(flatten(elfDump())))))).toBe('vmcore/nested-flattened');
  });
});
