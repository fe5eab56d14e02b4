/** Follows how the daemon stores the first capture, and what the process has used until then. */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Captures } from '../../../src/panic/captures/captures.ts';
import type { ThreadRecord } from '../record.ts';

/** @param dist the built daemon @returns the main thread's part of its record */
export async function followStoring(
  dist: string,
): Promise<() => Pick<ThreadRecord, 'storing' | 'processCpuUs'>> {
  const path = pathToFileURL(join(dist, 'panic', 'captures', 'captures.js')).href;
  const { prototype } = ((await import(path)) as { readonly Captures: typeof Captures }).Captures;
  const { store } = prototype;
  let storing: ThreadRecord['storing'];
  let processCpuUs = 0;
  prototype.store = async function (this: Captures, outcome) {
    const began = Number(process.hrtime.bigint());
    try {
      return await store.call(this, outcome);
    } finally {
      storing ??= { began, ended: Number(process.hrtime.bigint()) };
      const { user, system } = process.cpuUsage();
      if (processCpuUs === 0) processCpuUs = user + system;
    }
  };
  return () => ({ ...(storing === undefined ? {} : { storing }), processCpuUs });
}
