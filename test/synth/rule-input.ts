/** A handoff that keeps every rule: two CPUs, the second one panics. Tests break it in one place each. */

import { hex64 } from '../../src/base/hex.ts';
import type { RuleInput } from '../../src/panic/index.ts';
import type {
  EntryFacts,
  ImageFacts,
  Instant,
  LoadFacts,
  TraceEvent,
  TreeFacts,
} from '../../src/panic/trace/index.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type EditableEvent = Mutable<Omit<TraceEvent, 'regs'>> & { regs?: Record<string, string> };

/** A trace under construction. `step` names the events that tests change. */
export type Handoff = {
  readonly cpus: { index: number; hardwareId: number; online?: boolean }[];
  readonly facts: Omit<Mutable<ImageFacts>, 'load' | 'entered'> & {
    load?: Mutable<LoadFacts>;
    entered?: Mutable<EntryFacts>;
  };
  readonly steps: Map<string, EditableEvent>;
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

/** The hardware ids are not the indexes, so that a rule about ids can fail. */
export function goodHandoff(): Handoff {
  const steps = new Map<string, EditableEvent>();
  const step = (
    name: string,
    cpu: number,
    kind: string,
    rest: Partial<EditableEvent> & { values?: Record<string, bigint> },
  ): void => {
    const { values, ...others } = rest;
    const regs =
      values === undefined
        ? {}
        : { regs: Object.fromEntries(Object.entries(values).map(([k, v]) => [k, hex64(v)])) };
    steps.set(name, {
      n: 0,
      cpu,
      insn: steps.size * 1000,
      tb: hex64(steps.size * 512),
      kind,
      ...others,
      ...regs,
    });
  };
  const real = 0x8000000000001003n;
  step('panic', 1, 'fetch', { detail: 'panic' });
  step('crash', 1, 'fetch', { detail: '__crash_kexec' });
  step('signal', 1, 'hcall', { detail: 'H_SIGNAL_SYS_RESET', values: { status: 0n } });
  step('reset', 0, 'interrupt', { addr: hex64(0x100) });
  step('save', 0, 'store', { detail: 'note of cpu 0', addr: hex64(0x3fd00000n), values: { length: 4n } });
  step('save-master', 1, 'store', {
    detail: 'note of cpu 1',
    addr: hex64(0x3fe00000n),
    values: { length: 4n },
  });
  step('down-0', 0, 'hcall', { detail: 'H_IPI', values: { r4: 8n, r5: 0xffn, status: 0n } });
  step('park', 0, 'msr', { values: { before: real | 0x30n, after: real, r3: 8n } });
  step('wait', 0, 'fetch', { detail: 'kexec_wait', values: { r3: 8n, msr: real } });
  step('down-1', 1, 'hcall', { detail: 'H_IPI', values: { r4: 9n, r5: 0xffn, status: 0n } });
  step('copy', 1, 'store', { detail: 'low 0x100', addr: hex64(0), values: { length: 0x100n } });
  step('t1', 1, 'fetch', {
    detail: 'entry',
    values: { raddr: ENTRY, r1: 0x1000n, r3: 9n, r4: ENTRY, r5: 0n, msr: real },
  });
  step('slave', 0, 'fetch', {
    detail: 'low 0x100',
    values: { raddr: 0x60n, r3: 8n, msr: 0x8000000000001002n },
  });
  step('backup', 1, 'store', { detail: 'copy of backup', addr: hex64(BACKUP), values: { length: 8n } });
  step('boot-cpu', 1, 'store', { detail: 'boot cpu', addr: hex64(TREE + 28n), values: { length: 4n } });
  step('flag', 1, 'store', { detail: 'run at load', addr: hex64(KERNEL + 0x5cn), values: { length: 4n } });
  step('t2', 1, 'fetch', {
    detail: 'segment kernel',
    values: { raddr: KERNEL, r1: STACK, r3: TREE, r4: KERNEL, r5: 0n },
  });
  step('start', 1, 'fetch', { detail: 'crash kernel: start_kernel', values: { raddr: KERNEL + 0x3cc8n } });
  step('t3', -1, 'disk', { detail: 'first write' });
  step('restart', 1, 'fetch', { detail: 'crash kernel: machine_restart' });
  step('shutdown', 1, 'fetch', { detail: 'crash kernel: machine_shutdown' });
  step('reboot', 1, 'rtas', { detail: 'system-reboot' });
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
  const events = [...handoff.steps.values()].map((event, n): TraceEvent => ({ ...event, n }));
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
  };
}

/** Adds a step behind another one. */
export function insertAfter(
  handoff: Handoff,
  after: string,
  name: string,
  event: Partial<EditableEvent> & { cpu: number; kind: string },
): void {
  const all = [...handoff.steps];
  handoff.steps.clear();
  for (const [key, value] of all) {
    handoff.steps.set(key, value);
    if (key === after) handoff.steps.set(name, { n: 0, insn: value.insn + 1, tb: value.tb, ...event });
  }
}

/** Takes away everything from a step on. */
export function endBefore(handoff: Handoff, name: string): void {
  const names = [...handoff.steps.keys()];
  for (const each of names.slice(names.indexOf(name))) handoff.steps.delete(each);
}
