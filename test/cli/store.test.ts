/** `kdumpd store` as a process: what it prints and how it ends. */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StoreReport } from '../../src/panic/contract/index.ts';
import { pathsIn, writeStores } from '../panic/store/stored-world.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const MINUTE = 60_000;

type Ended = { readonly code: number; readonly out: string; readonly err: string };

let dir = '';
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'kdumpd-cli-store-'));
  await writeStores(pathsIn(dir));
});
afterAll(() => rmSync(dir, { recursive: true }));

function kdumpd(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'store', ...args], (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

it(
  'store verify, repair: whole → 0; damaged → 1 and what it affects; repaired → 0; no data folder → 2',
  async () => {
    const whole = await kdumpd('verify', '--data', dir);
    expect(whole).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^3 vmcores.*\nno damage was found\n$/),
    });
    const db = new BetterSqlite3(pathsIn(dir).chunks);
    db.exec('UPDATE manifest SET bytes = bytes + 1048576 WHERE id = 2');
    db.close();
    const json = await kdumpd('verify', '--json', '--data', dir);
    expect(json.code).toBe(1);
    expect((JSON.parse(json.out) as StoreReport).damage).toMatchObject([
      { kind: 'manifest', id: '2', captures: ['c2'] },
    ]);
    const repaired = await kdumpd('repair', '--data', dir);
    expect(repaired).toMatchObject({
      code: 0,
      out: expect.stringContaining('repaired: 1 rows of manifest got a bit back'),
    });
    expect((await kdumpd('verify', '--data', dir)).code).toBe(0);

    mkdirSync(join(dir, 'empty'));
    const none = await kdumpd('verify', '--data', join(dir, 'empty'));
    expect(none).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/is no data folder/) });
  },
  3 * MINUTE,
);
