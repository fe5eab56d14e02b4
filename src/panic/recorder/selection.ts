/**
 * Which machine events a trace keeps. Up to T2 nearly all; after it, when a whole kernel boots, the first few of each
 * sort, and everything that a rule judges. Without this a trace would grow with the dump.
 */

import type { MachineEvent } from '../../emulator/host/index.ts';

/** Of each sort and CPU. A kernel that stores its log in NVRAM makes hundreds of RTAS calls. */
const BEFORE_ENTRY = { rtas: 16, others: 64 } as const;
const AFTER_ENTRY = 4;

export class Selection {
  readonly #counts = new Map<string, number>();

  /** Whether to keep the event. @param entered T2 has been. */
  keeps(event: MachineEvent, entered: boolean): boolean {
    // Limited by the plan, and few.
    if (event.kind === 'fetch' || event.kind === 'store' || event.kind === 'disk') return true;
    if (event.kind === 'reset' || event.kind === 'fault') return true;
    const key = sortOf(event, entered);
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (entered) return count <= AFTER_ENTRY;
    return count <= (event.kind === 'rtas' ? BEFORE_ENTRY.rtas : BEFORE_ENTRY.others);
  }

  /** The event was kept, and turned out not to count. */
  forget(kind: 'msr', cpu: number, entered: boolean): void {
    const key = sortOf({ kind, cpu }, entered);
    this.#counts.set(key, (this.#counts.get(key) ?? 1) - 1);
  }
}

function sortOf(event: Pick<MachineEvent, 'kind' | 'cpu' | 'addr' | 'detail'>, entered: boolean): string {
  const sort =
    event.kind === 'interrupt' ? `${event.addr}` : event.kind === 'msr' ? '' : (event.detail ?? '');
  return `${entered ? 'after' : 'before'} ${event.cpu} ${event.kind} ${sort}`;
}
