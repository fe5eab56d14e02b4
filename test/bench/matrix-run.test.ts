/** The matrix as a command: real crashes, two processes, and what it leaves behind. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needsProgram } from '../support/programs.ts';

const ROOT = join(import.meta.dirname, '..', '..');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kdumpd-matrix-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Everything that it writes, its dumps too, lands in the test's folder. */
function matrix(...options: string[]) {
  const files = ['--out', join(folder, 'matrix.md'), '--rows', join(folder, 'rows')];
  const done = spawnSync(process.execPath, [join(ROOT, 'bench', 'matrix.ts'), ...files, ...options], {
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: folder },
    timeout: 110_000,
  });
  return { ...done, page: () => readFileSync(join(folder, 'matrix.md'), 'utf8') };
}

describe('npm run matrix', () => {
  it('two crashes of the built-in guest → a page; a second run has nothing to do', {
    timeout: 120_000,
  }, () => {
    needsProgram('gdb-multiarch');
    const options = ['--processors', 'power9-radix', '--cpus', '2', '--on', '1', '--triggers', 'panic,nmi'];
    const first = matrix(...options);
    expect(first.stdout).toBe(
      '2 dumps looked at: every CPU has its stack in 2\n2 crashes: 2 captured, 0 rules broken, 0 not evaluated\n',
    );
    expect(first.status).toBe(0);
    expect(first.page()).toMatch(/^\| power9 radix \| 2 \| 1 \| panic \| captured \| \d+ \| 0 \| 0 \| /m);
    expect(readdirSync(folder).filter((name) => name.startsWith('kdumpd-matrix-'))).toEqual([]);
    const written = first.page();
    const second = matrix(...options);
    expect(second.stderr).not.toContain('1 of');
    expect(second.stdout).toBe(first.stdout);
    expect(second.page()).toBe(written);
  });

  it('an image that is not there → 1, and the reason on the page', () => {
    const { status, stdout, page } = matrix(
      '--image',
      'debian',
      '--data',
      folder,
      '--cpus',
      '1',
      '--triggers',
      'nmi',
    );
    expect(stdout).toContain('3 crashes: 0 captured');
    expect(page()).toContain('What went wrong:');
    expect(status).toBe(1);
  });

  it('a wrong option → named, and nothing is written', () => {
    const { status, stderr } = matrix('--cpus', '9');
    expect(stderr).toContain('--cpus 9: 9 is not from 1 to 8');
    expect(status).toBe(1);
    expect(existsSync(join(folder, 'matrix.md'))).toBe(false);
  });
});
