/** scripts/check-guest-circles.mjs: the guest has no circle; guests with one of each kind are refused. */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { needsProgram } from '../support/programs.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SCRIPT = join(ROOT, 'scripts/check-guest-circles.mjs');
const COMPILER = 'powerpc64-linux-gnu-gcc';

type Files = Readonly<Record<string, string>>;

/** The README.md of a kernel, from bottom to top. */
function table(...names: readonly string[]): string {
  return ['| folder | what |', '|---|---|', ...names.map((each) => `| \`${each}/\` | |`), ''].join('\n');
}

/** A kernel of three files, high → middle → low, in two folders. */
const LAYERS: Files = {
  'kernel/README.md': table('bottom', 'top'),
  'kernel/bottom/bottom.h': 'int low(void);\nint middle(void);\n',
  'kernel/bottom/low.c': '#include "bottom/bottom.h"\nint low(void) { return 1; }\n',
  'kernel/bottom/middle.S': '\t.globl middle\nmiddle:\n\tb low\n',
  'kernel/top/top.h': '#include "bottom/bottom.h"\nint high(void);\n',
  'kernel/top/high.c': '#include "top/top.h"\nint high(void) { return middle(); }\n',
  'purgatory/purgatory.c': 'int purgatory;\n',
};

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Checks a guest of these files, built as ours is. */
function check(files: Files, environment: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-circles-'));
  folders.push(folder);
  cpSync(join(ROOT, 'guest/build.sh'), join(folder, 'build.sh'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return runCheck([folder], environment);
}

function runCheck(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const env = { ...process.env, ...environment };
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], {
    encoding: 'utf8',
    env,
  });
  return { status, text: stdout + stderr };
}

describe('check-guest-circles', () => {
  it('the built-in guest → no circle of files, none of folders', { timeout: 60_000 }, () => {
    needsProgram(COMPILER);
    const { status, text } = runCheck([]);
    expect(text).toMatch(/kernel: \d{2,} files in \d{2} folders, 0 problems/);
    expect(text).toMatch(/purgatory: \d+ files in 1 folders, 0 problems/);
    expect(status).toBe(0);
  });

  it('layers → passes', () => {
    needsProgram(COMPILER);
    const { status, text } = check(LAYERS);
    expect(text).toContain('kernel: 5 files in 2 folders, 0 problems');
    expect(status).toBe(0);
  });

  it('C that uses assembly that uses it → a circle of files, with the symbols', () => {
    needsProgram(COMPILER);
    const { status, text } = check({
      ...LAYERS,
      'kernel/bottom/low.c': '#include "bottom/bottom.h"\nint low(void) { return middle(); }\n',
    });
    expect(text).toContain('a circle of 2 files: bottom/low.c, bottom/middle.S');
    expect(text).toContain('bottom/low.c → bottom/middle.S: middle');
    expect(text).toContain('bottom/middle.S → bottom/low.c: low');
    expect(status).toBe(1);
  });

  it('a pointer to a function above, in data → a circle of files and one of folders', () => {
    needsProgram(COMPILER);
    const { status, text } = check({
      ...LAYERS,
      'kernel/bottom/low.c': 'int high(void);\nint (*up)(void) = high;\nint low(void) { return up(); }\n',
    });
    expect(text).toContain('a circle of 3 files: bottom/low.c, bottom/middle.S, top/high.c');
    expect(text).toContain('a circle of 2 folders: bottom, top');
    expect(status).toBe(1);
  });

  it('folders that use each other by different files → a circle of folders alone', () => {
    needsProgram(COMPILER);
    const { status, text } = check({
      ...LAYERS,
      'kernel/bottom/upwards.c': 'int high(void);\nint upwards(void) { return high(); }\n',
    });
    expect(text).not.toContain('files:');
    expect(text).toContain('a circle of 2 folders: bottom, top');
    expect(text).toContain('bottom → top: bottom/upwards.c → top/high.c');
    expect(status).toBe(1);
  });

  it('headers that include each other → a circle of files', () => {
    needsProgram(COMPILER);
    const { status, text } = check({
      ...LAYERS,
      'kernel/bottom/bottom.h': '#pragma once\n#include "bottom/more.h"\nint low(void);\nint middle(void);\n',
      'kernel/bottom/more.h': '#pragma once\n#include "bottom/bottom.h"\n',
    });
    expect(text).toContain('a circle of 2 files: bottom/bottom.h, bottom/more.h');
    expect(status).toBe(1);
  });

  it('a table of folders in another order, without one of them, or none → refused', () => {
    needsProgram(COMPILER);
    const turned = check({ ...LAYERS, 'kernel/README.md': table('top', 'bottom') });
    expect(turned.text).toContain('top uses bottom, a layer above it: top/high.c → bottom/middle.S');
    expect(turned.status).toBe(1);
    const short = check({ ...LAYERS, 'kernel/README.md': table('bottom') });
    expect(short.text).toContain('top is not in the table of kernel/README.md');
    expect(short.status).toBe(1);
    const none = check({ ...LAYERS, 'kernel/README.md': '' });
    expect(none.text).toContain('kernel/README.md has no table of folders');
    expect(none.status).toBe(1);
  });

  it('no cross compiler → says so; with CI=true → fails', () => {
    const without = { CROSS_COMPILE: 'no-such-machine-', CI: '' };
    const local = check(LAYERS, without);
    expect(local.text).toContain('not checked, no-such-machine-gcc and no-such-machine-nm missing');
    expect(local.status).toBe(0);
    expect(check(LAYERS, { ...without, CI: 'true' }).status).toBe(1);
  });
});
