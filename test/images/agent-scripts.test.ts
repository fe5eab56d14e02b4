/** The scripts that every Linux guest has, run by the host's shell. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { installedFile } from '../../src/base/installation.ts';

it('said: every line that a program printed goes to the host, but for its progress display', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-agent-'));
  const log = join(folder, 'dump.log');
  const many = Array.from({ length: 100 }, (_, i) => `line ${i}`);
  const progress = 'Copying data : [  1.0 %] \rCopying data : [100.0 %] -';
  writeFileSync(log, ["'-z' option is disabled", '', progress, ...many].join('\n'));
  const run = `. "$1"; PATH=$2; exec 3>&1; said makedumpfile "$3"`;
  const common = installedFile('guest', 'agent', 'common');
  const output = execFileSync('sh', ['-c', run, 'sh', common, process.env.PATH ?? '', log], {
    encoding: 'utf8',
  });
  rmSync(folder, { recursive: true });
  const lines = output.trimEnd().split('\n');
  expect(lines.slice(0, 2)).toEqual([
    "kdumpd-agent said makedumpfile '-z' option is disabled",
    'kdumpd-agent said makedumpfile line 0',
  ]);
  expect(lines).toHaveLength(64);
  expect(lines.at(-1)).toBe('kdumpd-agent said makedumpfile line 62');
});
