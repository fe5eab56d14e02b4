/** The shim itself: faults come where they were asked for, and a power cut loses what was not synchronised, and only that. */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needsProgram } from '../programs.ts';
import { below, seededRandom } from '../seeded-random.ts';
import type { Fault } from './control.ts';
import { Disk, NOTHING_LEFT } from './disk.ts';
import { type JournalRecord, readJournal } from './journal.ts';
import { countRecords, cutPower, randomCut, writeImage } from './power-loss.ts';
import { type ShimmedFolder, shimFolder } from './shim.ts';

const COUNT = join(import.meta.dirname, 'programs', 'count-in-sqlite.ts');

let work = '';
let data = '';
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'kdumpd-shim-test-'));
  data = join(work, 'data');
  mkdirSync(data);
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

/** Runs lines of JavaScript with `fs` and `data` under the shim. @returns what they print */
function run(shim: ShimmedFolder, lines: string): string {
  const program = `const fs = require('node:fs'); const data = ${JSON.stringify(shim.folder)}; ${lines}`;
  return execFileSync(process.execPath, ['-e', program], {
    env: { ...process.env, ...shim.env },
    encoding: 'utf8',
  });
}

/** Every file below a folder, with its content. */
function contents(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path), entry.isFile() ? readFileSync(path, 'latin1') : 'no file'];
    }),
  );
}

describe('faults', () => {
  const tried = `const out = []; for (let i = 0; i < 5; i++)
    try { fs.writeFileSync(data + '/file-' + i, 'x'); out.push('good') } catch (e) { out.push(e.code) }
    console.log(out.join(' '))`;
  const cases: readonly (Fault & { readonly expected: string })[] = [
    { error: 'ENOSPC', calls: ['write'], at: 3, onwards: false, expected: 'good good ENOSPC good good' },
    { error: 'EIO', calls: ['write'], at: 3, onwards: true, expected: 'good good EIO EIO EIO' },
    { error: 'ENOSPC', calls: ['create'], at: 5, onwards: true, expected: 'good good good good ENOSPC' },
    {
      error: 'EROFS',
      calls: ['create', 'write'],
      at: 2,
      onwards: false,
      expected: 'EROFS good good good good',
    },
    {
      error: 'EIO',
      calls: ['write'],
      at: 1,
      onwards: true,
      path: 'file-2',
      expected: 'good good EIO good good',
    },
  ];
  it.each(cases)(
    '$error of $calls from call $at, onwards: $onwards → $expected',
    ({ expected, ...fault }) => {
      needsProgram('gcc');
      const shim = shimFolder(data, join(work, 'own'), false);
      shim.control.arm(fault);
      expect(run(shim, tried).trim()).toBe(expected);
      const failed = expected.split(' ').filter((each) => each !== 'good').length;
      expect(shim.control.injected()).toMatchObject({
        failed,
        last: { path: expect.stringContaining(data) },
      });
    },
  );

  it('disarmed while the program runs → its next call is good', () => {
    needsProgram('gcc');
    const shim = shimFolder(data, join(work, 'own'), false);
    shim.control.arm({ error: 'ENOSPC', calls: ['write', 'sync'], at: 1, onwards: true });
    const lines = `const at = fs.openSync(data + '/a', 'w'); const out = [];
      const say = () => { try { fs.writeSync(at, 'x'); fs.fsyncSync(at); out.push('good') } catch (e) { out.push(e.code + ' ' + e.syscall) } };
      say(); const control = fs.openSync(${JSON.stringify(shim.control.path)}, 'r+'); fs.writeSync(control, Buffer.alloc(4), 0, 4, 12); say();
      console.log(out.join())`;
    expect(run(shim, lines).trim()).toBe('ENOSPC write,good');
  });

  it('reads, renames and files outside → as asked for', () => {
    needsProgram('gcc');
    writeFileSync(join(data, 'a'), 'content');
    const shim = shimFolder(data, join(work, 'own'), false);
    const lines = `const out = []; const attempt = (work) => { try { work(); out.push('good') } catch (e) { out.push(e.code) } };
      attempt(() => fs.readFileSync(data + '/a')); attempt(() => fs.renameSync(data + '/a', data + '/b'));
      attempt(() => fs.mkdirSync(data + '/c')); attempt(() => fs.writeFileSync(data + '/../outside', 'x')); console.log(out.join())`;
    shim.control.arm({ error: 'EIO', calls: ['read', 'names'], at: 1, onwards: true });
    expect(run(shim, lines).trim()).toBe('EIO,EIO,EIO,good');
  });
});

