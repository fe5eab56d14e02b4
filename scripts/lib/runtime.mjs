/**
 * The Node that the project runs on. Where the one that started a script is older than `engines` of package.json asks
 * for, the version of runtime.json is fetched once from the npm registry into .runtime/, and the script starts again
 * under it. Everything that this file imports runs on old Node versions: it is what they run.
 */

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { isRunning } from './lock.mjs';
import { npmCommand } from './npm.mjs';
import { usesMusl } from './platform.mjs';
import { fail, packageRoot, say } from './process.mjs';
import { findOnPath } from './programs.mjs';
import { endLike, runWithSignals } from './signals.mjs';

/** Set for the process that takes over: the one that started it holds the other end of its IPC channel. */
const HANDED_OVER = 'KDUMPD_HANDED_OVER';
/** A line of progress each time. */
const PROGRESS_MS = 10_000;

/** The version of Node, and for each platform the name and integrity of its package. */
export const pinnedRuntime = readJson(new URL('./runtime.json', import.meta.url));

/** The first major version that `engines` accepts. */
export const oldestMajor = majorOf(readJson(join(packageRoot, 'package.json')).engines.node);

/**
 * To be called first in a script: returns where this Node is new enough. Elsewhere the same command line runs under the
 * pinned runtime, and this process ends as that one does.
 */
export async function enterRuntime() {
  if (majorOf(process.versions.node) >= oldestMajor) {
    putOnPath(process.execPath);
    endWithStarter();
    return;
  }
  let node;
  try {
    node = await ensureRuntime(join(packageRoot, '.runtime'), pinnedRuntime);
  } catch (error) {
    if (error.signal !== undefined) return endLike(error);
    fail(error.message);
  }
  putOnPath(node);
  await handOver(node);
}

/**
 * The pinned runtime's `node` in `folder`, fetched where it is not there. What is in its place is whole: the package is
 * fetched beside it, tried, and moved there.
 * @throws Error with a message for the user; with `signal` where a signal ended the fetch
 */
export async function ensureRuntime(folder, pinned) {
  const { version } = pinned;
  const { name, integrity } = packageFor(pinned);
  const home = join(folder, `${name}-${version}`);
  const node = join(home, 'bin', 'node');
  if (existsSync(node)) return node;

  const old = `Node ${process.versions.node} is older than ${oldestMajor}`;
  say(
    `${old}: fetching Node ${version} (${name}) from the npm registry into ${basename(folder)}/, this once`,
  );
  mkdirSync(folder, { recursive: true });
  removeAbandoned(folder);
  const aside = mkdtempSync(join(folder, `fetch-${process.pid}-`));
  const began = Date.now();
  const progress = setInterval(() => say(`fetching Node ${version}: ${secondsSince(began)} s`), PROGRESS_MS);
  try {
    await fetchPackage(aside, name, version, integrity);
    const fetched = join(aside, 'node_modules', name);
    checkVersion(join(fetched, 'bin', 'node'), version);
    moveTo(home, fetched, aside);
  } finally {
    clearInterval(progress);
    rmSync(aside, { recursive: true, force: true });
  }
  say(`Node ${version} is fetched after ${secondsSince(began)} s: running under it`);
  return node;
}

/**
 * Runs this very command line under another Node, and ends as it ends. Streams, arguments and signals are the same. Over the
 * IPC channel the other process notices when this one is killed, which passes no signal on.
 */
export async function handOver(node) {
  const args = [...process.execArgv, ...process.argv.slice(1)];
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
  const env = { ...process.env, [HANDED_OVER]: '1' };
  await endLike(await runWithSignals(node, args, { stdio, env }));
}

/** Ends this process in order where the one that handed over to it is gone: nobody else would pass a signal on to it. */
function endWithStarter() {
  if (process.env[HANDED_OVER] === undefined) return;
  delete process.env[HANDED_OVER];
  if (!process.connected) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // The listener alone must not keep the process alive.
  process.channel.unref();
}

function packageFor(pinned) {
  const platform = `${process.platform}-${process.arch}`;
  const found = pinned.packages[platform]; // made for glibc
  if (found !== undefined && !usesMusl()) return found;
  throw new Error(
    `Node ${process.versions.node} is older than ${oldestMajor}, and none can be fetched for ${platform}` +
      `${usesMusl() ? ' with musl' : ''}: install Node ${majorOf(pinned.version)} and start again with it`,
  );
}

/** Has npm install the package in `folder`. npm compares its sha512 with the one in the lockfile that is written here. */
async function fetchPackage(folder, name, version, integrity) {
  const dependencies = { [name]: version };
  writeJson(join(folder, 'package.json'), { private: true, dependencies });
  writeJson(join(folder, 'package-lock.json'), {
    lockfileVersion: 3,
    requires: true,
    packages: { '': { dependencies }, [`node_modules/${name}`]: { version, integrity } },
  });
  const { command, args } = npmCommand(process.execPath);
  // The options of the npm that may have started us (`npm ci --dry-run`, `npm install -g`) are not meant for this one.
  const options = [
    `--prefix=${folder}`,
    '--dry-run=false',
    '--global=false',
    '--ignore-scripts',
    '--loglevel=error',
  ];
  const output = [];
  const end = await runWithSignals(command, [...args, 'ci', ...options, '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    onOutput: (bytes) => output.push(bytes),
    killedBy: 'SIGKILL', // npm ends at SIGTERM only when the download has ended
  });
  if (end.received !== undefined) throw Object.assign(new Error('interrupted'), { signal: end.received });
  if (end.code === 0) return;
  process.stderr.write(Buffer.concat(output));
  throw new Error(`Node ${version} could not be fetched: npm's messages are above`);
}

function checkVersion(node, version) {
  const { stdout, error } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  if (error) throw new Error(`the fetched Node does not run here: ${error.message}`);
  if (stdout.trim() !== `v${version}`) throw new Error(`the fetched Node says that it is ${stdout.trim()}`);
}

/** Moves what is needed of the package to `home`, in one step. Another process may have been faster: that is as well. */
function moveTo(home, fetched, aside) {
  const whole = join(aside, 'whole');
  mkdirSync(whole);
  for (const part of ['bin', 'LICENSE'])
    if (existsSync(join(fetched, part))) renameSync(join(fetched, part), join(whole, part));
  try {
    renameSync(whole, home);
  } catch (error) {
    if (!existsSync(join(home, 'bin', 'node'))) throw error;
  }
}

/** Removes the folders of fetches whose process is gone. */
function removeAbandoned(folder) {
  for (const entry of readdirSync(folder)) {
    const pid = /^fetch-(\d+)-/.exec(entry)?.[1];
    if (pid !== undefined && !isRunning(Number(pid)))
      rmSync(join(folder, entry), { recursive: true, force: true });
  }
}

/** Makes `node` the one that is found on PATH, by this process and by those that it starts. */
function putOnPath(node) {
  const found = findOnPath('node');
  if (found !== undefined && realpathSync(found) === realpathSync(node)) return;
  process.env.PATH = [dirname(node), process.env.PATH].filter(Boolean).join(delimiter);
  // npm gave its own Node to its scripts by these names.
  for (const name of ['NODE', 'npm_node_execpath'])
    if (process.env[name] !== undefined) process.env[name] = node;
}

function majorOf(version) {
  return Number(/\d+/.exec(version)[0]);
}

function secondsSince(began) {
  return Math.round((Date.now() - began) / 1000);
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function writeJson(path, value) {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
