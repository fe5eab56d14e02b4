/** Reads the resident memory of a process and all its descendants from Linux's /proc (proc(5)). */

import { readdirSync, readFileSync } from 'node:fs';

/** Bytes. */
export type Held = {
  /** VmRSS, added up: pages that several processes share count in each. */
  readonly rss: number;
  /** Proportional set size: a page that n share counts as 1/n in each. */
  readonly pss: number;
};

/** @throws Error when there is no such process */
export function heldByTree(root: number): Held {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parent = parentOf(pid);
    if (parent !== undefined) parents.set(pid, parent);
  }
  const tree = [root];
  // Grows while it is walked: children of children, too.
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  return tree.map(held).reduce((sum, each) => ({ rss: sum.rss + each.rss, pss: sum.pss + each.pss }));
}

function held(pid: number): Held {
  return {
    rss: kilobytes(`/proc/${pid}/status`, 'VmRSS'),
    pss: kilobytes(`/proc/${pid}/smaps_rollup`, 'Pss'),
  };
}

function kilobytes(path: string, field: string): number {
  const found = new RegExp(`^${field}:\\s+([0-9]+) kB$`, 'm').exec(readFileSync(path, 'utf8'));
  if (found === null) throw new Error(`${path} has no ${field}`);
  return Number(found[1]) * 1024;
}

/** The fourth field of stat; the second one, the name, may hold anything. */
function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined; // it has ended meanwhile
  }
}
