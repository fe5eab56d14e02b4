/**
 * Completes package-lock.json with the platform packages that it lacks; run it after adding a dependency.
 *
 * npm leaves an optional platform package out of the lockfile when the registry that it asked does not serve it (a
 * mirror may carry one platform only), and `npm ci` then refuses the lockfile as incomplete (npm 11.19). The entries
 * written here are what npm writes, less the integrity of a file that was not there to be read: they are installed on
 * their own platform alone.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot, say } from './lib/process.mjs';

const SYSTEMS = [
  'android',
  'darwin',
  'freebsd',
  'linux',
  'openbsd',
  'netbsd',
  'openharmony',
  'sunos',
  'aix',
  'win32',
];
const PROCESSORS = [
  'arm',
  'arm64',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
];
const LIBRARIES = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

const lockFile = join(packageRoot, 'package-lock.json');
const lock = JSON.parse(readFileSync(lockFile, 'utf8'));
const added = [];

for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(path, name)) continue;
    lock.packages[`node_modules/${name}`] = platformEntry(name, version, entry.dev === true);
    added.push(name);
  }
}

const { '': root, ...others } = lock.packages;
const sorted = Object.entries(others).sort(([a], [b]) => a.localeCompare(b, 'en'));
lock.packages = { '': root, ...Object.fromEntries(sorted) };
if (added.length > 0) writeFileSync(lockFile, `${JSON.stringify(lock, null, 2)}\n`);
say(`package-lock.json: ${added.length} platform packages added`);

/** Whether `name`, as the package at `path` would resolve it, has an entry. */
function isLocked(path, name) {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (`${at}/node_modules/${name}` in lock.packages) return true;
  }
  return `node_modules/${name}` in lock.packages;
}

/** The lockfile entry of a package for one platform, which its name tells: `…-linux-arm64-musl`. */
function platformEntry(name, version, dev) {
  const words = name.split(/[/-]/);
  const os = words.find((word) => SYSTEMS.includes(word));
  const cpu = words.find((word) => PROCESSORS.includes(word));
  const libc = os === 'linux' ? words.find((word) => word in LIBRARIES) : undefined;
  if (!/^\d/.test(version)) throw new Error(`${name} ${version}: not an exact version`);
  if (os === undefined && cpu !== 'wasm32') throw new Error(`${name}: its name tells no platform`);
  return {
    version,
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(dev ? { dev: true } : {}),
    ...(libc === undefined ? {} : { libc: [LIBRARIES[libc]] }),
    optional: true,
    ...(os === undefined ? {} : { os: [os] }),
  };
}
