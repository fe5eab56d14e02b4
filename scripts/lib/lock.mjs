/** One process at a time. Runs on old Node versions too. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';

const POLL_MS = 100;

/** Does `work` while no other process holds `path`, a file with the holder's process id; waits for it first. */
export function withLock(path, work) {
  while (!take(path)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  try {
    return work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** Whether a process of this id is there. */
export function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM'; // another user's
  }
}

function take(path) {
  try {
    writeFileSync(path, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    removeIfAbandoned(path);
    return false;
  }
}

function removeIfAbandoned(path) {
  let holder;
  try {
    holder = Number(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return; // just given back
    throw error;
  }
  // 0: its holder is about to write it.
  if (holder !== 0 && !isRunning(holder)) rmSync(path, { force: true });
}
