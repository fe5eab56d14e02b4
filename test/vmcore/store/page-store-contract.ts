/** What every PageStore must do. A second implementation runs the same suite. */

import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  Chunk,
  ChunkId,
  ChunkRef,
  HoldId,
  PageStore,
  SweepResult,
} from '../../../src/vmcore/store/index.ts';
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

/** Sweeps everything but `live` and what is held. */
async function sweep(store: PageStore, live: readonly ChunkId[]): Promise<SweepResult> {
  const id = await store.beginSweep();
  for (let at = 0; at < live.length; at += 1000) await store.mark(id, live.slice(at, at + 1000));
  return store.endSweep(id);
}

export type OpenedPages = {
  readonly store: PageStore;
  /** Changes a bit of what is stored under an id, or loses it. */
  readonly tamper: (id: ChunkId, change: 'flip' | 'lose') => void;
};

export function pageStoreContract(name: string, open: () => Promise<OpenedPages>): void {
  describe(`PageStore: ${name}`, () => {
    let store: PageStore;
    let tamper: OpenedPages['tamper'];
    const hashes = new Map<ChunkId, Uint8Array>();
    beforeEach(async () => {
      ({ store, tamper } = await open());
    });
    afterEach(() => store.close());

    /** Stores chunks, and holds them no longer. */
    async function put(chunks: readonly Chunk[]): Promise<readonly ChunkId[]> {
      const hold = await store.hold();
      const ids = await putUnder(hold, chunks);
      await store.release(hold);
      return ids;
    }

    async function putUnder(hold: HoldId, chunks: readonly Chunk[]): Promise<readonly ChunkId[]> {
      const ids = await store.putMany(hold, chunks);
      for (const [i, { hash }] of chunks.entries()) hashes.set(ids[i] ?? '', hash);
      return ids;
    }

    async function has(chunks: readonly Chunk[]): Promise<readonly (ChunkId | null)[]> {
      const hold = await store.hold();
      const ids = await store.hasMany(
        hold,
        chunks.map(({ hash }) => hash),
      );
      await store.release(hold);
      return ids;
    }

    /** Chunks by ids that were given for them; another id has a hash that nothing has. */
    function refs(ids: readonly ChunkId[]): ChunkRef[] {
      return ids.map((id) => ({ id, hash: hashes.get(id) ?? new Uint8Array(32) }));
    }

    const get = (ids: readonly ChunkId[]): Promise<readonly Uint8Array[]> => store.getMany(refs(ids));

    it.each(Object.entries(CONTENTS))('putMany, getMany: %s → the same bytes', async (_, bytes) => {
      const [id] = await put([chunk(bytes)]);
      expect(id).toMatch(/./);
      const [back] = await get([id ?? '']);
      expect(Buffer.compare(back ?? new Uint8Array(0), bytes)).toBe(0);
    });

    it('putMany: equal content, in one call and in two → one id', async () => {
      const [a, b, c] = await put([chunk(noise(100, 1)), chunk(noise(100, 2)), chunk(noise(100, 1))]);
      expect(a).toBe(c);
      expect(a).not.toBe(b);
      expect(await put([chunk(noise(100, 2))])).toEqual([b]);
    });

    it('putMany: the same content from two writers at once → one id', async () => {
      const chunks = Array.from({ length: 50 }, (_, i) => chunk(noise(100, i + 1)));
      const [one, other] = await Promise.all([put(chunks), put(chunks)]);
      expect(other).toEqual(one);
      expect(await sweep(store, [])).toEqual({ chunks: 50, bytes: 5000 });
    });

    it('putMany: zeros of different lengths → different chunks', async () => {
      const ids = await put([chunk(new Uint8Array(10)), chunk(new Uint8Array(11))]);
      expect((await get(ids)).map((bytes) => bytes.length)).toEqual([10, 11]);
    });

    it('hasMany: known and unknown hashes → their ids and null', async () => {
      const [id] = await put([chunk(noise(100, 1))]);
      expect(await has([chunk(noise(100, 2)), chunk(noise(100, 1))])).toEqual([null, id]);
      expect(await has([])).toEqual([]);
    });

    it('getMany: any order, repeated → as asked', async () => {
      const [a = '', b = '', c = ''] = await put([1, 2, 3].map((seed) => chunk(noise(50, seed))));
      const got = await get([c, a, c, b]);
      expect(got.map((bytes) => bytes[0])).toEqual([3, 1, 3, 2].map((seed) => noise(50, seed)[0]));
    });

    it.each(['12345', '', 'no id', '-1', '9'.repeat(40)])(
      'getMany, keepMany: %j, an id that was never given → store/missing-chunk',
      async (id) => {
        const [good = ''] = await put([chunk(noise(50, 1))]);
        expect(await asyncCodeOf(() => get([good, id]))).toBe('store/missing-chunk');
        const hold = await store.hold();
        expect(await asyncCodeOf(() => store.keepMany(hold, refs([good, id])))).toBe('store/missing-chunk');
        expect(await sweep(store, [])).toEqual({ chunks: 1, bytes: 50 });
      },
    );

    it.each([
      ['flip', 'store/corrupt-chunk'],
      ['lose', 'store/missing-chunk'],
    ] as const)(
      'a chunk that changed in the store (%s) → %s, in quarantine and not found; the same content again → whole under its id',
      async (change, code) => {
        const contents = [noise(5000, 1), noise(5000, 2), noise(5000, 3)].map(chunk);
        const ids = await put(contents);
        const [first = '', bad = '', last = ''] = ids;
        tamper(bad, change);
        expect(await asyncCodeOf(() => get(ids))).toBe(code);
        expect(
          (await store.quarantined()).map(({ id, hash }) => [id, Buffer.from(hash).toString('hex')]),
        ).toEqual([[bad, Buffer.from(contents[1]?.hash ?? []).toString('hex')]]);
        expect(await has(contents)).toEqual([first, null, last]);
        expect(await get([first, last])).toHaveLength(2);
        expect(await put(contents)).toEqual(ids);
        expect(await store.quarantined()).toEqual([]);
        expect(Buffer.compare((await get([bad]))[0] ?? new Uint8Array(0), noise(5000, 2))).toBe(0);
        expect(await has(contents)).toEqual(ids);
      },
    );

    it('quarantine: of chunks that are whole → they stay in use; of a damaged one → as when it is read', async () => {
      const contents = [noise(5000, 1), noise(5000, 2)].map(chunk);
      const ids = await put(contents);
      const [good = '', bad = ''] = ids;
      tamper(bad, 'flip');
      await store.quarantine(refs(ids));
      expect((await store.quarantined()).map(({ id }) => id)).toEqual([bad]);
      expect(await has(contents)).toEqual([good, null]);
    });

    it('sweep: a chunk in quarantine that is not in use → gone from there, too', async () => {
      const [bad = ''] = await put([chunk(noise(5000, 1))]);
      tamper(bad, 'flip');
      expect(await asyncCodeOf(() => get([bad]))).toBe('store/corrupt-chunk');
      await sweep(store, [bad]);
      expect(await store.quarantined()).toHaveLength(1);
      expect(await sweep(store, [])).toEqual({ chunks: 1, bytes: 5000 });
      expect(await store.quarantined()).toEqual([]);
    });

    it('figures: chunks, and bytes of content', async () => {
      expect(await store.figures()).toEqual({ chunks: 0, bytes: 0 });
      await put([chunk(new Uint8Array(300)), chunk(noise(50, 1))]);
      expect(await store.figures()).toEqual({ chunks: 2, bytes: 350 });
    });

    it('sweep: chunks that are not marked → gone; the others stay; an id never names other content', async () => {
      const ids = await put(Array.from({ length: 20 }, (_, i) => chunk(noise(1000, i + 1))));
      const live = ids.slice(0, 5);
      expect(await sweep(store, live)).toEqual({ chunks: 15, bytes: 15_000 });
      expect(await get(live)).toHaveLength(5);
      expect(await asyncCodeOf(() => get([ids[19] ?? '']))).toBe('store/missing-chunk');
      expect(await has([chunk(noise(1000, 20))])).toEqual([null]);
      const others = await put(Array.from({ length: 20 }, (_, i) => chunk(noise(1000, i + 100))));
      for (const id of others) expect(ids).not.toContain(id);
      const [again = ''] = await put([chunk(noise(1000, 20))]);
      expect(Buffer.compare((await get([again]))[0] ?? new Uint8Array(0), noise(1000, 20))).toBe(0);
      expect(await sweep(store, [...live, ...others, again])).toEqual({ chunks: 0, bytes: 0 });
    });

    it('sweep: a store of many chunks → all the dead ones, none of the live ones', async () => {
      const ids = await put(
        Array.from({ length: 9000 }, (_, i) => chunk(Uint8Array.of(i & 255, i >>> 8, 1))),
      );
      const live = ids.filter((_, i) => i % 3 === 0);
      expect(await sweep(store, live)).toEqual({ chunks: 6000, bytes: 18_000 });
      expect(await get(live)).toHaveLength(3000);
    });

    it('sweep: chunks that are found, stored or kept under a hold → stay until it is released', async () => {
      const [found, kept = ''] = await put([chunk(noise(10, 1)), chunk(noise(10, 2)), chunk(noise(10, 3))]);
      const hold = await store.hold();
      expect(await store.hasMany(hold, [chunk(noise(10, 1)).hash])).toEqual([found]);
      await store.keepMany(hold, refs([kept]));
      const [stored = ''] = await putUnder(hold, [chunk(noise(10, 4))]);
      expect(await sweep(store, [])).toEqual({ chunks: 1, bytes: 10 });
      expect(await get([found ?? '', kept, stored])).toHaveLength(3);
      await store.release(hold);
      await store.release(hold);
      expect(await sweep(store, [])).toEqual({ chunks: 3, bytes: 30 });
    });

    it('sweep: a chunk that two hold → stays until both have released it', async () => {
      const [one, other] = [await store.hold(), await store.hold()];
      await putUnder(one, [chunk(noise(10, 1))]);
      await putUnder(other, [chunk(noise(10, 1))]);
      await store.release(one);
      expect(await sweep(store, [])).toEqual({ chunks: 0, bytes: 0 });
      await store.release(other);
      expect(await sweep(store, [])).toEqual({ chunks: 1, bytes: 10 });
    });

    it('sweep: a chunk that was held when it began, or came after → stays, whoever has released it', async () => {
      const before = await store.hold();
      const [early = ''] = await putUnder(before, [chunk(noise(10, 1))]);
      await put([chunk(noise(10, 9))]);
      const id = await store.beginSweep();
      await store.release(before);
      const [late = ''] = await put([chunk(noise(10, 2))]);
      expect(await store.endSweep(id)).toEqual({ chunks: 1, bytes: 10 });
      expect(await get([early, late])).toHaveLength(2);
      expect(await sweep(store, [])).toEqual({ chunks: 2, bytes: 20 });
    });

    it('sweep: one that is never ended → removes nothing; the next one begins afresh, and voids it', async () => {
      const [first = '', second = ''] = await put([chunk(noise(10, 1)), chunk(noise(10, 2))]);
      const abandoned = await store.beginSweep();
      await store.mark(abandoned, [first]);
      const next = await store.beginSweep();
      expect(await asyncCodeOf(() => store.mark(abandoned, [first]))).toBe('store/stale-sweep');
      expect(await asyncCodeOf(() => store.endSweep(abandoned))).toBe('store/stale-sweep');
      await store.mark(next, [second, 'no id']);
      expect(await store.endSweep(next)).toEqual({ chunks: 1, bytes: 10 });
      expect(await asyncCodeOf(() => store.endSweep(next))).toBe('store/stale-sweep');
      expect(await get([second])).toHaveLength(1);
    });
  });
}
