/** Watches a daemon's process from outside (proc(5)) and how fast it answers. */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from './client.ts';

export type Peaks = { rss: number; files: number };

/** Resident bytes and open files now; undefined where the process is gone. */
export function lookAt(pid: number): Peaks | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kib = /^VmRSS:\s+([0-9]+) kB$/m.exec(status)?.[1];
    return { rss: Number(kib ?? 0) * 1024, files: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return undefined;
  }
}

const PROBED = ['/partitions', '/captures?limit=20', '/operations?limit=20', '/healthz'] as const;

/** Asks for small things by turns, until it is stopped. @param kept called with the milliseconds of each answer */
export async function probe(client: Client, stopped: AbortSignal, kept: (ms: number) => void): Promise<void> {
  for (let i = 0; !stopped.aborted; i++) {
    const from = performance.now();
    const { status } = await client.get(PROBED[i % PROBED.length] ?? '/healthz', 30_000);
    const took = performance.now() - from;
    if (status !== 0) kept(took);
    await pause(Math.max(5, 50 - took));
  }
}
