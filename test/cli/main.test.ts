/** The program as a whole: what goes to which stream, and with which exit code it ends. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildElf, EM_PPC64, ET_EXEC, PF_R, PF_X, PT_LOAD } from '../../src/base/elf/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'kdumpd-main-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Ended = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

function run(...args: readonly string[]): Ended {
  const main = join(import.meta.dirname, '../../src/cli/main.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
    input: '',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

test('--version → the version of package.json, on standard output', () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
  expect(run('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
});

test.each([[['--help']], [['help', 'crash']], [['image', 'import', '--help']]])(
  '%j → help on standard output, 0',
  (args) => {
    const { status, stdout, stderr } = run(...args);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Usage: kdumpd/);
  },
);

test.each([
  [[]],
  [['--nonsense']],
  [['nonsense']],
  [['serve', '--port', 'x']],
  [['crash']],
  [['emulate', '--kernel', 'x', '--max-instructions', '-1']],
])('%j → a wrong use: 64, nothing on standard output', (args) => {
  const { status, stdout, stderr } = run(...args);
  expect([status, stdout]).toEqual([64, '']);
  expect(stderr).not.toBe('');
});

describe('a file that cannot be used → one line before anything is booted', () => {
  const crash = ['crash', '--image', 'built-in', '--memory', '128M', '--data', join(folder, 'data')];
  test.each([
    [
      [...crash, '--input', '/none/input'],
      /^kdumpd: --input cannot be used: there is no such file \(ENOENT\)\n$/,
    ],
    [
      [...crash, '--vmcore', '/none/core'],
      /^kdumpd: the folder of \/none\/core cannot be used: .*ENOENT\)\n$/,
    ],
    [
      [...crash, '--trace', '/none/trace'],
      /^kdumpd: the folder of \/none\/trace cannot be used: .*ENOENT\)\n$/,
    ],
    [
      [...crash, '--console', '/none/text'],
      /^kdumpd: the folder of \/none\/text cannot be used: .*ENOENT\)\n$/,
    ],
    [
      ['crash', '--image', 'built-in', '--data', '/proc/kdumpd'],
      /^kdumpd: the [^\n]*folder[^\n]* cannot be used: [^\n]*\n$/,
    ],
    [['emulate', '--kernel', '/none/kernel'], /^kdumpd: the kernel cannot be used: .*\(ENOENT\)\n$/],
    [
      ['image', 'import', '--name', 'x', '--kernel', '/none/kernel', '--data', join(folder, 'data')],
      /^kdumpd: the [^\n]* cannot be read: there is no such file \(ENOENT\)\n$/,
    ],
  ])('%j', (args, said) => {
    const { status, stdout, stderr } = run(...args);
    expect(stderr).toMatch(said);
    expect([status, stdout]).toEqual([2, '']);
  });
});

describe('emulate --kernel --max-instructions', () => {
  /** addi r3,r3,1 and b to it: a branch to itself would be waited for. */
  const LOOP = [0x38, 0x63, 0, 1, 0x4b, 0xff, 0xff, 0xfc];
  const kernel = join(folder, 'loop');
  writeFileSync(
    kernel,
    buildElf({
      endian: 'big',
      type: ET_EXEC,
      machine: EM_PPC64,
      entry: 0n,
      segments: [
        {
          type: PT_LOAD,
          flags: PF_R | PF_X,
          vaddr: 0n,
          paddr: 0n,
          data: Uint8Array.from(LOOP),
          memsz: 8,
        },
      ],
    }),
  );

  test.each([1, 6_000_000])('a kernel that never ends, %i → 3, and how many there were', (limit) => {
    const { status, stdout, stderr } = run(
      'emulate',
      '--kernel',
      kernel,
      '--max-instructions',
      String(limit),
    );
    expect([status, stdout]).toEqual([3, '']);
    const count = Number(/^kdumpd: stopped after (\d+) instructions$/m.exec(stderr)?.[1]);
    expect(count).toBeGreaterThanOrEqual(limit);
    expect(count).toBeLessThan(limit + 1_000_000);
  });
});
