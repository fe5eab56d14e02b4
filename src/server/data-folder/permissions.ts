/**
 * Keeps a data folder to its owner: folders 0700, files 0600. A vmcore holds all memory of its guest. What is made later has
 * these permissions because the process has the umask 077; SQLite gives its -wal and -shm files those of their database.
 */

import { chmodSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const OF_OTHERS = 0o077;

/** What was found too open. `failed`: what could not be changed, because it is another user's. */
export type Tightened = { readonly changed: number; readonly failed: readonly string[] };

/** Takes every right of group and others away, from `path` down. Links are neither followed nor changed. */
export function tighten(path: string): Tightened {
  let changed = 0;
  const failed: string[] = [];
  const visit = (each: string): void => {
    const found = lstatSync(each, { throwIfNoEntry: false });
    if (found === undefined || found.isSymbolicLink()) return;
    try {
      if ((found.mode & OF_OTHERS) !== 0) {
        chmodSync(each, found.mode & 0o700);
        changed++;
      }
      if (found.isDirectory()) for (const name of readdirSync(each)) visit(join(each, name));
    } catch {
      failed.push(each);
    }
  };
  visit(path);
  return { changed, failed };
}
