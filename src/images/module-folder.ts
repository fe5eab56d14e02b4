/** Lists the modules in a folder: that of one release, one that modules were installed below, or a tree where a kernel was built. */

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { causeText } from '../base/failure-text.ts';
import { Refusal } from '../panic/contract/index.ts';
import { imageError } from './errors.ts';
import type { ModuleFiles } from './kernel-modules.ts';

/** A kernel's sources and what is built of them are some 100,000 files. */
const MAX_FILES = 500_000;
const MAX_MODULE_BYTES = 128 * 2 ** 20;

/**
 * @param release of the kernel: `folder/lib/modules/RELEASE` is taken where it exists
 * @throws Refusal `invalid` for a folder that cannot be read or holds no modules
 */
export async function modulesInFolder(folder: string, release: string): Promise<ModuleFiles> {
  let root = folder;
  for (const installed of [join(folder, 'lib', 'modules', release), join(folder, release)])
    if ((await stat(installed).catch(() => undefined))?.isDirectory() === true) root = installed;
  let paths: string[];
  try {
    paths = await list(root);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new Refusal('invalid', `the modules cannot be read: ${causeText(error)}`);
  }
  if (!paths.some((path) => path.includes('.ko')))
    throw new Refusal('invalid', `there are no modules in ${root}`);
  return {
    paths,
    read: async (path) => {
      const file = join(root, path);
      const { size } = await stat(file);
      if (size > MAX_MODULE_BYTES)
        throw imageError('image/too-large', `${path} has ${size} bytes`, {
          what: path,
          expected: `at most ${MAX_MODULE_BYTES}`,
        });
      return await readFile(file);
    },
  };
}

/** Links are not followed: `build` and `source` lead into whole trees. */
async function list(root: string): Promise<string[]> {
  const found: string[] = [];
  const folders = [''];
  let seen = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      seen += 1;
      if (seen > MAX_FILES)
        throw new Refusal(
          'invalid',
          `${root} holds more than ${MAX_FILES} files: is it a folder of modules?`,
        );
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (/\.ko(\.(gz|xz|zst))?$|(^|\/)modules\.builtin$/.test(path)) found.push(path);
    }
  }
  return found.sort();
}
