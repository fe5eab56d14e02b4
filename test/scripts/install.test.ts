/** When the dependencies count as installed, and who may build. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isInstalled } from '../../scripts/lib/dependencies.mjs';
import { withLock } from '../../scripts/lib/lock.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kdumpd-install-'));
  mkdirSync(join(folder, 'node_modules'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('isInstalled', () => {
  type Entry = { version: string; integrity?: string; optional?: true; os?: string[]; cpu?: string[] };
  const here = { os: [process.platform], cpu: [process.arch] };
  const LOCKED: Record<string, Entry> = {
    '': { version: '1.0.0' },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/a/node_modules/b': { version: '2.0.0', integrity: 'sha512-b' },
    'node_modules/a-here': { version: '1.0.0', integrity: 'sha512-c', optional: true, ...here },
    'node_modules/a-there': { version: '1.0.0', optional: true, os: ['plan9'], cpu: [process.arch] },
    'node_modules/of-a-there': { version: '1.0.0', optional: true },
  };
  const INSTALLED = ['node_modules/a', 'node_modules/a/node_modules/b', 'node_modules/a-here'];

  /** A project whose installation differs from its lockfile by `changes`; undefined: that package is not there. */
  function project(changes: Record<string, Entry | undefined>): string {
    const installed = Object.fromEntries(INSTALLED.map((path) => [path, LOCKED[path]]));
    const write = (path: string, packages: object): void =>
      writeFileSync(join(folder, path), JSON.stringify({ packages }));
    write('package-lock.json', LOCKED);
    write('node_modules/.package-lock.json', { ...installed, ...changes });
    return folder;
  }

  it('all that this platform needs → installed', () => {
    expect(isInstalled(project({}))).toBe(true);
  });

  it.each<[string, Record<string, Entry | undefined>]>([
    ['a package is missing', { 'node_modules/a/node_modules/b': undefined }],
    ['this platform’s package is missing', { 'node_modules/a-here': undefined }],
    ['another version', { 'node_modules/a': { version: '1.0.1', integrity: 'sha512-a' } }],
    ['other content', { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-b' } }],
  ])('%s → not installed', (_, changes) => {
    expect(isInstalled(project(changes))).toBe(false);
  });

  it('no note of npm: nothing was installed, or not to the end → not installed', () => {
    rmSync(join(project({}), 'node_modules', '.package-lock.json'));
    expect(isInstalled(folder)).toBe(false);
  });

  it('this project, whose tests run → installed', () => {
    expect(isInstalled(join(import.meta.dirname, '..', '..'))).toBe(true);
  });
});

describe('withLock', () => {
  const lock = (): string => join(folder, 'lock');

  it('three processes → one after another', async () => {
    const log = join(folder, 'log');
    const module = pathToFileURL(join(import.meta.dirname, '..', '..', 'scripts', 'lib', 'lock.mjs')).href;
    const script = `
      import { appendFileSync } from 'node:fs';
      import { withLock } from ${JSON.stringify(module)};
      const wait = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
      withLock(${JSON.stringify(lock())}, () => {
        appendFileSync(${JSON.stringify(log)}, '(');
        wait(150);
        appendFileSync(${JSON.stringify(log)}, ')');
      });`;
    const children = [1, 2, 3].map(() =>
      spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' }),
    );
    const ends = await Promise.all(children.map((child) => once(child, 'exit')));
    expect(ends.map(([code]) => code as number)).toEqual([0, 0, 0]);
    expect(readFileSync(log, 'utf8')).toBe('()()()');
    expect(existsSync(lock())).toBe(false);
  });

  it('held by a process that is gone → taken; work that throws → given back', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    writeFileSync(lock(), String(child.pid));
    expect(withLock(lock(), () => 26)).toBe(26);
    expect(() =>
      withLock(lock(), () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(existsSync(lock())).toBe(false);
  });
});
