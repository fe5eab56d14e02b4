/**
 * Processes and file hashes for the scripts. Depends on Node alone: these scripts run before anything is installed.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The folder that holds package.json. */
export const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * Runs a program to its end, its output on our stderr (stdout belongs to what `npm start` finally runs).
 * Returns the exit code; a program that cannot be started, or died by a signal, gives 1.
 */
export function run(command, args, environment = {}) {
  const result = spawnSync(command, args, {
    cwd: packageRoot,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...environment },
  });
  if (result.error) say(`${command}: ${result.error.message}`);
  return result.status ?? 1;
}

/** Runs the JavaScript entry `entry` of an installed package with this Node. */
export function runNode(entry, args, environment) {
  return run(process.execPath, [join(packageRoot, 'node_modules', entry), ...args], environment);
}

/** Runs the JavaScript program `entry` in this process, which looks to it as if it had been started with `args`. */
export async function become(entry, args) {
  process.argv = [process.execPath, entry, ...args];
  await import(pathToFileURL(entry).href);
}

/** The same with a program of an installed package. Ends the process where it is not installed. */
export async function becomeInstalled(name, args) {
  const link = join(packageRoot, 'node_modules', '.bin', name);
  if (!existsSync(link)) fail(`${name} is not installed: npm ci`);
  await become(realpathSync(link), args);
}

/** Prints a progress message on stderr. */
export function say(message) {
  process.stderr.write(`kdumpd: ${message}\n`);
}

/** Ends the process with a message. */
export function fail(message) {
  say(message);
  process.exit(1);
}

/** sha256 over the names and contents of every file under `paths` (relative to the package root; absent ones count as empty). */
export function hashTree(paths, salt = '') {
  const hash = createHash('sha256').update(salt);
  for (const path of paths) {
    for (const file of filesUnder(join(packageRoot, path))) {
      const body = readFileSync(file);
      hash.update(`\0${relative(packageRoot, file)}\0${body.length}\0`).update(body);
    }
  }
  return hash.digest('hex');
}

/** Every file at or under an absolute path, sorted, installed packages left out. */
export function filesUnder(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path)
    .filter((name) => name !== 'node_modules')
    .sort()
    .flatMap((name) => filesUnder(join(path, name)));
}

/** The text of a stamp file, or undefined where there is none. */
export function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}
