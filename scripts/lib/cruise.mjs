/** The module graph of src/ and web/src/ as dependency-cruiser sees it, type imports included. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from './process.mjs';

/** Folders with sources of the program. */
export const SOURCE_FOLDERS = ['src', 'web/src'];

/**
 * Cruises the sources with the project's rules.
 * Returns `modules` ({source, dependencies: [{resolved}]}) of the sources and `violations` ({rule, from, to}).
 */
export function cruise() {
  const entry = join(packageRoot, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const args = [entry, ...SOURCE_FOLDERS, '--config', '.dependency-cruiser.cjs', '--output-type', 'json'];
  const result = spawnSync(process.execPath, args, {
    cwd: packageRoot,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (result.error) throw result.error;
  // The exit code is the number of violations; what matters is whether there is an answer at all.
  if (!result.stdout.startsWith('{'))
    throw new Error(`dependency-cruiser failed:\n${result.stdout}${result.stderr}`);
  const { modules, summary } = JSON.parse(result.stdout);
  return {
    modules: modules.filter(({ source }) => SOURCE_FOLDERS.some((folder) => source.startsWith(`${folder}/`))),
    violations: summary.violations,
  };
}
