/**
 * Which machine events a trace keeps. Up to T2 nearly all; after it, when a whole kernel boots, the first few of each
 * sort, and everything that a rule judges. Without this a trace would grow with the dump.
 */

import type { MachineEvent } from '../../emulator/host/index.ts';

/** RTAS calls of a kernel that was entered: those that start, stop and restart. All others are of its devices. */
const RTAS_AFTER_ENTRY: ReadonlySet<string> = new Set([
  'start-cpu',
  'stop-self',
  'query-cpu-stopped-state',
  'ibm,suspend-me',
  'ibm,os-term',
  'system-reboot',
  'power-off',
]);
/** Of each sort and CPU. A kernel that stores its log in NVRAM makes hundreds of RTAS calls. */
const BEFORE_ENTRY = { rtas: 16, others: 64 } as const;
const AFTER_ENTRY = { msr: 1, others: 4 } as const;

export class Selection {
  readonly #counts = new Map<string, number>();

  /** Whether to keep the event. @param entered T2 has been. */
  keeps(event: MachineEvent, entered: boolean): boolean {
    // Limited by the plan, and few.
    if (event.kind === 'fetch' || event.kind === 'store' || event.kind === 'disk') return true;
    if (event.kind === 'reset' || event.kind === 'fault') return true;
    // The new kernel loads a crash kernel of its own.
    if (entered && event.kind === 'syscall') return false;
    if (entered && event.kind === 'rtas' && !RTAS_AFTER_ENTRY.has(event.detail ?? '')) return false;
    const key = sortOf(event, entered);
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (entered) return count <= (event.kind === 'msr' ? AFTER_ENTRY.msr : AFTER_ENTRY.others);
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
