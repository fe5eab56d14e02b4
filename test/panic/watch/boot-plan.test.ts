/** The plan that is in force from power-on. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LOAD_HOOKS } from '../../../src/panic/trace/index.ts';
import { bootPlan } from '../../../src/panic/watch/index.ts';

const KERNEL = join(import.meta.dirname, '..', '..', '..', 'guest', 'prebuilt', 'kernel.elf');

it('the built-in kernel → panic and both hooks of kexec_load, found once for all that boot it; it sleeps', async () => {
  const [first, second] = await Promise.all([bootPlan(KERNEL), bootPlan(KERNEL)]);
  expect(first?.probes).toEqual(expect.arrayContaining(['panic', ...Object.values(LOAD_HOOKS)]));
  expect(first?.plan).toMatchObject({ holdsAfterCall: true, stores: [], executes: [] });
  expect(first?.plan.sleep).toBeDefined();
  expect(second).toBe(first);
});

it('no file, and one that is no kernel → no plan', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-plan-'));
  try {
    const text = join(folder, 'text');
    writeFileSync(text, 'no kernel');
    expect(await bootPlan(text)).toBeUndefined();
    expect(await bootPlan(join(folder, 'absent'))).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
