/** A handoff that keeps every rule: two CPUs, the second one panics. Tests break it in one place each. */

import { assert } from '../../src/base/errors.ts';
import { hex64 } from '../../src/base/hex.ts';
import type { RuleInput } from '../../src/panic/rules/index.ts';
import type {
  EntryFacts,
  ImageFacts,
  Instant,
  LoadFacts,
  TraceEvent,
  TraceEventKind,
  TreeFacts,
} from '../../src/panic/trace/index.ts';
import {
  call,
  type Draft,
  eventOf,
  fetch,
  firstWrite,
  hcall,
  interrupt,
  msr,
  REAL,
  rtas,
  store,
  VIRTUAL,
} from './trace-events.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Step = { readonly insn: number; readonly tb: string; event: Draft };

/** A trace under construction. Its steps have names, by which tests change them. */
export type Handoff = {
  readonly cpus: { index: number; hardwareId: number; online?: boolean }[];
  readonly facts: Omit<Mutable<ImageFacts>, 'load' | 'entered'> & {
    load?: Mutable<LoadFacts>;
    entered?: Mutable<EntryFacts>;
  };
  readonly steps: Map<string, Step>;
  more: NonNullable<RuleInput['more']>;
};

export const ENTRY = 0x228a0700n;
export const KERNEL = 0x20000000n;
export const TREE = 0x2ffe0000n;
const PURGATORY = 0x228a0000n;
const BACKUP = 0x22880000n;
const CORE = 0x22890000n;
const INITRD = 0x228b0000n;
const STACK = 0x2ffdff90n;
/** Purgatory's first word is its own; the rest is the kernel's. */
const STUB = 'ab'.repeat(0x100);
const HEAD = `${'cd'.repeat(4)}${'ab'.repeat(0xfc)}`;
const MIB = 2 ** 20;

const LITTLE_ENDIAN = 1n;

/** The hardware ids are not the indexes, so that a rule about ids can fail. */
export function goodHandoff(): Handoff {
  const steps = new Map<string, Step>();
  const step = (name: string, event: Draft): void => {
    steps.set(name, { insn: steps.size * 1000, tb: hex64(steps.size * 512), event });
  };
  const real = REAL | LITTLE_ENDIAN;
  step('panic', call(1, 'panic'));
  step('crash', call(1, '__crash_kexec'));
  step('signal', hcall(1, 'H_SIGNAL_SYS_RESET'));
  step('reset', interrupt(0, 0x100));
  step('save', store(0, { at: 'note', cpu: 0 }, 0x3fd00000n, 4));
  step('save-master', store(1, { at: 'note', cpu: 1 }, 0x3fe00000n, 4));
  step('down-0', hcall(0, 'H_IPI', { r4: 8n, r5: 0xffn }));
  step('park', msr(0, VIRTUAL | LITTLE_ENDIAN, real, 8n));
  step('wait', call(0, 'kexec_wait', 'production', { r3: 8n, msr: real }));
  step('down-1', hcall(1, 'H_IPI', { r4: 9n, r5: 0xffn }));
  step('copy', store(1, 'low', 0n, 0x100));
  step('t1', fetch(1, 'entry', { raddr: ENTRY, r1: 0x1000n, r3: 9n, r4: ENTRY, msr: real }));
  step('slave', fetch(0, 'low', { raddr: 0x60n, r3: 8n, msr: REAL }));
  step('backup', store(1, { at: 'copy', role: 'backup' }, BACKUP, 8));
  step('boot-cpu', store(1, 'boot-cpu', TREE + 28n, 4));
  step('flag', store(1, 'run-at-load', KERNEL + 0x5cn, 4));
  step('t2', fetch(1, { at: 'segment', role: 'kernel' }, { raddr: KERNEL, r1: STACK, r3: TREE, r4: KERNEL }));
  step('start', call(1, 'start_kernel', 'crash', { raddr: KERNEL + 0x3cc8n }));
  step('t3', firstWrite());
  step('restart', call(1, 'machine_restart', 'crash'));
  step('shutdown', call(1, 'machine_shutdown', 'crash'));
  step('reboot', rtas(1, 'system-reboot'));
  return {
    cpus: [
      { index: 0, hardwareId: 8 },
      { index: 1, hardwareId: 9 },
    ],
    facts: {
      name: 'test',
      symbols: { production: 'kallsyms', crash: 'kallsyms' },
      probes: ['panic', '__crash_kexec', 'machine_shutdown', 'device_shutdown'],
      load: {
        crash: true,
        entry: hex64(ENTRY),
        segments: [
          { role: 'kernel', mem: hex64(KERNEL), bytes: 0x2880000 },
          { role: 'backup', mem: hex64(BACKUP), bytes: 0x10000 },
          { role: 'elfcorehdr', mem: hex64(CORE), bytes: 0x10000 },
          { role: 'purgatory', mem: hex64(PURGATORY), bytes: 0x10000 },
          { role: 'initrd', mem: hex64(INITRD), bytes: 0x100000 },
          { role: 'tree', mem: hex64(TREE), bytes: 0x10000 },
        ],
        head: HEAD,
        tree: goodTree(),
        core: {
          ranges: [
            { start: hex64(0), bytes: 0x10000, offset: hex64(BACKUP) },
            { start: hex64(0x10000), bytes: 512 * MIB - 0x10000, offset: hex64(0x10000) },
            { start: hex64(0x30000000), bytes: 256 * MIB, offset: hex64(0x30000000) },
          ],
        },
        purgatory: {
          byteOrder: 'little',
          knows: ['backup', 'kernel', 'tree'],
          regions: [{ start: hex64(KERNEL), bytes: 500 }],
          digest: 'equal',
        },
        runAtLoad: { at: hex64(KERNEL + 0x5cn), loaded: '306e7572', byteOrder: 'little' },
        notes: [hex64(0x3fd00000n), hex64(0x3fe00000n)],
        stub: STUB,
      },
      running: {
        memory: [{ start: hex64(0), bytes: 1024 * MIB }],
        rma: 256 * MIB,
        end: hex64(0x287c918),
        reservation: { start: hex64(0x20000000), bytes: 256 * MIB },
      },
      loads: [
        {
          insn: 10,
          cpu: 0,
          crash: true,
          entry: hex64(ENTRY),
          segments: [
            { mem: hex64(KERNEL), bytes: 0x2880000 },
            { mem: hex64(TREE), bytes: 0x10000 },
          ],
          result: 'ok',
          hooks: { prepare: 1, cleanup: 0 },
        },
      ],
      entered: { runAtLoad: '01000000', tree: { at: hex64(TREE), version: 17, bootCpu: 9 }, backup: STUB },
    },
    steps,
    more: [],
  };
}

