/** The data folder: one owner, who is named to others; its permissions; and one sentence for a folder that cannot be used. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import BetterSqlite3 from 'better-sqlite3';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { type HeldFolder, holdDataFolder, takeDataFolder } from '../../src/server/data-folder/index.ts';
import { DiskWatch } from '../../src/server/disk-watch.ts';
import { type Daemon, openDaemon } from '../../src/server/index.ts';

const MODULE = fileURLToPath(new URL('../../src/server/data-folder/index.ts', import.meta.url));

let root = '';
let folder = '';
const held: HeldFolder[] = [];
const daemons: Daemon[] = [];
const children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kdumpd-folder-'));
  folder = join(root, 'data');
});
afterEach(async () => {
  for (const daemon of daemons.splice(0)) await daemon.close();
  for (const each of held.splice(0)) each.release();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(root, { recursive: true });
});

function hold(): HeldFolder {
  const made = holdDataFolder(folder);
  held.push(made);
  return made;
}

async function open(): Promise<Daemon> {
  const daemon = await openDaemon({
    port: 0,
    data: folder,
    version: { name: 'kdumpd', version: '0.0.0-test' },
    logger: pino({ level: 'silent' }),
  });
  daemons.push(daemon);
  return daemon;
}

/** Another process that takes the folder and says what it got; `stays`: it lives on. */
async function elsewhere(stays = false): Promise<{ readonly child: ChildProcess; readonly said: string }> {
  const script = join(root, `take-${children.length}.mts`);
  writeFileSync(
    script,
    `import { takeDataFolder } from ${JSON.stringify(MODULE)};
     const taken = takeDataFolder(${JSON.stringify(folder)});
     console.log(JSON.stringify(taken.kind === 'held' ? taken : { kind: taken.kind }));
     ${stays ? 'setInterval(() => {}, 1000);' : 'process.exit(0);'}`,
  );
  const child = spawn(process.execPath, [script]);
  children.push(child);
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  if (stays) await once(child.stdout, 'data');
  else await once(child, 'close');
  return { child, said };
}

test('tighten: a folder that was made just now → nothing was open to others', () => {
  const made = hold();
  expect(made.tighten()).toEqual({ changed: 0, failed: [] });
});

describe('links that another user left in the folder', () => {
  it('owner.json.new and reserve → replaced, and what they lead to stays as it was', () => {
    hold();
    held.pop()?.release();
    const victim = join(root, 'victim');
    writeFileSync(victim, 'mine');
    symlinkSync(victim, join(folder, 'owner.json.new'));
    symlinkSync(join(root, 'absent'), join(folder, 'reserve'));
    hold();
    const watch = new DiskWatch({
      folder,
      reserve: join(folder, 'reserve'),
      minFreeBytes: 0,
      retry: () => Promise.resolve(0),
      logger: pino({ enabled: false }),
    });
    watch.open();
    expect(readFileSync(victim, 'utf8')).toBe('mine');
    expect(existsSync(join(root, 'absent'))).toBe(false);
    expect(lstatSync(join(folder, 'reserve')).isFile()).toBe(true);
    watch.close();
  });
});

