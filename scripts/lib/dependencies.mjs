/** npm dependencies: installed when they are missing, or are not those of package-lock.json. Nothing is compiled. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmCommand } from './npm.mjs';
import { usesMusl } from './platform.mjs';
import { fail, packageRoot, run, say } from './process.mjs';

/**
 * Installs what package-lock.json names, unless it is there already. npm runs under this Node, so that it judges the
 * `engines` of packages by the Node that will run them. Ends the process when that fails.
 */
export function ensureDependencies() {
  if (isInstalled(packageRoot)) return;
  say('installing dependencies');
  const { command, args } = npmCommand(process.execPath);
  const options = ['--no-audit', '--no-fund', '--include=dev'];
  if (run(command, [...args, 'ci', ...options]) !== 0) fail('npm ci failed: see the messages above');
}

/**
 * Whether node_modules of `root` holds what its lockfile names. npm notes what it installed in
 * node_modules/.package-lock.json when it has ended well, no matter who started it.
 */
export function isInstalled(root) {
  const noted = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(noted)) return false;
  const installed = packagesOf(noted);
  return Object.entries(packagesOf(join(root, 'package-lock.json'))).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    if (found === undefined) return entry.optional === true && !isForThisPlatform(entry);
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/**
 * Whether an optional package is made for one platform, and that is this one. Others npm may leave out: it installs
 * only what such packages need.
 */
function isForThisPlatform({ os, cpu, libc }) {
  if (os === undefined || cpu === undefined) return false;
  const here = os.includes(process.platform) && cpu.includes(process.arch);
  return here && (libc?.includes(usesMusl() ? 'musl' : 'glibc') ?? true);
}

function packagesOf(lockfile) {
  return JSON.parse(readFileSync(lockfile, 'utf8')).packages;
}
