/**
 * Lists the instants of a handoff (docs/handoff.md) and the events by which each is recognised. The plan, the recorder and the
 * injection of faults read this one table.
 */

import { VECTOR } from '../../base/power.ts';
import {
  type EventMatch,
  type HcallName,
  type InstantName,
  type InstantPlan,
  type InstantRecord,
  type MachineEvent,
  matchesEvent,
  type PartitionHandle,
} from '../../emulator/contract/index.ts';
import {
  CRASH_FUNCTIONS,
  CRASH_SHUTDOWN_FUNCTIONS,
  type FunctionName,
  type HandoffPath,
  type Instant,
  LEAVE_FUNCTIONS,
  MACHINE_KEXEC_FUNCTIONS,
  type Mark,
  PANIC_FUNCTIONS,
} from '../trace/index.ts';
import { idOfMark } from './mark-ids.ts';

/** `handoff`: the kernel has begun to leave for the image and does not return. It is a phase, not an instant of the trace. */
export type WatchedInstant = InstantName | 'handoff' | 't3';

/** An event by which an instant is recognised. */
export type Sign =
  | EventMatch
  | { readonly kind: 'hcall'; readonly name: HcallName }
  /** The first write to the dump device. */
  | { readonly kind: 'dump' };

export type InstantRow = {
  readonly name: WatchedInstant;
  /** The instant that must have come before. */
  readonly after: Readonly<Partial<Record<HandoffPath, WatchedInstant>>>;
  readonly at: Readonly<Partial<Record<HandoffPath, readonly Sign[]>>>;
  /** What counts in a crash of a kernel that names none of the functions of {@link at}. */
  readonly unnamed?: { readonly functions: readonly FunctionName[]; readonly at: readonly Sign[] };
  /** The paths on which the machine keeps its memory and registers at this instant. */
  readonly kept: readonly HandoffPath[];
};

const calls = (names: readonly FunctionName[]): Sign[] =>
  names.map((name) => at({ at: 'function', name, in: 'production' }));
const at = (mark: Mark): Sign => ({ kind: 'fetch', mark: idOfMark(mark) });

const ENTRY: readonly Sign[] = [at({ at: 'entry' })];
/** In an image without purgatory the entry lies in the kernel's segment; the recorder then decides by the address. */
const NEW_KERNEL: readonly Sign[] = [at({ at: 'segment', role: 'kernel' })];

export const INSTANTS: readonly InstantRow[] = [
  {
    name: 't0',
    after: {},
    at: {
      crash: [
        ...calls(PANIC_FUNCTIONS),
        { kind: 'interrupt', vector: VECTOR.machineCheck },
        // A system reset that another CPU asks for stops a secondary.
        { kind: 'interrupt', vector: VECTOR.systemReset, requestedBy: 'outside' },
      ],
      kexec: calls(LEAVE_FUNCTIONS.kexec),
      restart: calls(LEAVE_FUNCTIONS.restart),
    },
    // An orderly way out leaves no dump to compare with memory at T0.
    kept: ['crash'],
  },
  {
    name: 'handoff',
    after: { crash: 't0', kexec: 't0', restart: 't0' },
    at: {
      crash: calls(CRASH_SHUTDOWN_FUNCTIONS),
      kexec: calls(MACHINE_KEXEC_FUNCTIONS),
      restart: calls(MACHINE_KEXEC_FUNCTIONS),
    },
    unnamed: {
      functions: CRASH_SHUTDOWN_FUNCTIONS,
      at: [...calls(CRASH_FUNCTIONS), { kind: 'hcall', name: 'H_SIGNAL_SYS_RESET' }],
    },
    kept: [],
  },
  {
    name: 't1',
    // Until an ordinary image is copied, its destination is memory in use, and other code may run there. A crash image has the reservation to itself.
    after: { kexec: 'handoff', restart: 'handoff' },
    at: { crash: ENTRY, kexec: ENTRY, restart: ENTRY },
    kept: ['crash', 'kexec'],
  },
  {
    name: 't2',
    after: { crash: 't1', kexec: 't1', restart: 't1' },
    at: { crash: NEW_KERNEL, kexec: NEW_KERNEL, restart: NEW_KERNEL },
    // A crash kernel leaves its image in place: what rules ask of it can be read later.
    kept: ['kexec'],
  },
  {
    name: 't3',
    after: { crash: 't2', kexec: 't2' },
    // A kernel that was entered by an ordinary kexec may dump, too: without elfcorehdr it should not.
    at: { crash: [{ kind: 'dump' }], kexec: [{ kind: 'dump' }] },
    kept: [],
  },
];

/** @throws nothing: every name has a row */
export function rowOf(name: WatchedInstant): InstantRow {
  return INSTANTS.find((row) => row.name === name) as InstantRow;
}

/** The events of the machine that mark an instant. A fault that waits for the instant waits for them. */
export function matchesOf(name: WatchedInstant, path: HandoffPath): readonly EventMatch[] {
  return (rowOf(name).at[path] ?? []).filter(
    (sign): sign is EventMatch => sign.kind === 'fetch' || sign.kind === 'interrupt',
  );
}

/** The instants at which the machine keeps its memory and registers. */
export function instantPlans(path: HandoffPath): readonly InstantPlan[] {
  return INSTANTS.flatMap(({ name, after, kept }) => {
    const before = after[path];
    if (!kept.includes(path) || name === 'handoff' || name === 't3') return [];
    return [
      {
        name,
        at: matchesOf(name, path),
        // In a crash T1 and T2 are recognised by their own events alone: no other event comes first by accident.
        ...(before === undefined || path === 'crash' ? {} : { after: matchesOf(before, path) }),
      },
    ];
  });
}

/**
 * Whether an event is one of an instant's signs.
 * @param dumpDisk index of the dump device among the disks
 * @param probes functions of the kernel that is left which have a probe
 */
export function isSign(
  name: WatchedInstant,
  path: HandoffPath,
  event: MachineEvent,
  dumpDisk: number | undefined,
  probes: readonly FunctionName[],
): boolean {
  return signsOf(rowOf(name), path, probes).some((sign) => shows(sign, event, dumpDisk));
}

function signsOf(
  { at, unnamed }: InstantRow,
  path: HandoffPath,
  probes: readonly FunctionName[],
): readonly Sign[] {
  if (path !== 'crash' || unnamed === undefined) return at[path] ?? [];
  return unnamed.functions.some((name) => probes.includes(name)) ? (at[path] ?? []) : unnamed.at;
}

function shows(sign: Sign, event: MachineEvent, dumpDisk: number | undefined): boolean {
  switch (sign.kind) {
    case 'hcall':
      return event.kind === 'hcall' && event.name === sign.name;
    case 'dump':
      return event.kind === 'disk' && event.write === 'first' && event.disk === dumpDisk;
    case 'fetch':
    case 'interrupt':
      return matchesEvent(sign, event);
  }
}

/**
 * What the machine kept at an instant of the trace; undefined where it kept nothing, or kept an earlier event: the
 * recorder knows what the machine cannot see, such as which CPU enters the image.
 */
export async function keptAt(
  handle: Pick<PartitionHandle, 'instant'>,
  name: InstantName,
  instant: Instant | undefined,
): Promise<InstantRecord | undefined> {
  if (instant === undefined) return undefined;
  const kept = await handle.instant(name);
  return kept?.insn === instant.insn ? kept : undefined;
}
