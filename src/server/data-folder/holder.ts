/**
 * Describes who holds a data folder, in a file beside the lock: owner.json. The lock alone decides; the file only says whom
 * to ask. One that a dead process left is overwritten by the next holder.
 */

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

export type Holder = {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  /** `http://…`; absent: it does not listen (yet). */
  readonly address?: string;
};

export function thisProcess(): Holder {
  return { pid: process.pid, host: hostname(), since: new Date().toISOString() };
}

/** Replaces the file at once, so that a reader finds a whole one; writes through no link. @throws the file system's error */
export function writeHolder(path: string, holder: Holder): void {
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${JSON.stringify(holder)}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(draft, path);
}

export function removeHolder(path: string): void {
  rmSync(path, { force: true });
}

/** @returns undefined where the holder has not said who it is, or its file cannot be read */
export function readHolder(path: string): Holder | undefined {
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // The sentence that is made of it says that the holder is unknown.
    return undefined;
  }
  return isHolder(found) ? found : undefined;
}

/** As part of a sentence: `process 12 on host a, which serves http://127.0.0.1:8470 since …`. */
export function describeHolder(holder: Holder | undefined): string {
  if (holder === undefined) return 'another process, which has not said who it is';
  const { pid, host, since, address } = holder;
  const what = address === undefined ? 'which works on it' : `which serves ${address}`;
  return `process ${pid} on host ${host}, ${what} since ${since}`;
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, host, since, address } = value as Record<string, unknown>;
  return (
    typeof pid === 'number' &&
    typeof host === 'string' &&
    typeof since === 'string' &&
    (address === undefined || typeof address === 'string')
  );
}