describe('the journal', () => {
  it('every way to change a file → played back, the folder as it is', () => {
    needsProgram('gcc');
    writeFileSync(join(data, 'old'), 'was there');
    const shim = shimFolder(data, join(work, 'own'), true);
    const disk = new Disk(shim.folder);
    run(
      shim,
      `fs.mkdirSync(data + '/sub/deep', { recursive: true });
       fs.writeFileSync(data + '/sub/a', Buffer.alloc(100000, 1));
       const at = fs.openSync(data + '/sub/a', 'r+'); fs.writeSync(at, 'pwrite', 50);
       fs.writevSync(at, [Buffer.from('one'), Buffer.from('two')], 99990); fs.ftruncateSync(at, 99994);
       fs.renameSync(data + '/sub', data + '/moved'); fs.writeSync(at, 'after the move', 10); fs.closeSync(at);
       fs.appendFileSync(data + '/old', ', and more'); fs.truncateSync(data + '/old', 12);
       fs.writeFileSync(data + '/gone', 'x'); fs.unlinkSync(data + '/gone');
       fs.linkSync(data + '/old', data + '/again'); fs.symlinkSync('old', data + '/link');
       fs.mkdirSync(data + '/empty'); fs.rmdirSync(data + '/empty');
       const hidden = fs.openSync(data + '/hidden', 'w+'); fs.unlinkSync(data + '/hidden'); fs.writeSync(hidden, 'scratch');
       fs.mkdirSync(data + '/tree/x', { recursive: true }); fs.writeFileSync(data + '/tree/x/y', 'z'); fs.rmSync(data + '/tree', { recursive: true });
       process.chdir(data); fs.writeFileSync('relative', 'r'); fs.writeFileSync('old', 'anew');`,
    );
    for (const record of readJournal(shim.journal ?? '')) disk.apply(record);
    const all = { sectors: 1.1, names: 1.1, sectorBytes: 512 } as const;
    writeImage(disk.cut(all, seededRandom(1)), join(work, 'copy'));
    expect(contents(join(work, 'copy'))).toEqual(contents(shim.folder));
    expect(readdirSync(join(work, 'copy')).sort()).toEqual(['again', 'link', 'moved', 'old', 'relative']);
    // Nothing of it was synchronised.
    writeImage(disk.cut(NOTHING_LEFT, seededRandom(1)), join(work, 'nothing'));
    expect(readdirSync(join(work, 'nothing'))).toEqual(['old']);
    expect(readFileSync(join(work, 'nothing', 'old'), 'utf8')).toBe('was there');
  });

  it('a change that it cannot hold → reading it fails', () => {
    needsProgram('gcc');
    writeFileSync(join(data, 'a'), Buffer.alloc(10_000));
    const shim = shimFolder(data, join(work, 'own'), true);
    run(shim, `fs.copyFileSync(data + '/a', data + '/b')`);
    expect(() => [...readJournal(shim.journal ?? '')]).toThrow('in a way that the journal cannot hold');
  });

  it('a last record that is not whole → left out', () => {
    needsProgram('gcc');
    const shim = shimFolder(data, join(work, 'own'), true);
    run(shim, `fs.writeFileSync(data + '/a', 'content')`);
    const journal = shim.journal ?? '';
    const whole = readFileSync(journal);
    expect([...readJournal(journal)].map(({ kind }) => kind)).toEqual(['create', 'write']);
    writeFileSync(journal, whole.subarray(0, -1));
    expect([...readJournal(journal)].map(({ kind }) => kind)).toEqual(['create']);
  });
});

