import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decompressLzo1x } from '../../../src/vmcore/reader/lzo1x.ts';
import { decompressSnappy } from '../../../src/vmcore/reader/snappy-block.ts';
import { longOr } from '../../support/long.ts';
import { needsProgram } from '../../support/programs.ts';
import type { LzStep } from '../../synth/lz.ts';
import { LZO1X_REACH, lzExpand, lzo1xStream, lzSteps, snappyBlock } from '../../synth/lz.ts';
import { codeOf, mutate, mutations, onlyFormatError } from '../../synth/mutate.ts';

const PAGE = 65536;
const BAD = 'vmcore/bad-page-data';

/** Literals that differ from their neighbours, so that a copy from the wrong place shows. */
function noise(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state >>> 24;
  });
}

/** Lists of steps that every encoder can write: distances within what stands before, copies within the format's reach. */
function steps(reach: number, shortest: number): fc.Arbitrary<LzStep[]> {
  const literals = fc.oneof(
    { weight: 4, arbitrary: fc.nat(5) },
    fc.nat(40),
    fc.constantFrom(17, 18, 19, 60, 61, 238, 239, 256, 273, 274, 700),
  );
  const length = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 2, max: 12 }) },
    fc.nat(100),
    fc.constantFrom(33, 34, 64, 65, 264, 265, 288, 289, 544, 3000),
  );
  const far = fc.oneof(
    fc.constantFrom(1, 2, 3, 1024, 1025, 2047, 2048, 2049, 3072, 3073, 16384, 16385, 32768, 49151),
    fc.nat(60_000),
  );
  const raw = fc.record({ count: literals, far, length, seed: fc.nat(1000) });
  return fc
    .tuple(fc.constantFrom(1, 2500, 20_000, 50_000), fc.array(raw, { maxLength: 12 }))
    .map(([start, list]) => {
      let size = start;
      const made: LzStep[] = [{ literals: noise(start, 7), distance: 1, length: shortest }];
      size += shortest;
      for (const step of list) {
        size += step.count;
        const distance = Math.min(step.far + 1, size, reach);
        const count = step.count;
        const two = count >= 1 && count <= 3 && distance <= 1024;
        const copied = Math.max(step.length, two ? Math.min(2, shortest) : shortest);
        made.push({ literals: noise(count, step.seed), distance, length: copied });
        size += copied;
      }
      return made;
    });
}

const LZO1X = {
  name: 'LZO1X',
  decode: decompressLzo1x,
  encode: lzo1xStream,
  reach: LZO1X_REACH,
  shortest: 3,
  oracle: 'python3-lzo',
  compressors: ['lzo.compress(data, 1, False)', 'lzo.compress(data, 9, False)'],
  decompress: 'lzo.decompress(data, False, 1 << 20)',
};
const SNAPPY = {
  name: 'snappy',
  decode: decompressSnappy,
  encode: snappyBlock,
  reach: 1 << 20,
  shortest: 1,
  oracle: 'python3-snappy',
  compressors: ['snappy.compress(data)'],
  decompress: 'snappy.uncompress(data)',
};

