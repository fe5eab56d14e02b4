/**
 * Single bits of both databases change at random places. For each: what is read is what was written or an error of ours; whatever
 * cannot be read any more is found by a verification; content of chunks is whole again after a capture with the same bytes.
 * 60 places; with KDUMPD_LONG=1 200 more. KDUMPD_FLIP_SEED repeats a run.
 */

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arraySource } from '../../../src/base/bytes.ts';
import { repairStore, verifyStore } from '../../../src/panic/store/index.ts';
import { openLocalVmcoreStore } from '../../../src/vmcore/store/index.ts';
import { type Flip, flipBit, randomFlip } from '../../support/flip.ts';
import { itLong } from '../../support/long.ts';
import { contents, pathsIn, readStores, writeStores } from './stored-world.ts';

const SEED = Number(process.env.KDUMPD_FLIP_SEED ?? 20_240_101);

type Tally = { harmless: number; read: number; verified: number; healed: number; repaired: number };

describe('a bit of the store that changes', () => {
  let dir = '';
  let truth: ReadonlyMap<string, string> = new Map();
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'kdumpd-flip-'));
    await writeStores(pathsIn(dir));
    const before = copyOf(dir, 'truth');
    truth = await readStores(pathsIn(before));
    const { report } = await verifyStore(pathsIn(before));
    expect(report.damage).toEqual([]);
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  const run = async (count: number, seed: number): Promise<Tally> => {
    const random = generator(seed);
    const tally: Tally = { harmless: 0, read: 0, verified: 0, healed: 0, repaired: 0 };
    for (let n = 0; n < count; n++) {
      const folder = copyOf(dir, `flip-${seed}-${n}`);
      // In turn: the database of dumps is the larger one by far.
      const { chunks, metadata } = pathsIn(folder);
      const flip = randomFlip([n % 2 === 0 ? chunks : metadata], random);
      flipBit(flip);
      await judge(folder, flip, tally);
      rmSync(folder, { recursive: true });
    }
    process.stderr.write(`flipped bits (seed ${seed}): ${count} ${JSON.stringify(tally)}\n`);
    return tally;
  };

  const judge = async (folder: string, flip: Flip, tally: Tally): Promise<void> => {
    const paths = pathsIn(folder);
    const where = `bit ${flip.bit} of byte ${flip.offset} of ${basename(flip.file)}`;
    // Verified before anything writes: a store that is opened may write.
    const { report } = await verifyStore(paths);
    const read = await readStores(paths);
    const lost = [...truth].filter(([name, value]) => read.get(name) !== value);
    const isList = (name: string): boolean =>
      ['vmcores', 'metadata', 'partitions', 'captures', 'operations', 'firings'].includes(name);
    for (const [name] of lost) {
      // A list may leave out what is damaged; anything else is what was written, or an error.
      const value = read.get(name);
      const isAbsent = value === undefined || value === ABSENT;
      if (!isList(name) && !isAbsent) expect(value, `${where}: ${name}`).toMatch(/^error /);
    }
    if (lost.length === 0) {
      tally.harmless += 1;
      return;
    }
    expect(report.damage, `${where}: ${lost.map(([name]) => name).join(', ')}`).not.toEqual([]);
    tally.verified += 1;
    if ([...read.values()].some((value) => value.startsWith('error'))) tally.read += 1;
    if (report.damage.every(({ kind }) => kind === 'chunk')) {
      await storeAgain(folder);
      const after = await readStores(paths);
      expect(
        [...truth].filter(([name, value]) => after.get(name) !== value),
        `${where}: after a capture`,
      ).toEqual([]);
      expect((await verifyStore(paths)).report.damage, `${where}: after a capture`).toEqual([]);
      tally.healed += 1;
    } else if ((await repairStore(paths)).report.damage.length === 0) {
      const after = await readStores(paths);
      expect(
        [...truth].filter(([name, value]) => after.get(name) !== value),
        `${where}: repaired`,
      ).toEqual([]);
      tally.repaired += 1;
    }
  };

  it('60 random places → never given as good, found by a verification, healed by a capture with the same content', async () => {
    const { harmless, healed, verified } = await run(60, SEED);
    expect(harmless + verified).toBe(60);
    expect(healed).toBeGreaterThan(0);
  }, 300_000);

  itLong(
    '200 more',
    async () => {
      const { harmless, verified } = await run(200, SEED + 1);
      expect(harmless + verified).toBe(200);
    },
    1_800_000,
  );
});

/** What a read gives that finds nothing. */
const ABSENT = '74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b';

async function storeAgain(folder: string): Promise<void> {
  const vmcores = openLocalVmcoreStore(pathsIn(folder).chunks);
  for (const bytes of contents()) {
    const { manifestId } = await vmcores.writeVmcore(arraySource(bytes));
    await vmcores.delete(manifestId);
  }
  await vmcores.close();
}

function copyOf(folder: string, name: string): string {
  const copy = join(folder, name);
  for (const file of Object.values(pathsIn(folder))) cpSync(file, join(copy, basename(file)));
  return copy;
}

function generator(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
