/**
 * Stock Debian through boot, panic and capture on QEMU and on a partition of kdumpd: their consoles differ in what
 * docs/console-differences.md explains, and in nothing else.
 */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type CrashRun, followCrash, type GuestSpec } from '../../bench/guests/crash-run.ts';
import { stockGuest } from '../../bench/guests/image.ts';
import { MARKS } from '../../bench/guests/marks.ts';
import { powerOnOurs } from '../../bench/guests/our-guest.ts';
import { powerOnQemu } from '../../bench/guests/qemu-guest.ts';
import { ImportError } from '../../src/images/errors.ts';
import { needsProgram } from '../support/programs.ts';
import { compareConsoles, judge, parseExplained } from './console-qemu.ts';

const document = new URL('../../docs/console-differences.md', import.meta.url);
/** A guest that shares two cores with other tests is slow. */
const TIMEOUT_SECONDS = 280;

test('compareConsoles: times, addresses and order differ → no difference', () => {
  const one = [
    '[    0.000000] first',
    '[    0.100000] second',
    "I'm in purgatory",
    '[    0.0] x',
    'Found initrd at 0xc000000002c90000:0xc00000000342ac00',
  ];
  const other = [
    '[    1.000000] second',
    '[    1.100000] first',
    "I'm in purgatory",
    '[    0.0] x',
    'Found initrd at 0xc00000000f750000:0xc00000000feeac00',
  ];
  expect(compareConsoles(one, other)).toEqual([]);
});

test('compareConsoles: a line of one machine, in the other’s other phase only → two differences', () => {
  const one = ['[    0.000000] cpu_features = 0x0001c06b8f4f9187', "I'm in purgatory"];
  const other = ["I'm in purgatory", '[    0.000000] cpu_features = 0x0001c06b8f4f9187'];
  expect(compareConsoles(one, other)).toEqual([
    { side: 'qemu', phase: 'production', line: 'cpu_features = 0x0001c06b8f4f9187' },
    { side: 'ours', phase: 'crash', line: 'cpu_features = 0x0001c06b8f4f9187' },
  ]);
});

test('judge: a difference that no block explains, and a block without its difference → both named', () => {
  const explained = parseExplained('```qemu crash\none\n```\n\n```ours production sometimes\ntwo\n```\n');
  expect(judge([{ side: 'ours', phase: 'crash', line: 'three' }], explained)).toEqual({
    unexplained: ['ours crash: three'],
    missing: ['qemu crash: one'],
  });
});

test('stock Debian on QEMU and on ours: every difference of their consoles is explained', {
  timeout: 900_000,
}, async (context) => {
  needsProgram('qemu-system-ppc64');
  let spec: GuestSpec;
  try {
    spec = await stockGuest();
  } catch (error) {
    if (!(error instanceof ImportError) || process.env.CI === 'true') throw error;
    return context.skip(`needs Debian's ppc64el packages: ${error.message}`);
  }
  const runs: CrashRun[] = [];
  for (const powerOn of [powerOnQemu, powerOnOurs]) {
    const run = await followCrash((output) => powerOn(spec, output), {
      timeoutSeconds: TIMEOUT_SECONDS,
      until: 'crash',
    });
    await run.machine.close();
    runs.push(run);
  }
  const [qemu, ours] = runs as [CrashRun, CrashRun];
  for (const { marks, agent } of runs) {
    expect([...marks.keys()]).toEqual(MARKS);
    expect(agent).toContain('kdumpd-agent dump-done -');
  }
  const found = compareConsoles(qemu.console, ours.console);
  expect(judge(found, parseExplained(readFileSync(document, 'utf8')))).toEqual({
    unexplained: [],
    missing: [],
  });
});
