/** What every PageStore must do. A second implementation runs the same suite. */

import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Chunk, PageStore } from '../../../src/vmcore/store/index.ts';
import { CHUNK_BYTES } from '../../../src/vmcore/store/index.ts';
import { asyncCodeOf } from '../../synth/mutate.ts';

export function chunk(bytes: Uint8Array): Chunk {
  return { hash: createHash('sha256').update(bytes).digest(), bytes };
}

/** Content that compresses (`text`), does not (`noise`), is zero, or is of one byte. */
export const CONTENTS: Readonly<Record<string, Uint8Array>> = {
  text: new Uint8Array(CHUNK_BYTES).map((_, i) => (i * 7) & 0x3f),
  noise: noise(CHUNK_BYTES, 1),
  zero: new Uint8Array(CHUNK_BYTES),
  'short zero': new Uint8Array(100),
  'one byte': Uint8Array.of(5),
};

/** Bytes that do not compress, the same for the same seed. */
export function noise(length: number, seed: number): Uint8Array {
  let state = seed >>> 0 || 1;
  return new Uint8Array(length).map(() => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 255;
  });
}

export function pageStoreContract(name: string, open: () => Promise<PageStore>): void {
  describe(`PageStore: ${name}`, () => {
    let store: PageStore;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    it.each(Object.entries(CONTENTS))('putMany, getMany: %s → the same bytes', async (_, bytes) => {
      const [id] = await store.putMany([chunk(bytes)]);
      const [back] = await store.getMany([id ?? 0]);
      expect(Buffer.compare(back ?? new Uint8Array(0), bytes)).toBe(0);
    });

    it('putMany: equal content, in one call and in two → one id', async () => {
      const [a, b, c] = await store.putMany([
        chunk(noise(100, 1)),
        chunk(noise(100, 2)),
        chunk(noise(100, 1)),
      ]);
      expect(a).toBe(c);
      expect(a).not.toBe(b);
      expect(await store.putMany([chunk(noise(100, 2))])).toEqual([b]);
    });

    it('putMany: zeros of different lengths → different chunks', async () => {
      const ids = await store.putMany([chunk(new Uint8Array(10)), chunk(new Uint8Array(11))]);
      expect((await store.getMany(ids)).map((bytes) => bytes.length)).toEqual([10, 11]);
    });

    it('hasMany: known and unknown hashes → their ids and null', async () => {
      const [id] = await store.putMany([chunk(noise(100, 1))]);
      expect(await store.hasMany([chunk(noise(100, 2)).hash, chunk(noise(100, 1)).hash])).toEqual([null, id]);
      expect(await store.hasMany([])).toEqual([]);
    });

    it('getMany: any order, repeated → as asked', async () => {
      const ids = await store.putMany([1, 2, 3].map((seed) => chunk(noise(50, seed))));
      const [a, b, c] = ids.map(Number);
      const got = await store.getMany([c ?? 0, a ?? 0, c ?? 0, b ?? 0]);
      expect(got.map((bytes) => bytes[0])).toEqual([3, 1, 3, 2].map((seed) => noise(50, seed)[0]));
    });

    it('getMany: an id that was never given → store/missing-chunk', async () => {
      expect(await asyncCodeOf(() => store.getMany([12345]))).toBe('store/missing-chunk');
    });

    it('sweep: chunks not in live → gone; the others stay; ids are not used again', async () => {
      const ids = await store.putMany(Array.from({ length: 20 }, (_, i) => chunk(noise(1000, i + 1))));
      const live = new Set(ids.slice(0, 5));
      expect(await store.sweep(live)).toEqual({ chunks: 15, bytes: 15_000 });
      expect(await store.getMany([...live])).toHaveLength(5);
      expect(await asyncCodeOf(() => store.getMany([ids[19] ?? 0]))).toBe('store/missing-chunk');
      expect(await store.hasMany([chunk(noise(1000, 20)).hash])).toEqual([null]);
      const [again] = await store.putMany([chunk(noise(1000, 20))]);
      expect(ids).not.toContain(again);
      expect(await store.sweep(new Set([...live, again ?? 0]))).toEqual({ chunks: 0, bytes: 0 });
    });

    it('sweep: a store of many chunks → all the dead ones, none of the live ones', async () => {
      const ids = await store.putMany(
        Array.from({ length: 9000 }, (_, i) => chunk(Uint8Array.of(i & 255, i >>> 8, 1))),
      );
      const live = new Set(ids.filter((_, i) => i % 3 === 0));
      expect(await store.sweep(live)).toEqual({ chunks: 6000, bytes: 18_000 });
      expect(await store.getMany([...live])).toHaveLength(3000);
    });
  });
}
