/**
 * Debian packages that the tests use as outside oracles. Only root on a system with apt-get gets them installed;
 * elsewhere what is missing is listed, and the tests that need it say that they were skipped.
 */

import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { run, say } from './process.mjs';
import { findOnPath, missingPrograms } from './programs.mjs';

/** Where Debian's packages put their programs. */
const FOLDERS = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * Installs the packages of missing test programs where that is possible. This script and the tests search for them
 * in Debian's folders whether or not PATH names them: these are put behind what it names.
 * Never ends the process: the tests judge.
 */
export function ensureTestPrograms() {
  if (existsSync('/usr/bin/dpkg')) {
    const named = (process.env.PATH ?? '').split(delimiter);
    process.env.PATH = [...named, ...FOLDERS.filter((folder) => !named.includes(folder))].join(delimiter);
  }
  const missing = missingPrograms();
  if (missing.length === 0) return;
  installDebianPackages([...new Set(missing.map((program) => program.package))]);
  const still = missingPrograms();
  if (still.length > 0) say(`not installed: ${still.map((p) => `${p.name} (${p.package})`).join(', ')}`);
}

/** Installs packages with apt-get when we are root on Debian; says so and returns where that fails. */
function installDebianPackages(packages) {
  if (process.getuid?.() !== 0 || findOnPath('apt-get') === undefined) {
    say(`not root on Debian, so not installing: ${packages.join(' ')}`);
    return;
  }
  say(`apt-get install ${packages.join(' ')}`);
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' };
  if (run('apt-get', ['update', '-qq'], quiet) !== 0)
    say('apt-get update failed; trying with the lists at hand');
  const args = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
  if (run('apt-get', args, quiet) !== 0) say('apt-get install failed: see the messages above');
}
