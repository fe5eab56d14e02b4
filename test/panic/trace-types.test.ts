/** What must not compile: an event or a mark that names what does not exist. The same line spelt rightly compiles. */

import { describe, expect, it } from 'vitest';
import { compileLines } from '../support/compile-lines.ts';

const PRELUDE = [
  "import type { MachineEvent, EventMatch, ObservePlan } from '../../src/emulator/contract/index.ts';",
  "import { isMark, type Mark, type MoreEvents, type TraceEvent } from '../../src/panic/trace/index.ts';",
  "import { idOfMark } from '../../src/panic/watch/index.ts';",
  "import { type EventSpec, machineEvent } from '../synth/machine-event.ts';",
  'declare const event: TraceEvent;',
  'declare const machine: MachineEvent;',
  'declare const mark: Mark;',
  'void [isMark, idOfMark, machineEvent, event, machine, mark];',
  'export type Used = EventMatch | ObservePlan | EventSpec | MoreEvents;',
].join('\n');

/** Right, and with something in it wrong. */
const LINES: readonly (readonly [what: string, right: string, wrong: string])[] = [
  ['a mark', "void idOfMark({ at: 'entry' });", "void idOfMark({ at: 'enrty' });"],
  ['a place that is compared', "void (mark.at === 'release');", "void (mark.at === 'released');"],
  ['a mark without its part', "void idOfMark({ at: 'note', cpu: 1 });", "void idOfMark({ at: 'note' });"],
  [
    'a role',
    "void isMark(mark, { at: 'copy', role: 'backup' });",
    "void isMark(mark, { at: 'copy', role: 'back-up' });",
  ],
  [
    'a function',
    "export const m: Mark = { at: 'function', name: 'machine_kexec', in: 'production' };",
    "export const m: Mark = { at: 'function', name: 'machine_kexek', in: 'production' };",
  ],
  [
    'a kernel',
    "export const m: Mark = { at: 'function', name: 'panic', in: 'crash' };",
    "export const m: Mark = { at: 'function', name: 'panic', in: 'crashed' };",
  ],
  ['a kind of a trace', "void (event.kind === 'eoi');", "void (event.kind === 'eio');"],
  ['a kind of the machine', "void (machine.kind === 'census');", "void (machine.kind === 'cencus');"],
  [
    'a register of a fetch',
    "if (event.kind === 'fetch') void event.regs.lr;",
    "if (event.kind === 'fetch') void event.regs.ctr;",
  ],
  [
    'a register of an interrupt',
    "if (machine.kind === 'interrupt') void machine.regs.srr0;",
    "if (machine.kind === 'interrupt') void machine.regs.srr2;",
  ],
  [
    'a register of a kind that has others',
    "if (event.kind === 'msr') void event.regs.before;",
    "if (event.kind === 'msr') void event.regs.lr;",
  ],
  [
    'a field of another kind',
    "if (event.kind === 'store') void event.length;",
    "if (event.kind === 'rtas') void event.length;",
  ],
  ['the words of version 1', 'void event.text;', 'void event.detail;'],
  [
    'who asked for a reset',
    "if (event.kind === 'interrupt') void (event.requestedBy === 'outside');",
    "if (event.kind === 'interrupt') void (event.requestedBy === 'operator');",
  ],
  [
    'a hypercall',
    "if (event.kind === 'hcall') void (event.name === 'H_EOI');",
    "if (event.kind === 'hcall') void (event.name === 'H_EIO');",
  ],
  [
    'a state',
    "if (machine.kind === 'census') void (machine.state === 'parked');",
    "if (machine.kind === 'census') void (machine.state === 'parkt');",
  ],
  [
    'a change',
    "if (machine.kind === 'run') void (machine.change === 'stopped');",
    "if (machine.kind === 'run') void (machine.change === 'is stopped');",
  ],
  [
    'what a plan waits for',
    "export const m: EventMatch = { kind: 'fetch', mark: 1 };",
    "export const m: EventMatch = { kind: 'fetch', mark: 'entry' };",
  ],
  [
    'a call that a plan leaves out',
    "export const calls: ObservePlan['hcallsExcept'] = ['H_CEDE'];",
    "export const calls: ObservePlan['hcallsExcept'] = ['H_CEED'];",
  ],
  [
    'a count of dropped events',
    "export const more: MoreEvents = { cpu: 0, kind: 'fetch', mark: { at: 'low' }, count: 1 };",
    "export const more: MoreEvents = { cpu: 0, kind: 'fetch', mark: 'low 0x100', count: 1 };",
  ],
  [
    'an event of a test',
    "void machineEvent({ kind: 'rtas', name: 'start-cpu' }, { n: 0, insn: 0 });",
    "void machineEvent({ kind: 'rtas', detail: 'start-cpu' }, { n: 0, insn: 0 });",
  ],
];

describe('events and marks', { timeout: 120_000 }, () => {
  const right = LINES.map(([, line]) => line);
  const wrong = LINES.map(([, , line]) => line);
  const messages = compileLines(import.meta.dirname, PRELUDE, [...right, ...wrong]);

  it.each(LINES.map(([what], i) => [what, i] as const))('%s: compiles; misspelt: does not', (_what, i) => {
    expect(messages[i]).toEqual([]);
    expect(messages[LINES.length + i]).toHaveLength(1);
  });
});
