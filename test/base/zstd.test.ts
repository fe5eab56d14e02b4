import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/base/bytes.ts';
import { checkZstdFrames, zstdCompress, zstdDecompress } from '../../src/base/zstd.ts';
import { longOr } from '../support/long.ts';
import { mutate, mutations } from '../synth/mutate.ts';

const TEXT = Buffer.from('all work and no play '.repeat(3000));
const FRAME = zstdCompress(TEXT, 1);
const SKIPPED = Uint8Array.of(0x5f, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4);

describe('zstdDecompress', () => {
  it('any bytes at any level → what was compressed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 9 }), (bytes, level) => {
        const twice = concatBytes([bytes, bytes]);
        expect(Buffer.compare(zstdDecompress(zstdCompress(twice, level), twice.length + 1), twice)).toBe(0);
      }),
      { numRuns: longOr(5000, 200) },
    );
  });

  it('several frames, one without content, frames to be skipped, frames of unknown size → all of their content', () => {
    const open = zstdCompressSync(TEXT, { chunkSize: 64 });
    const frames = [SKIPPED, FRAME, zstdCompress(new Uint8Array(0), 1), open, SKIPPED];
    expect(zstdDecompress(concatBytes(frames), 2 * TEXT.length)).toEqual(
      new Uint8Array(Buffer.concat([TEXT, TEXT])),
    );
  });

  it('a frame of zeros and one of noise: run-length and raw blocks → their content', () => {
    const noise = Uint8Array.from(
      { length: 300_000 },
      (_, i) => (Math.imul(i, 2654435761) >>> 13) ^ (i >> 5),
    );
    for (const bytes of [new Uint8Array(1 << 20), noise])
      expect(Buffer.compare(zstdDecompress(zstdCompress(bytes, 1), bytes.length), bytes)).toBe(0);
  });

  it('more than the limit → an error', () => {
    expect(zstdDecompress(FRAME, TEXT.length).length).toBe(TEXT.length);
    expect(() => zstdDecompress(FRAME, TEXT.length - 1)).toThrow();
  });

  it('cut anywhere → an error', () => {
    for (let length = 1; length < FRAME.length; length++)
      expect(() => zstdDecompress(FRAME.subarray(0, length), TEXT.length), `cut at ${length}`).toThrow();
  });

  it.each([
    ['a byte', [1]],
    ['the start of the magic number', [0x28, 0xb5, 0x2f]],
    ['zeros', new Array<number>(16).fill(0)],
    ['the first bytes of a frame', [...FRAME.subarray(0, 6)]],
    ['half a frame to be skipped', [...SKIPPED.subarray(0, 9)]],
  ])('%s behind the last frame → an error, where Node alone may see none', (_, rest) => {
    expect(() => zstdDecompress(concatBytes([FRAME, Uint8Array.from(rest)]), TEXT.length)).toThrow('zstd: ');
  });

  it('its answer is memory of its own', () => {
    const page = zstdDecompress(zstdCompress(TEXT.subarray(0, 4096), 1), 4096);
    expect(page.buffer.byteLength).toBe(4096);
  });
});

describe('checkZstdFrames', () => {
  it('damaged frames: what Node reads to the end is whole here, too', () => {
    fc.assert(
      fc.property(mutations(FRAME.length), (changes) => {
        const damaged = mutate(FRAME, changes);
        let consumed = 0;
        try {
          const answer: unknown = zstdDecompressSync(damaged, { info: true, maxOutputLength: 1 << 20 });
          consumed = (answer as { engine: { bytesWritten: number } }).engine.bytesWritten;
        } catch {
          return; // refused by Node: nothing to compare
        }
        if (consumed === damaged.length) expect(() => checkZstdFrames(damaged)).not.toThrow();
        else expect(() => checkZstdFrames(damaged)).toThrow('zstd: ');
      }),
      { numRuns: longOr(100_000, 2000) },
    );
  });
});