function goodTree(): TreeFacts {
  return {
    bytes: 13500,
    version: 17,
    memory: [{ start: hex64(0), bytes: 1024 * MIB }],
    usable: [{ start: hex64(0), bytes: 768 * MIB }],
    reserved: [
      { start: hex64(0x10000), bytes: 512 * MIB - 0x10000 },
      { start: hex64(INITRD), bytes: 0x100000 },
    ],
    cpus: [8, 9],
    rtas: { base: hex64(0x2fff0000), entry: hex64(0x2fff0000), bytes: 4096 },
    bootargs: 'maxcpus=1 elfcorehdr=565824K ',
    initrd: { start: hex64(INITRD), end: hex64(INITRD + 0x100000n) },
    tce: [],
    leftovers: [],
  };
}

/** The input of rules, with the events in the order of the steps; instants are the steps of their name. */
export function inputOf(handoff: Handoff): RuleInput {
  const events = [...handoff.steps.values()].map(
    ({ event, insn, tb }, n): TraceEvent => eventOf(event, n, insn, tb),
  );
  const names = [...handoff.steps.keys()];
  const at = (name: string): Instant | undefined => {
    const event = events[names.indexOf(name)];
    return event === undefined
      ? undefined
      : { event: event.n, insn: event.insn, tb: event.tb, cpu: event.cpu };
  };
  const instants = { t0: at('panic'), t1: at('t1'), t2: at('t2'), t3: at('t3') };
  return {
    machine: { processor: 'power9', mmu: 'radix', cpus: handoff.cpus },
    image: handoff.facts,
    instants: Object.fromEntries(Object.entries(instants).filter(([, value]) => value !== undefined)),
    events,
    ...(handoff.more.length === 0 ? {} : { more: handoff.more }),
  };
}

/** Adds a step behind another one. */
export function insertAfter(handoff: Handoff, after: string, name: string, event: Draft): void {
  const all = [...handoff.steps];
  handoff.steps.clear();
  for (const [key, step] of all) {
    handoff.steps.set(key, step);
    if (key === after) handoff.steps.set(name, { insn: step.insn + 1, tb: step.tb, event });
  }
}

/** Moves a step behind another one. */
export function moveAfter(handoff: Handoff, after: string, name: string): void {
  const step = handoff.steps.get(name);
  assert(step !== undefined, `there is a step ${name}`);
  handoff.steps.delete(name);
  insertAfter(handoff, after, name, step.event);
}

/** A step's event, to change it. */
export function stepOf<Kind extends TraceEventKind>(handoff: Handoff, name: string, kind: Kind): Draft<Kind> {
  const event = handoff.steps.get(name)?.event;
  assert(event !== undefined && isOfKind(event, kind), `step ${name} is of kind ${kind}`);
  return event;
}

function isOfKind<Kind extends TraceEventKind>(event: Draft, kind: Kind): event is Draft<Kind> {
  return event.kind === kind;
}

/** Another event in a step's place. */
export function replaceStep(handoff: Handoff, name: string, event: Draft): void {
  const step = handoff.steps.get(name);
  assert(step !== undefined, `there is a step ${name}`);
  step.event = event;
}

/** Takes away everything from a step on. */
export function endBefore(handoff: Handoff, name: string): void {
  const names = [...handoff.steps.keys()];
  for (const each of names.slice(names.indexOf(name))) handoff.steps.delete(each);
}
