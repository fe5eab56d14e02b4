/** Imports of a kernel of one's own, as a user does them, killed like the daemon. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Ledger } from './ledger.ts';
import { MAIN, type Place, ROOT } from './service.ts';

/**
 * Imports the built-in kernel under a new name, once in four calls.
 * @param killed when the daemon is killed, the import is, too
 */
export async function importOwnKernel(
  place: Place,
  ledger: Ledger,
  random: () => number,
  killed: Promise<unknown>,
  shim: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (random() > 0.25) return;
  const name = `own-${Math.floor(random() * 1e9)}`;
  await pause(500 * random());
  const kernel = join(ROOT, 'guest', 'prebuilt', 'kernel.elf');
  const args = [
    'image',
    'import',
    '--name',
    name,
    '--kernel',
    kernel,
    '--loader',
    'own',
    '--data',
    place.data,
  ];
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: 'ignore',
    env: { ...process.env, TMPDIR: place.tmp, ...shim },
  });
  ledger.add({ kind: 'image', id: name, debt: 'asked' });
  const ended = once(child, 'exit');
  void killed.then(() => child.kill('SIGKILL'));
  const [code] = await ended;
  if (code === 0) ledger.add({ kind: 'image', id: name, debt: 'owed' });
}