describe.each([LZO1X, SNAPPY])(
  '$name',
  ({ decode, encode, reach, shortest, oracle, compressors, decompress }) => {
    it('decode: any list of literals and copies, in short and in long instructions → what they stand for', () => {
      fc.assert(
        fc.property(steps(reach, shortest), fc.nat(0xffff), (list, wide) => {
          const packed = encode(list, (i) => ((wide >> (i % 16)) & 1) === 1);
          const expected = lzExpand(list);
          expect(Buffer.compare(decode(packed, expected.length), expected)).toBe(0);
          expect(codeOf(() => decode(packed, expected.length - 1))).toBe(BAD);
        }),
        { numRuns: longOr(5000, 150) },
      );
    });

    it('decode: a stream cut anywhere, or followed by a byte → vmcore/bad-page-data', () => {
      const text = Buffer.from('never a dull moment, never a dull page, never a byte too many '.repeat(8));
      const packed = encode(lzSteps(text, reach));
      expect(Buffer.compare(decode(packed, text.length), text)).toBe(0);
      for (let length = 0; length < packed.length; length++)
        expect(
          codeOf(() => decode(packed.subarray(0, length), text.length)),
          `cut at ${length}`,
        ).toBe(BAD);
      for (const byte of [0, 17, 255])
        expect(codeOf(() => decode(Uint8Array.of(...packed, byte), text.length))).toBe(BAD);
    });

    it('decode: damaged data and random bytes → at most the limit, or FormatError', () => {
      const page = Uint8Array.from({ length: 4096 }, (_, i) => (i % 9 === 0 ? i >> 4 : i % 7));
      const packed = encode(lzSteps(page, reach));
      const damaged = mutations(packed.length).map((changes) => mutate(packed, changes));
      fc.assert(
        fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 300 })), (bytes) => {
          onlyFormatError(() => expect(decode(bytes, 4096).length).toBeLessThanOrEqual(4096));
        }),
        { numRuns: longOr(200_000, 3000) },
      );
    });

    it('pages that the library of the format packed → read', () => {
      needsProgram(oracle);
      const pages = [
        new Uint8Array(PAGE),
        noise(PAGE),
        Uint8Array.from({ length: PAGE }, (_, i) => (i % 8 === 0 ? i >> 8 : i >> 12)),
        Buffer.concat([noise(20_000), noise(20_000), noise(PAGE - 40_000, 2)]),
        Buffer.concat([noise(3000), new Uint8Array(30_000), noise(3000), noise(PAGE - 36_000, 3)]),
        ...fc.sample(steps(reach, shortest), { numRuns: longOr(1000, 60), seed: 26 }).map(lzExpand),
      ];
      for (const compressor of compressors) {
        const packed = askLibrary(oracle, compressor, pages);
        pages.forEach((page, i) => {
          const bytes = packed[i] ?? new Uint8Array(0);
          expect(Buffer.compare(decode(bytes, page.length), page), `page ${i}`).toBe(0);
        });
      }
    });

    it('whole and damaged streams → the library reads the same bytes, or refuses them too', () => {
      needsProgram(oracle);
      const lists = fc.sample(steps(reach, shortest), { numRuns: longOr(500, 60), seed: 12 });
      const whole = lists.map((list, i) => encode(list, (step) => (step + i) % 3 === 0));
      const small = encode(
        lzSteps(
          noise(64).map((byte) => byte & 3),
          reach,
        ),
      );
      const damages = fc.sample(mutations(small.length), { numRuns: longOr(100_000, 5000), seed: 3 });
      const streams = [...whole, ...damages.map((changes) => mutate(small, changes))];
      const answers = askLibrary(oracle, decompress, streams);
      const read = (bytes: Uint8Array): Uint8Array | undefined => {
        let page: Uint8Array | undefined;
        onlyFormatError(() => {
          page = decode(bytes, 1 << 20);
        });
        return page;
      };
      streams.forEach((bytes, i) => {
        const [ours, theirs] = [read(bytes), answers[i]];
        const same = ours === undefined ? theirs === undefined : Buffer.compare(ours, theirs ?? small) === 0;
        expect(
          same,
          `${Buffer.from(bytes).toString('hex')}: ${ours?.length} and ${theirs?.length} bytes`,
        ).toBe(true);
      });
      expect(answers.slice(0, whole.length)).not.toContain(undefined);
    });
  },
);

/** What the Python module makes of each of `inputs` by `expression` of `data`; undefined where it raises an error. */
function askLibrary(
  module: string,
  expression: string,
  inputs: readonly Uint8Array[],
): (Uint8Array | undefined)[] {
  const script = `
import sys
import ${module.replace('python3-', '')}
for line in sys.stdin:
    data = bytes.fromhex(line)
    try:
        print("=" + ${expression}.hex())
    except Exception as error:
        print(error)
`;
  const run = spawnSync('/usr/bin/python3', ['-c', script], {
    input: inputs.map((bytes) => `${Buffer.from(bytes).toString('hex')}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 1 << 29,
  });
  expect(run.status, run.stderr).toBe(0);
  const lines = run.stdout.trimEnd().split('\n');
  expect(lines.length).toBe(inputs.length);
  return lines.map((line) => (line.startsWith('=') ? Buffer.from(line.slice(1), 'hex') : undefined));
}

describe('decompressLzo1x', () => {
  it.each([
    ['nothing at all', [], 'the data ends'],
    ['a copy from before the start', [18, 1, 0x40, 0xff, 0x11, 0, 0], '2041 bytes back, of 1 written'],
    ['a stream of version 1', [17, 1, 18, 1, 0x11, 0, 0], 'bytes back, of 0 written'],
    ['a length that goes on without end', [0, ...new Array<number>(300).fill(0)], 'the data ends'],
  ])('%s → refused, and why', (_, bytes, why) => {
    expect(() => decompressLzo1x(Uint8Array.from(bytes), 4096)).toThrow(why);
  });

  it('the end mark alone → no bytes', () => {
    expect(decompressLzo1x(Uint8Array.of(0x11, 0, 0), 4096).length).toBe(0);
  });
});

describe('decompressSnappy', () => {
  it.each([
    ['nothing at all', [], 'the data ends'],
    ['a length of more than 32 bits', [0xff, 0xff, 0xff, 0xff, 0x10], 'more than 32 bits'],
    ['a length whose last byte is missing', [0x80, 0x80, 0x80, 0x80, 0x80, 0], 'more than 32 bits'],
    ['more claimed than accepted', [0xff, 0xff, 0xff, 0xff, 0x0f, 0], '4294967295 bytes are claimed'],
    ['a distance of 0', [5, 0, 65, 1, 0], 'from 0 bytes back'],
    ['fewer bytes than claimed', [5, 0, 65], '1 bytes come out, 5 are claimed'],
  ])('%s → refused, and why', (_, bytes, why) => {
    expect(() => decompressSnappy(Uint8Array.from(bytes), 4096)).toThrow(why);
  });
});
