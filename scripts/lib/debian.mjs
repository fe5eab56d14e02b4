/**
 * Debian packages that the tests use as outside oracles. Only root on a system with apt-get gets them installed;
 * everybody else is told what is missing, and the tests that need it say that they were skipped.
 */

import { run, say } from './process.mjs';
import { missingPrograms, onPath } from './programs.mjs';

/** Installs the packages of missing test programs where that is possible. Never ends the process: the tests judge. */
export function ensureTestPrograms() {
  const missing = missingPrograms();
  if (missing.length === 0) return;
  installDebianPackages([...new Set(missing.map((program) => program.package))]);
  const still = missingPrograms();
  if (still.length > 0) say(`not installed: ${still.map((p) => `${p.name} (${p.package})`).join(', ')}`);
}

/** Installs packages with apt-get when we are root on Debian; says so and goes on where that fails. */
export function installDebianPackages(packages) {
  if (packages.length === 0) return;
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
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
