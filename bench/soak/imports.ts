/** Imports of a kernel of one's own, as a user does them, killed like the daemon. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Ledger } from './ledger.ts';
import { MAIN, type Place, ROOT } from './service.ts';

/**
 * Imports the built-in kernel under a name.
 * @param killed when the daemon is killed, the import is, too
 * @returns whether it is there
 */
export async function importOwnKernel(
  place: Place,
  ledger: Ledger,
  name: string,
  killed: Promise<unknown>,
  shim: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const kernel = join(ROOT, 'guest', 'prebuilt', 'kernel.elf');
  const what = ['--name', name, '--kernel', kernel, '--loader', 'own'];
  const child = spawn(process.execPath, [MAIN, 'image', 'import', ...what, '--data', place.data], {
    stdio: 'ignore',
    env: { ...process.env, TMPDIR: place.tmp, ...shim },
  });
  ledger.add({ kind: 'image', id: name, debt: 'asked' });
  const ended = once(child, 'exit');
  void killed.then(() => child.kill('SIGKILL'));
  const [code] = await ended;
  if (code === 0) ledger.add({ kind: 'image', id: name, debt: 'owed' });
  return code === 0;
}
