/**
 * Decides which machine events a trace keeps. Up to T2 it keeps nearly all. After T2 a whole kernel boots: it keeps the first
 * few of each kind and all that rules judge, so that the trace does not grow with the dump. Dropped events are counted.
 */

import type { ObservedEvent } from '../../emulator/contract/index.ts';
import type { MoreEvents } from '../trace/index.ts';

/** RTAS calls of the new kernel that are kept: those that start, stop and restart. All others are for its devices. */
const RTAS_AFTER_ENTRY: ReadonlySet<string> = new Set([
  'start-cpu',
  'stop-self',
  'query-cpu-stopped-state',
  'ibm,suspend-me',
  'ibm,os-term',
  'system-reboot',
  'power-off',
]);
/** Events kept of each group. A kernel that stores its log in NVRAM makes hundreds of RTAS calls. */
const BEFORE_ENTRY = { rtas: 16, others: 64 } as const;
const AFTER_ENTRY = { msr: 1, others: 4 } as const;

/** Kept of all groups together: a handoff of Linux has some hundred. */
const MOST_EVENTS = 8192;
/** Groups that are told apart: a guest chooses the numbers of the calls that do not exist. */
const MOST_GROUPS = 1024;

type Group = {
  seen: number;
  readonly of: Omit<MoreEvents, 'count' | 'since'>;
  dropped: number;
  since?: number;
};

export class Selection {
  readonly #groups = new Map<string, Group>();
  #kept = 0;

  /** Whether to keep the event. @param entered whether T2 is over */
  keeps(event: ObservedEvent, entered: boolean): boolean {
    switch (event.kind) {
      // Limited by the plan, and few.
      case 'fetch':
      case 'store':
      case 'disk':
      case 'reset':
      case 'fault':
        return true;
      // The new kernel loads a crash kernel of its own.
      case 'syscall':
      case 'syscall-return':
        if (entered) return false;
        break;
      case 'rtas':
        if (entered && !RTAS_AFTER_ENTRY.has(event.name)) return this.#drop(event, entered);
    }
    const group = this.#group(event, entered);
    group.seen++;
    const limit = entered
      ? event.kind === 'msr'
        ? AFTER_ENTRY.msr
        : AFTER_ENTRY.others
      : event.kind === 'rtas'
        ? BEFORE_ENTRY.rtas
        : BEFORE_ENTRY.others;
    if (group.seen > limit || this.#kept >= MOST_EVENTS) return this.#drop(event, entered);
    this.#kept++;
    return true;
  }

  /** Call it when a change of the MSR was kept that turned out to belong to an RTAS call: it no longer counts. */
  forgetMsr(cpu: number, entered: boolean): void {
    const group = this.#groups.get(keyOf(cpu, 'msr', '', entered));
    if (group === undefined) return;
    group.seen--;
    this.#kept--;
  }

  /** The counts of dropped events. */
  get more(): readonly MoreEvents[] {
    const sums = new Map<string, MoreEvents>();
    for (const { of, dropped, since } of this.#groups.values()) {
      if (since === undefined) continue;
      const key = `${of.cpu} ${of.kind} ${of.name ?? ''}`;
      const sum = sums.get(key);
      const first = Math.min(since, sum?.since ?? since);
      sums.set(key, { ...of, count: (sum?.count ?? 0) + dropped, since: first });
    }
    return [...sums.values()];
  }

  #drop(event: ObservedEvent, entered: boolean): false {
    const group = this.#group(event, entered);
    group.dropped++;
    group.since ??= event.insn;
    return false;
  }

  #group(event: ObservedEvent, entered: boolean): Group {
    const own = this.#groups.get(keyOf(event.cpu, event.kind, nameOf(event) ?? '', entered));
    if (own !== undefined) return own;
    const name = this.#groups.size < MOST_GROUPS ? nameOf(event) : undefined;
    const key = keyOf(event.cpu, event.kind, name ?? '', entered);
    const found = this.#groups.get(key);
    if (found !== undefined) return found;
    const of = { cpu: event.cpu, kind: event.kind, ...(name === undefined ? {} : { name }) };
    const group: Group = { seen: 0, dropped: 0, of };
    this.#groups.set(key, group);
    return group;
  }
}

function keyOf(cpu: number, kind: ObservedEvent['kind'], name: string, entered: boolean): string {
  return `${entered ? 'after' : 'before'} ${cpu} ${kind} ${name}`;
}

/** The key by which events of one kind are grouped and counted. */
function nameOf(event: ObservedEvent): string | undefined {
  switch (event.kind) {
    case 'hcall':
      return event.name ?? `0x${event.opcode.toString(16)}`;
    case 'rtas':
      return event.name;
    case 'interrupt':
      return `0x${event.vector.toString(16)}`;
    case 'run':
      return event.change;
    case 'census':
      return event.state;
    default:
      return undefined;
  }
}
