/**
 * Which machine events a trace keeps. Up to T2 nearly all; after it, when a whole kernel boots, the first few of each
 * sort, and everything that a rule judges. Without this a trace would grow with the dump.
 */

import type { MachineEvent } from '../../emulator/host/index.ts';

/** Of each sort and CPU. */
const BEFORE_ENTRY = 200;
const AFTER_ENTRY = 4;

export class Selection {
  readonly #counts = new Map<string, number>();

  /** Whether to keep the event. @param entered T2 has been. */
  keeps(event: MachineEvent, entered: boolean): boolean {
    // Limited by the plan, and few.
    if (event.kind === 'fetch' || event.kind === 'store' || event.kind === 'disk' || event.kind === 'reset') return true;
    const sort = event.kind === 'interrupt' ? `${event.addr}` : event.kind === 'msr' ? '' : (event.detail ?? '');
    const key = `${entered ? 'after' : 'before'} ${event.cpu} ${event.kind} ${sort}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count <= (entered ? AFTER_ENTRY : BEFORE_ENTRY);
  }
}
