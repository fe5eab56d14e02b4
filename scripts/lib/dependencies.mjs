/**
 * npm dependencies: installed when they are missing, or when the lockfile or Node's native ABI has changed since.
 */

import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installDebianPackages } from './debian.mjs';
import { fail, hashTree, packageRoot, readStamp, run, say } from './process.mjs';
import { onPath } from './programs.mjs';

const stampFile = join(packageRoot, 'node_modules', '.kdumpd-installed');

/** Installs what package-lock.json names, unless it is there already. Ends the process when that fails. */
export function ensureDependencies() {
  if (readStamp(stampFile) === installKey()) return;
  ensureCompiler();
  say('installing dependencies (native modules compile: this takes some minutes the first time)');
  const args = ['ci', '--no-audit', '--no-fund', '--include=dev'];
  if (run('npm', args, nativeBuildEnvironment()) !== 0) fail('npm ci failed: see the messages above');
  markInstalled();
}

/** Notes that node_modules agrees with the lockfile; `prepare` says so after an `npm ci` or `npm install` by hand. */
export function markInstalled() {
  writeFileSync(stampFile, `${installKey()}\n`);
}

function installKey() {
  return hashTree(
    ['package-lock.json'],
    `abi ${process.versions.modules} ${process.platform} ${process.arch}`,
  );
}

/** better-sqlite3, zstd-napi and lzo are compiled here, never downloaded: node-gyp needs a compiler, make and Python. */
function ensureCompiler() {
  const needed = { 'g++': 'g++', make: 'make', python3: 'python3' };
  installDebianPackages(Object.keys(needed).flatMap((name) => (onPath(name) ? [] : [needed[name]])));
}

/**
 * Node's own headers are used where its distribution brought them, so that node-gyp fetches nothing.
 * (.prebuild-installrc keeps the native packages from fetching prebuilt binaries.)
 */
function nativeBuildEnvironment() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {};
}