describe('Disk', () => {
  const record = (
    kind: JournalRecord['kind'],
    path: string,
    rest: Partial<JournalRecord> = {},
  ): JournalRecord => ({
    kind,
    path: path === '' ? data : join(data, path),
    other: rest.other === undefined ? '' : join(data, rest.other),
    offset: rest.offset ?? 0,
    data: rest.data ?? new Uint8Array(0),
  });
  const write = (path: string, text: string): JournalRecord =>
    record('write', path, { data: new TextEncoder().encode(text) });
  const left = (records: readonly JournalRecord[]): Record<string, string> => {
    const disk = new Disk(data);
    for (const each of records) disk.apply(each);
    const { files } = disk.cut(NOTHING_LEFT, seededRandom(1));
    return Object.fromEntries([...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]));
  };

  it('a new file → there with its content when both it and its folder were synchronised', () => {
    const made = [record('create', 'a'), write('a', 'text')];
    expect(left(made)).toEqual({});
    expect(left([...made, record('sync', 'a')])).toEqual({});
    expect(left([...made, record('sync', '')])).toEqual({ a: '' });
    expect(left([...made, record('sync', 'a'), record('sync', '')])).toEqual({ a: 'text' });
    expect(left([...made, record('sync', 'a'), record('sync', ''), write('a', 'lost')])).toEqual({
      a: 'text',
    });
  });

  it('a rename → undone until one of its folders is synchronised, then whole', () => {
    writeFileSync(join(data, 'new'), 'new');
    writeFileSync(join(data, 'target'), 'old');
    const renamed = [record('rename', 'new', { other: 'target' })];
    expect(left(renamed)).toEqual({ new: 'new', target: 'old' });
    expect(left([...renamed, record('sync', '')])).toEqual({ target: 'new' });
  });

  it('an unlink → undone until its folder is synchronised', () => {
    writeFileSync(join(data, 'a'), 'a');
    expect(left([record('unlink', 'a')])).toEqual({ a: 'a' });
    expect(left([record('unlink', 'a'), record('sync', '')])).toEqual({});
  });

  it('a folder that was moved with a file in it → its names are those of its own last fsync', () => {
    const made = [
      record('mkdir', 'work'),
      record('create', 'work/a'),
      write('work/a', 'a'),
      record('sync', 'work/a'),
    ];
    const moved = [...made, record('rename', 'work', { other: 'done' })];
    expect(left([...moved, record('sync', '')])).toEqual({});
    expect(left([...made, record('sync', 'work'), ...moved.slice(-1), record('sync', '')])).toEqual({
      'done/a': 'a',
    });
  });

  it('some sectors → each old or new, whole', () => {
    writeFileSync(join(data, 'a'), Buffer.alloc(8192, 1));
    const disk = new Disk(data);
    disk.apply(record('write', 'a', { offset: 100, data: new Uint8Array(8000).fill(2) }));
    const { files } = disk.cut({ sectors: 0.5, names: 0, sectorBytes: 512 }, seededRandom(3));
    const bytes = files.get('a') ?? new Uint8Array(0);
    const kinds = Array.from(
      { length: 16 },
      (_, i) => new Set(bytes.subarray(Math.max(100, i * 512), Math.min(8100, i * 512 + 512))),
    );
    expect(kinds.every((kind) => kind.size === 1)).toBe(true);
    expect(new Set(kinds.map((kind) => [...kind][0]))).toEqual(new Set([1, 2]));
  });
});

describe('power loss', () => {
  /** Runs the counter with a setting and cuts the power at random points. */
  function losses(synchronous: string): {
    readonly lost: number;
    readonly damaged: number;
    readonly cuts: number;
  } {
    const shim = shimFolder(data, join(work, 'own'), true);
    const disk = new Disk(shim.folder);
    const { status, stderr } = spawnSync(
      process.execPath,
      [COUNT, join(shim.folder, 'count.db'), synchronous, '60'],
      {
        env: { ...process.env, ...shim.env },
        encoding: 'utf8',
      },
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const journal = shim.journal ?? '';
    const random = seededRandom(7);
    const records = countRecords(journal);
    const points = Array.from({ length: 60 }, () => below(random, records + 1)).sort((a, b) => a - b);
    let [lost, damaged] = [0, 0];
    for (const { image, marks } of cutPower(disk, journal, points, () => randomCut(random), random)) {
      const folder = join(work, 'after');
      writeImage(image, folder);
      const committed = Number(marks.at(-1) ?? 0);
      const seen = countedIn(join(folder, 'count.db'));
      if (seen === undefined) damaged += 1;
      else if (seen < committed) lost += 1;
    }
    return { lost, damaged, cuts: points.length };
  }

  /** How far the counter came, with no row missing; undefined: the database is damaged. */
  function countedIn(path: string): number | undefined {
    if (!existsSync(path)) return 0;
    const db = new BetterSqlite3(path);
    try {
      if (db.pragma('integrity_check', { simple: true }) !== 'ok') return undefined;
      if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'counted'").get() === undefined) return 0;
      const row = db
        .prepare<[], { n: number; last: number | null }>('SELECT count(*) AS n, max(n) AS last FROM counted')
        .get();
      return row?.n === (row?.last ?? 0) ? row?.n : undefined;
    } catch (error) {
      if (error instanceof BetterSqlite3.SqliteError) return undefined;
      throw error;
    } finally {
      db.close();
    }
  }

  it('SQLite with every fsync → nothing that was committed is lost', () => {
    needsProgram('gcc');
    expect(losses('FULL')).toEqual({ lost: 0, damaged: 0, cuts: 60 });
  });

  it('SQLite without the fsync of a commit → commits are lost, and no file is damaged', () => {
    needsProgram('gcc');
    const { lost, damaged } = losses('NORMAL');
    expect(lost).toBeGreaterThan(20);
    expect(damaged).toBe(0);
  });

  it('SQLite without any fsync → files are damaged', () => {
    needsProgram('gcc');
    const { lost, damaged } = losses('OFF');
    expect(lost).toBeGreaterThan(20);
    expect(damaged).toBeGreaterThan(0);
  });
});
