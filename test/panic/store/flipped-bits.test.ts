/** Bits of the store change: {@link flipTimes}. 60 places; `npm run torture -- flips` does more. KDUMPD_FLIP_SEED repeats a run. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { flipTimes } from './flips.ts';

/** Bytes of a page of both databases. */
const PAGE = 16_384;
const SEED = Number(process.env.KDUMPD_FLIP_SEED ?? 20_240_101);

describe('a bit of the store that changes', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kdumpd-flip-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  it('60 random places → never given as good, found by a verification, healed by a capture with the same content', async () => {
    const wrong: string[] = [];
    const { harmless, found, healed } = await flipTimes(dir, 60, SEED, (where, what) =>
      wrong.push(`${where}: ${what}`),
    );
    expect(wrong).toEqual([]);
    expect(harmless + found).toBe(60);
    expect(healed).toBeGreaterThan(0);
  }, 300_000);

  it('60 places of the first page, where the schema is → likewise', async () => {
    const wrong: string[] = [];
    const folder = join(dir, 'schema');
    mkdirSync(folder);
    const { found } = await flipTimes(
      folder,
      60,
      SEED,
      (where, what) => wrong.push(`${where}: ${what}`),
      PAGE,
    );
    expect(wrong).toEqual([]);
    expect(found).toBeGreaterThan(0);
  }, 300_000);
});
