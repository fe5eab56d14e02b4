/** What every VmcoreStore must do, in this thread or in another. */

import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { arraySource, concatBytes } from '../../../src/base/bytes.ts';
import { checkDump } from '../../../src/vmcore/reader/index.ts';
import type { ByteSpan, StoredVmcore, VmcoreStore } from '../../../src/vmcore/store/index.ts';
import { asyncCodeOf } from '../../synth/mutate.ts';
import { elfDump, flatten, kdumpDump, MACHINE } from '../../synth/vmcore.ts';
import { noise } from './page-store-contract.ts';

const SHA = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** 300,000 bytes that are new, 200,000 zeros, the first 131,072 again. */
const SAMPLE = concatBytes([
  noise(300_000, 3),
  new Uint8Array(200_000),
  noise(300_000, 3).subarray(0, 131_072),
]);

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(store: VmcoreStore, id: string, span?: ByteSpan): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of store.readVmcore(id, span)) parts.push(part);
  return concatBytes(parts);
}

export type OpenedVmcores = {
  readonly store: VmcoreStore;
  /** Changes what is stored of the chunk with this hash. */
  readonly tamper: (hash: Uint8Array) => void;
};

export function vmcoreStoreContract(name: string, open: () => Promise<OpenedVmcores>): void {
  describe(`VmcoreStore: ${name}`, () => {
    let store: VmcoreStore;
    let tamper: OpenedVmcores['tamper'];
    // One store for all: a worker takes its time to start. Each test leaves it empty.
    beforeAll(async () => {
      ({ store, tamper } = await open());
    });
    afterEach(async () => {
      await store.retain(new Set());
    });
    afterAll(() => store.close());

    it.each([1, 0xffff, 0x10000, 0x10001, 128 * 65536, 128 * 65536 + 1])(
      'writeVmcore, readVmcore: %i bytes → the same, with their SHA-256',
      async (length) => {
        const bytes = noise(length, 9);
        const stored = await store.writeVmcore(arraySource(bytes));
        expect(stored).toMatchObject({ bytes: length, sha256: SHA(bytes), newBytes: length });
        expect(await store.describe(stored.manifestId)).toEqual({
          id: stored.manifestId,
          bytes: length,
          sha256: SHA(bytes),
          chunkBytes: 65536,
        });
        expect(Buffer.compare(await readAll(store, stored.manifestId), bytes)).toBe(0);
        await store.verify(stored.manifestId);
      },
    );

    /** What is stored is what lies in `whole` of the first `length` bytes, as if it had been written in one piece. */
    const expectSame = async (stored: StoredVmcore, whole: Uint8Array): Promise<void> => {
      const again = await store.writeVmcore(arraySource(whole));
      const { manifestId, newBytes: _, ...rest } = again;
      expect(stored).toMatchObject(rest);
      expect(Buffer.compare(await readAll(store, stored.manifestId), whole)).toBe(0);
      expect(again.newBytes).toBe(0);
      await store.verify(manifestId);
    };
    /** A part of its own: it is handed over. */
    const part = (whole: Uint8Array, chunk: number, chunks: number) => ({
      offset: chunk * 65536,
      bytes: whole.slice(chunk * 65536, (chunk + chunks) * 65536),
    });

    it.each([SAMPLE.length, 5 * 65536, 65536, 1000, 0])(
      'beginVmcore: parts in any order, some twice, some never, and a length of %i → as written in one piece',
      async (length) => {
        const draft = await store.beginVmcore();
        await draft.put([part(SAMPLE, 3, 99)]);
        await draft.put([part(noise(SAMPLE.length, 8), 0, 3), part(SAMPLE, 1, 1)]);
        await draft.put([part(SAMPLE, 0, 3)]);
        const stored = await draft.finish(length);
        expect(stored.bytes).toBe(length);
        await expectSame(stored, SAMPLE.slice(0, length));
      },
    );

    it('beginVmcore: what never came is zeros, also behind the last part', async () => {
      const whole = new Uint8Array(9 * 65536 + 512);
      whole.set(noise(65536, 4), 4 * 65536);
      const draft = await store.beginVmcore();
      await draft.put([part(whole, 4, 1)]);
      await expectSame(await draft.finish(whole.length), whole);
    });

    it('beginVmcore: what was hashed already comes again, and what was thought to be a hole → hashed as it is at the end', async () => {
      const whole = new Uint8Array(1100 * 65536);
      for (const chunk of [0, 2, 300, 513, 1099]) whole.set(noise(65536, chunk), chunk * 65536);
      const draft = await store.beginVmcore();
      await draft.put([part(noise(3 * 65536, 77), 0, 3), part(whole, 1099, 1)]);
      await draft.put([part(whole, 513, 1)]);
      await draft.put([part(whole, 0, 3)]);
      await draft.put([part(whole, 300, 1)]);
      const stored = await draft.finish(whole.length);
      expect(stored.sha256).toBe(SHA(whole));
      await store.verify(stored.manifestId);
      expect(Buffer.compare(await readAll(store, stored.manifestId), whole)).toBe(0);
    });

    it('beginVmcore: written once, of any length → no chunk that it does not have', async () => {
      for (const length of [5 * 65536, 5 * 65536 + 1000, 1000]) {
        const draft = await store.beginVmcore();
        const whole = noise(length, length);
        const chunks = Math.ceil(length / 65536);
        for (let chunk = 0; chunk < chunks; chunk++) await draft.put([part(whole, chunk, 1)]);
        const { manifestId, newBytes } = await draft.finish(length);
        expect(newBytes).toBe(length);
        expect(await store.retain(new Set([manifestId]))).toEqual({ chunks: 0, bytes: 0 });
        await store.retain(new Set());
      }
    });

    it('beginVmcore: its chunks outlive a sweep until it is over; abandoned → they go', async () => {
      const draft = await store.beginVmcore();
      await draft.put([part(SAMPLE, 0, 3)]);
      expect(await store.retain(new Set())).toEqual({ chunks: 0, bytes: 0 });
      await draft.abandon();
      await draft.abandon();
      expect(await store.retain(new Set())).toEqual({ chunks: 2, bytes: 2 * 65536 });
    });

    it('beginVmcore: a chunk that is damaged meanwhile → no vmcore', async () => {
      const draft = await store.beginVmcore();
      await draft.put([part(SAMPLE, 0, 3)]);
      tamper(createHash('sha256').update(SAMPLE.subarray(65536, 131072)).digest());
      expect(await asyncCodeOf(() => draft.finish(3 * 65536))).toBe('store/corrupt-chunk');
      await draft.abandon();
      expect(await store.list()).toEqual([]);
    });

    it('writeVmcore: no bytes → an empty vmcore', async () => {
      const { manifestId, sha256 } = await store.writeVmcore(inPieces(new Uint8Array(0), 1));
      expect(sha256).toBe(SHA(new Uint8Array(0)));
      expect(await readAll(store, manifestId)).toHaveLength(0);
    });

    it.each([1000, 65536, 1 << 20])(
      'writeVmcore: an async source in pieces of %i → the same vmcore',
      async (size) => {
        const stored = await store.writeVmcore(inPieces(SAMPLE, size), SAMPLE.length);
        expect(stored.sha256).toBe(SHA(SAMPLE));
        expect(stored.newBytes).toBeLessThan(SAMPLE.length);
      },
    );

    it('writeVmcore: a length below the source → that many bytes', async () => {
      const { manifestId, bytes } = await store.writeVmcore(inPieces(SAMPLE, 4096), 100_001);
      expect(bytes).toBe(100_001);
      expect(Buffer.compare(await readAll(store, manifestId), SAMPLE.subarray(0, 100_001))).toBe(0);
      expect((await store.writeVmcore(arraySource(SAMPLE), 100_001)).newBytes).toBe(0);
    });

    it('writeVmcore: a source that ends early → store/short-source, and nothing is listed', async () => {
      // Longer than what is stored in one transaction: some of it is in the store when the source ends.
      const long = noise(9 << 20, 4);
      expect(await asyncCodeOf(() => store.writeVmcore(inPieces(long, 1 << 20), long.length + 1))).toBe(
        'store/short-source',
      );
      expect(await store.list()).toEqual([]);
      expect((await store.retain(new Set())).chunks).toBeGreaterThan(0);
    });

    it('writeVmcore: a source that throws → its error, and the store goes on', async () => {
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield SAMPLE.subarray(0, 70_000);
        throw new Error('the guest went away');
      }
      await expect(store.writeVmcore(broken())).rejects.toThrow('the guest went away');
      expect(await store.list()).toEqual([]);
      expect((await store.writeVmcore(arraySource(SAMPLE))).sha256).toBe(SHA(SAMPLE));
    });

    it('writeVmcore: the same vmcore again → nothing new stored', async () => {
      const first = await store.writeVmcore(arraySource(SAMPLE));
      const second = await store.writeVmcore(arraySource(SAMPLE));
      expect(second).toMatchObject({ sha256: first.sha256, newBytes: 0 });
      expect(second.manifestId).not.toBe(first.manifestId);
      expect((await store.list()).map(({ id }) => id)).toEqual([first.manifestId, second.manifestId]);
    });

    it('writeVmcore: four at once → each is right', async () => {
      const contents = [1, 2, 3, 4].map((seed) => concatBytes([noise(200_000, seed), SAMPLE]));
      const stored = await Promise.all(
        contents.map((bytes) => store.writeVmcore(inPieces(bytes, 50_000), bytes.length)),
      );
      for (const [i, bytes] of contents.entries()) {
        expect(stored[i]?.sha256).toBe(SHA(bytes));
        expect(Buffer.compare(await readAll(store, stored[i]?.manifestId ?? ''), bytes)).toBe(0);
      }
    });

    it.each([
      [0, 0],
      [0, 1],
      [65_535, 65_537],
      [100_000, 500_000],
      [SAMPLE.length - 1, SAMPLE.length],
      [0, SAMPLE.length],
    ])('readVmcore: bytes %i to %i → those bytes', async (start, end) => {
      const { manifestId } = await store.writeVmcore(arraySource(SAMPLE));
      expect(
        Buffer.compare(await readAll(store, manifestId, { start, end }), SAMPLE.subarray(start, end)),
      ).toBe(0);
    });

    it.each([
      [-1, 5],
      [5, 4],
      [0, SAMPLE.length + 1],
      [0.5, 2],
    ])('readVmcore: bytes %d to %d → store/bad-range', async (start, end) => {
      const { manifestId } = await store.writeVmcore(arraySource(SAMPLE));
      expect(await asyncCodeOf(() => readAll(store, manifestId, { start, end }))).toBe('store/bad-range');
    });

    it('readVmcore: left early → the store goes on', async () => {
      const { manifestId } = await store.writeVmcore(arraySource(noise(5 << 20, 7)));
      for await (const piece of store.readVmcore(manifestId)) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
      await store.verify(manifestId);
    });

    it('delete: of two that share chunks → the other is whole, and only its own chunks are left', async () => {
      const first = await store.writeVmcore(arraySource(SAMPLE));
      const other = concatBytes([SAMPLE, noise(65_536, 77)]);
      const second = await store.writeVmcore(arraySource(other));
      const swept = await store.delete(first.manifestId);
      // The tail of SAMPLE fills no chunk: it is the only chunk that the longer one does not share.
      expect(swept.chunks).toBe(1);
      await store.verify(second.manifestId);
      expect(await asyncCodeOf(() => store.describe(first.manifestId))).toBe('store/unknown-manifest');
      await store.delete(second.manifestId);
      expect(await store.list()).toEqual([]);
      expect((await store.writeVmcore(arraySource(SAMPLE))).newBytes).toBe(first.newBytes);
    });

    it('delete: while it is read → the reader gets all of it', async () => {
      const bytes = noise(5 << 20, 8);
      const { manifestId } = await store.writeVmcore(arraySource(bytes));
      const parts: Uint8Array[] = [];
      for await (const piece of store.readVmcore(manifestId)) {
        if (parts.length === 0) await store.delete(manifestId);
        parts.push(piece);
      }
      expect(Buffer.compare(concatBytes(parts), bytes)).toBe(0);
      expect((await store.retain(new Set())).bytes).toBe(bytes.length);
    });

    it('delete, writeVmcore: vmcores that share chunks come and go at once → each that is left is whole', async () => {
      const shared = noise(400_000, 21);
      const kept: string[] = [];
      for (let round = 0; round < 6; round++) {
        const old = await store.writeVmcore(inPieces(shared, 65_536));
        const [written] = await Promise.all([
          store.writeVmcore(inPieces(concatBytes([shared, noise(1000, round + 50)]), 10_000)),
          store.delete(old.manifestId),
        ]);
        kept.push(written.manifestId);
      }
      for (const id of kept) await store.verify(id);
      expect((await store.list()).map(({ id }) => id)).toEqual(kept);
    });

    it('readVmcore: a chunk that changed in the store → the pieces before it, then store/corrupt-chunk; ranges without it are served', async () => {
      const bytes = noise(3 << 20, 31);
      const { manifestId } = await store.writeVmcore(arraySource(bytes));
      const bad = bytes.subarray(40 * 65_536, 41 * 65_536);
      tamper(createHash('sha256').update(bad).digest());
      let read = 0;
      const reading = async (): Promise<void> => {
        for await (const piece of store.readVmcore(manifestId)) {
          expect(Buffer.compare(piece, bytes.subarray(read, read + piece.length))).toBe(0);
          read += piece.length;
        }
      };
      expect(await asyncCodeOf(reading)).toBe('store/corrupt-chunk');
      expect(read).toBeLessThanOrEqual(40 * 65_536);
      expect(await readAll(store, manifestId, { start: 0, end: 40 * 65_536 })).toHaveLength(40 * 65_536);
      expect(await asyncCodeOf(() => store.verify(manifestId))).toBe('store/corrupt-chunk');
      expect(await store.damage()).toEqual([
        { manifestId, chunks: 1, reason: '1 of its 48 chunks of 64 KiB is damaged' },
      ]);
      expect(await store.figures()).toEqual({
        chunks: 48,
        bytes: 3 << 20,
        vmcores: 1,
        vmcoreBytes: 3 << 20,
        quarantined: 1,
      });
    });

    it.each(['unnoticed', 'noticed'])(
      'writeVmcore: content whose chunk in the store is damaged, %s → stored, and every vmcore that shares it is whole again',
      async (how) => {
        const bytes = noise(600_000, 32);
        const first = await store.writeVmcore(arraySource(bytes));
        tamper(createHash('sha256').update(bytes.subarray(65_536, 131_072)).digest());
        if (how === 'noticed') {
          expect(await asyncCodeOf(() => store.verify(first.manifestId))).toBe('store/corrupt-chunk');
          expect(await store.damage()).toHaveLength(1);
        }
        const second = await store.writeVmcore(arraySource(concatBytes([bytes, noise(10, 1)])));
        expect(second.sha256).toBe(SHA(concatBytes([bytes, noise(10, 1)])));
        await store.verify(second.manifestId);
        await store.verify(first.manifestId);
        expect(Buffer.compare(await readAll(store, first.manifestId), bytes)).toBe(0);
        expect(await store.damage()).toEqual([]);
      },
    );

    it('retain: a vmcore that is to be kept is missing → nothing is swept', async () => {
      const { manifestId } = await store.writeVmcore(arraySource(noise(1000, 1)));
      expect(await store.retain(new Set(['gone']))).toMatchObject({
        chunks: 0,
        heldBack: expect.stringContaining('gone'),
      });
      expect(await store.list()).toEqual([]);
      expect(await store.retain(new Set())).toEqual({ chunks: 1, bytes: 1000 });
      expect(await asyncCodeOf(() => store.describe(manifestId))).toBe('store/unknown-manifest');
    });

    it('retain: ids to keep → all others are gone', async () => {
      const ids: string[] = [];
      for (const seed of [1, 2, 3])
        ids.push((await store.writeVmcore(arraySource(noise(1000, seed)))).manifestId);
      expect(await store.retain(new Set([ids[1] ?? '']))).toEqual({ chunks: 2, bytes: 2000 });
      expect((await store.list()).map(({ id }) => id)).toEqual([ids[1]]);
    });

    it('unknown ids → store/unknown-manifest from every method', async () => {
      for (const ask of [
        () => store.describe('99'),
        () => readAll(store, '99'),
        () => store.delete('99'),
        () => store.verify('99'),
        () => store.checkVmcore('99'),
      ]) {
        expect(await asyncCodeOf(ask)).toBe('store/unknown-manifest');
      }
    });

    it('checkVmcore: dumps of every format, and no dump → as checkDump judges the bytes', async () => {
      for (const bytes of [
        elfDump(),
        kdumpDump({ ...MACHINE, pageSize: 65536 }, 'zstd'),
        flatten(kdumpDump()),
        elfDump().subarray(0, 9000),
        SAMPLE,
      ]) {
        const { manifestId } = await store.writeVmcore(arraySource(bytes));
        expect(await store.checkVmcore(manifestId)).toEqual(checkDump(arraySource(bytes)));
      }
    });
  });
}
