/** Files of this installation that are not code, found whether it runs from sources or from dist. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert } from './errors.ts';

/** The absolute path of a file that is named from the installation's top folder. */
export function installedFile(...parts: readonly string[]): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, ...parts))) {
    const parent = dirname(folder);
    assert(parent !== folder, `${parts.join('/')} is part of the installation`);
    folder = parent;
  }
  return join(folder, ...parts);
}