describe('the lock', () => {
  it('holdDataFolder: twice in one process → refused, with process, host, address and time; free again after release', () => {
    const first = hold();
    expect(() => holdDataFolder(folder)).toThrow(
      `is in use by process ${process.pid} on host ${hostname()}, which works on it since 2`,
    );
    first.announce('http://127.0.0.1:8470');
    expect(() => holdDataFolder(folder)).toThrow(
      /which serves http:\/\/127\.0\.0\.1:8470 since 2.*: stop it/,
    );
    held.splice(0);
    first.release();
    expect(existsSync(join(folder, 'owner.json'))).toBe(false);
    hold();
  });

  it('takeDataFolder: another process holds it → its facts; killed by SIGKILL → taken, and the stale file is overwritten', async () => {
    const { child } = await elsewhere(true);
    expect(takeDataFolder(folder)).toMatchObject({ kind: 'held', holder: { host: hostname() } });
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    expect(existsSync(join(folder, 'owner.json'))).toBe(true);
    hold();
    expect(JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8'))).toMatchObject({ pid: process.pid });
  });

  it('takeDataFolder: threads and children come and go, and garbage is collected → still held', async () => {
    hold();
    const sqlite = import.meta.resolve('better-sqlite3');
    const worker = new Worker(
      `import(${JSON.stringify(sqlite)}).then(({ default: S }) => { new S(':memory:').close(); });`,
      { eval: true },
    );
    await once(worker, 'exit');
    globalThis.gc?.();
    expect(JSON.parse((await elsewhere()).said)).toMatchObject({
      kind: 'held',
      holder: { pid: process.pid },
    });
    expect(JSON.parse((await elsewhere()).said)).toMatchObject({ kind: 'held' });
  });

  it('takeDataFolder: the holder’s file is damaged → held by one that has not said who it is', () => {
    hold();
    writeFileSync(join(folder, 'owner.json'), '{"pid":');
    expect(() => holdDataFolder(folder)).toThrow('another process, which has not said who it is');
  });

  it('openDaemon: a second one on the folder → refused, and the first serves on; after it closed → opened', async () => {
    const first = await open();
    await expect(open()).rejects.toThrow(
      `is in use by process ${process.pid} on host ${hostname()}, which serves ${first.address} since`,
    );
    expect((await fetch(`${first.address}/version`)).status).toBe(200);
    await daemons.pop()?.close();
    await open();
  });
});

test('openDaemon: → folders 0700 and files 0600, also those that were looser and those that SQLite makes', async () => {
  mkdirSync(join(folder, 'images', 'one'), { recursive: true, mode: 0o755 });
  writeFileSync(join(folder, 'images', 'one', 'kernel'), '', { mode: 0o644 });
  const db = new BetterSqlite3(join(folder, 'metadata.db'));
  db.close();
  chmodSync(folder, 0o755);
  chmodSync(join(folder, 'metadata.db'), 0o666);
  await open();
  const modeOf = (...path: string[]): string => (statSync(join(folder, ...path)).mode & 0o777).toString(8);
  expect(['.', 'images', 'images/one'].map((path) => modeOf(path))).toEqual(['700', '700', '700']);
  const files = ['images/one/kernel', 'owner.db', 'owner.json'];
  for (const name of ['metadata.db', 'chunks.db']) files.push(name, `${name}-wal`, `${name}-shm`);
  expect(Object.fromEntries(files.map((file) => [file, modeOf(file)]))).toEqual(
    Object.fromEntries(files.map((file) => [file, '600'])),
  );
});

/** Makes a whole data folder, then harms it. */
async function whole(): Promise<void> {
  await open();
  await daemons.pop()?.close();
}

function sql(file: string, text: string): void {
  mkdirSync(folder, { recursive: true });
  const db = new BetterSqlite3(join(folder, file));
  db.exec(text);
  db.close();
}

const BAD: readonly (readonly [string, () => Promise<void> | void, RegExp])[] = [
  ['a file in its place', () => writeFileSync(folder, ''), /is a file: choose another/],
  [
    'a file in its path',
    () => {
      writeFileSync(folder, '');
      folder = join(folder, 'deeper');
    },
    /a part of its path is a file/,
  ],
  [
    'files of something else in it',
    () => {
      mkdirSync(folder);
      writeFileSync(join(folder, 'letter.txt'), 'dear');
    },
    /is not empty and holds nothing of kdumpd’s \(letter\.txt\)/,
  ],
  [
    'metadata.db that is no database',
    () => {
      mkdirSync(folder);
      writeFileSync(join(folder, 'metadata.db'), 'x'.repeat(5000));
    },
    /metadata\.db: it is not a SQLite database/,
  ],
  [
    'chunks.db that is no database',
    () => {
      mkdirSync(folder);
      writeFileSync(join(folder, 'chunks.db'), 'x'.repeat(5000));
    },
    /chunks\.db: it is not a SQLite database/,
  ],
  [
    'a folder where a database should be',
    () => mkdirSync(join(folder, 'metadata.db'), { recursive: true }),
    /metadata\.db: it is not a file/,
  ],
  [
    'a database that was cut',
    async () => {
      await whole();
      truncateSync(join(folder, 'metadata.db'), 40_000);
    },
    /metadata\.db: it is damaged: restore it/,
  ],
  [
    'a database of another program',
    () => sql('metadata.db', 'CREATE TABLE t (x)'),
    /another kind or program/,
  ],
  [
    'a database with another application id',
    () => sql('chunks.db', 'PRAGMA application_id = 77; CREATE TABLE migration (number, name, sha256)'),
    /chunks\.db: it is a database of another kind or program/,
  ],
  [
    'the two databases exchanged',
    async () => {
      await whole();
      const [meta, chunks] = ['metadata.db', 'chunks.db'].map((name) => readFileSync(join(folder, name)));
      writeFileSync(join(folder, 'metadata.db'), chunks ?? '');
      writeFileSync(join(folder, 'chunks.db'), meta ?? '');
    },
    /metadata\.db: it is a database of another kind/,
  ],
  [
    'a database of a newer version',
    async () => {
      await whole();
      sql('metadata.db', "INSERT INTO migration VALUES (999, '999_do_more.sql', 'x')");
    },
    /metadata\.db: it is from a newer version of kdumpd/,
  ],
  [
    'a migration that is another one',
    async () => {
      await whole();
      sql('chunks.db', "UPDATE migration SET sha256 = 'x' WHERE number = 1");
    },
    /chunks\.db: the migration 001_create_chunks\.sql is not the one that was applied/,
  ],
  [
    'a table that is gone',
    async () => {
      await whole();
      sql('metadata.db', 'DROP TABLE console');
    },
    /metadata\.db: it lacks console\.capture_id/,
  ],
  [
    'images that are a file',
    async () => {
      await whole();
      rmSync(join(folder, 'images'), { recursive: true });
      writeFileSync(join(folder, 'images'), '');
    },
    /a part of its path is a file/,
  ],
];

test.each(BAD)('openDaemon: %s → one sentence, and nothing stays open', async (_what, harm, reason) => {
  await harm();
  const error: unknown = await open().then(
    () => 'it opened',
    (reason_: unknown) => reason_,
  );
  expect(error).toMatchObject({ name: 'DataFolderError', message: expect.stringMatching(reason) });
  expect((error as Error).message).not.toContain('\n');
  rmSync(join(root, 'data'), { recursive: true, force: true });
  folder = join(root, 'data');
  await open();
});

test.skipIf(process.getuid?.() !== 0)('a folder of another user → one sentence', async () => {
  await whole();
  chmodSync(root, 0o711);
  const script = join(root, 'take.mjs');
  // Rights are checked by the system when a process without root's opens the folder.
  writeFileSync(
    script,
    `process.setuid(65534);
       const { holdDataFolder } = await import(${JSON.stringify(MODULE)});
       try { holdDataFolder(${JSON.stringify(folder)}); console.log('held'); } catch (error) { console.log(error.name + ': ' + error.message); }`,
  );
  const child = spawn(process.execPath, [script], { cwd: '/' });
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  await once(child, 'close');
  expect(said).toMatch(/^DataFolderError: the data folder .* this user may not read or write there/);
});
