/** What every ManifestStore must do. A second implementation runs the same suite. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChunkRef, ManifestId, ManifestStore } from '../../../src/vmcore/store/index.ts';
import { asyncCodeOf } from '../../synth/mutate.ts';

export type OpenedManifests = {
  readonly store: ManifestStore;
  /** The Nth chunk as the page store beside it would give it. */
  readonly chunk: (n: number) => ChunkRef;
  /** Changes what is stored of a manifest. */
  readonly tamper: (id: ManifestId) => void;
  readonly close: () => Promise<void>;
};

const SHA = 'ab'.repeat(32);

export function manifestStoreContract(name: string, open: () => Promise<OpenedManifests>): void {
  describe(`ManifestStore: ${name}`, () => {
    let opened: OpenedManifests;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());

    /** A manifest of so many chunks, the last of them one byte long. */
    async function create(chunks: readonly ChunkRef[]): Promise<string> {
      const bytes = chunks.length === 0 ? 0 : (chunks.length - 1) * 65_536 + 1;
      return opened.store.create({ bytes, sha256: SHA, chunkBytes: 65_536 }, chunks);
    }
    const ids = (count: number, from = 1): ChunkRef[] =>
      Array.from({ length: count }, (_, i) => opened.chunk(from + i));
    const plain = (refs: readonly ChunkRef[]): unknown =>
      refs.map(({ id, hash }) => [id, Buffer.from(hash).toString('hex')]);

    it.each([0, 1, 1023, 1024, 1025, 5000])(
      'create, get, chunks: %i chunks → the same in order',
      async (count) => {
        const chunks = ids(count).reverse();
        const id = await create(chunks);
        expect(await opened.store.get(id)).toEqual({
          id,
          bytes: count === 0 ? 0 : (count - 1) * 65_536 + 1,
          sha256: SHA,
          chunkBytes: 65_536,
        });
        expect(plain(await opened.store.chunks(id))).toEqual(plain(chunks));
      },
    );

    it.each([
      [0, 0],
      [0, 1],
      [1023, 1025],
      [1024, 2048],
      [2999, 3000],
      [2999, 9999],
      [4000, 9999],
      [0, 3000],
    ])('chunks: %i to %i of 3000 → those', async (first, end) => {
      const chunks = ids(3000);
      const id = await create(chunks);
      expect(plain(await opened.store.chunks(id, { first, end }))).toEqual(plain(chunks.slice(first, end)));
    });

    it('list: in order of creation; delete: once, and the id is not used again', async () => {
      const [a, b, c] = [await create(ids(1)), await create(ids(2)), await create(ids(3))];
      expect((await opened.store.list()).map(({ id }) => id)).toEqual([a, b, c]);
      expect(await opened.store.delete(c)).toBe(true);
      expect(await opened.store.delete(c)).toBe(false);
      const d = await create(ids(4));
      expect(d).not.toBe(c);
      expect((await opened.store.list()).map(({ id }) => id)).toEqual([a, b, d]);
    });

    it('a manifest that changed in the store → store/corrupt-manifest; not listed, named as damaged, and can be deleted', async () => {
      const [good, bad] = [await create(ids(2)), await create(ids(3))];
      expect(await opened.store.damaged()).toEqual([]);
      opened.tamper(bad);
      expect(await asyncCodeOf(() => opened.store.get(bad))).toBe('store/corrupt-manifest');
      expect(await asyncCodeOf(() => opened.store.chunks(bad))).toBe('store/corrupt-manifest');
      expect((await opened.store.list()).map(({ id }) => id)).toEqual([good]);
      expect(await opened.store.damaged()).toEqual([bad]);
      expect(await opened.store.chunks(good)).toHaveLength(2);
      expect(await opened.store.delete(bad)).toBe(true);
      expect(await opened.store.damaged()).toEqual([]);
    });

    it.each(['99', '', 'no id'])(
      '%j, an id that was never given → null, false, store/unknown-manifest',
      async (id) => {
        expect(await opened.store.get(id)).toBeNull();
        expect(await opened.store.delete(id)).toBe(false);
        expect(await asyncCodeOf(() => opened.store.chunks(id))).toBe('store/unknown-manifest');
      },
    );
  });
}
