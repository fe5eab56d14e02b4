/**
 * Names the folders that imports and removals work in, below the root of the catalogue, and clears those that dead processes
 * left. An import that replaces an image moves the old one into its work folder first; where it died before the new one was
 * there, the old one is put back.
 */

import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Where, in its work folder, an import keeps the image that it replaces. */
export const REPLACED = 'replaced';

/** A name that says which process uses the folder, so that a later process knows when nothing does. */
export function workName(purpose: 'import' | 'remove', name: string): string {
  return `.${purpose}-${process.pid}-${randomBytes(4).toString('hex')}-${name}`;
}

/** @param atStart this process has begun nothing yet: folders of its process id are an earlier one's */
export async function clearLeftovers(imageRoot: string, atStart = false): Promise<void> {
  for (const folder of await folders(imageRoot)) {
    const found = /^\.(?:import|remove)-([0-9]+)-[0-9a-f]+-(.+)$/.exec(folder);
    const [, pid = '', name = ''] = found ?? [];
    if (found === null || (isAlive(Number(pid)) && !(atStart && Number(pid) === process.pid))) continue;
    const replaced = join(imageRoot, folder, REPLACED);
    if ((await exists(replaced)) && !(await exists(join(imageRoot, name)))) {
      await rename(replaced, join(imageRoot, name));
      await syncFolder(imageRoot);
    }
    await rm(join(imageRoot, folder), { recursive: true, force: true });
  }
}

/** Makes the root of a catalogue where there is none, so that a power cut does not take it away again. */
export async function makeRoot(imageRoot: string): Promise<void> {
  const first = await mkdir(imageRoot, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = imageRoot; made.length >= first.length; made = dirname(made))
    await syncFolder(dirname(made));
}

/** Keeps the names in a folder over a power cut: new ones, and that others are gone. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Folders in a folder, by name. One that does not exist holds none. */
export async function folders(root: string): Promise<string[]> {
  const entries = (await readdir(root, { withFileTypes: true }).catch(missing)) ?? [];
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(missing)) !== undefined;
}

/** @returns undefined for a file that is not there */
function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
