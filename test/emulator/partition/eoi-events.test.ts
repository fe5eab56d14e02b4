/** `eoi` events of a partition: XICS's by H_EOI, XIVE's by loads from a source's management page and by H_INT_ESB. */

import { describe, expect, it } from 'vitest';
import type { MachineEvent, ObservePlan } from '../../../src/emulator/contract/index.ts';
import { managementPage, triggerPage } from '../../../src/emulator/devices/xive/index.ts';
import { type HcallName, OPCODE } from '../../../src/emulator/platform/contract/opcodes.ts';
import { bareKernel } from '../../synth/bare-kernel.ts';
import { ATTN, dForm, li, li64, SC1 } from '../../synth/power-words.ts';

const XISR_IPI = 2;
/** The message source that the guest uses for IPIs of the first CPU. */
const SOURCE = 0;
const [TRIGGER, MANAGE] = [8, 9];
const KEPT = 20;
const [END, SET_READY] = [0, 0xc00];

/** Calls with arguments in r4 and on; undefined: what is there. */
function hcall(name: HcallName, ...args: readonly (number | undefined)[]): number[] {
  const loads = args.flatMap((value, i) => (value === undefined ? [] : [li(4 + i, value)]));
  return [...loads, li(3, OPCODE[name]), SC1];
}
const move = (to: number, from: number): number => dForm(24, from, to, 0);
const load = (page: number, offset: number): number => dForm(58, 10, page, offset); // ld r10
const trigger = dForm(36, 10, TRIGGER, 0); // stw r10

function eoisOf(events: readonly MachineEvent[]) {
  return events
    .filter((event) => event.kind === 'eoi')
    .map(({ cpu, controller, source, cppr }) => [cpu, controller, source, cppr]);
}

function run(words: readonly number[], plan: Partial<ObservePlan>, controller: 'xics' | 'xive') {
  const made = bareKernel([...words, ATTN], plan, [], { interruptController: controller });
  expect(made.partition.run(100_000)).toBe('ended');
  expect([...made.partition.unsupported.keys()]).toEqual([]);
  return made.events;
}

describe('XICS', () => {
  const accepts = [
    ...hcall('H_CPPR', 0xff),
    ...hcall('H_IPI', 0, 4),
    ...hcall('H_XIRR'),
    move(KEPT, 4),
    ...hcall('H_IPI', 0, 0xff),
  ];
  const ends = [move(4, KEPT), ...hcall('H_EOI')];

  it('H_EOI of an interrupt that was accepted → one event, before that of the call', () => {
    const events = run([...accepts, ...ends], {}, 'xics');
    expect(eoisOf(events)).toEqual([[0, 'xics', XISR_IPI, 0xff]]);
    expect(events.slice(-2)).toMatchObject([{ kind: 'eoi' }, { kind: 'hcall', name: 'H_EOI' }]);
  });

  it('a plan that leaves H_EOI out of the calls → the end all the same', () => {
    const events = run([...accepts, ...ends], { hcallsExcept: ['H_EOI'] }, 'xics');
    expect(eoisOf(events)).toEqual([[0, 'xics', XISR_IPI, 0xff]]);
    expect(events.at(-1)).toMatchObject({ kind: 'eoi' });
  });

  it('H_EOI with nothing pending, or of what has been ended → none', () => {
    expect(eoisOf(run([...hcall('H_EOI', XISR_IPI), ...hcall('H_EOI', 0)], {}, 'xics'))).toEqual([]);
    expect(eoisOf(run([...accepts, ...ends, ...ends], {}, 'xics'))).toHaveLength(1);
  });

  it('a plan that sleeps → none', () => {
    const sleep = { wakes: [], stays: [], reports: [] };
    expect(run([...accepts, ...ends], { sleep }, 'xics')).toEqual([]);
  });
});

describe('XIVE', () => {
  const setUp = [
    ...li64(TRIGGER, BigInt(triggerPage(SOURCE))),
    ...li64(MANAGE, BigInt(managementPage(SOURCE))),
    move(21, TRIGGER),
    move(22, MANAGE),
    ...hcall('H_INT_SET_SOURCE_CONFIG', 0, SOURCE, 0, 6),
    move(TRIGGER, 21),
    move(MANAGE, 22),
  ];
  const BY_XIVE = [0, 'xive', SOURCE, undefined];

  it.each([
    ['a load that ends', [load(MANAGE, END)]],
    ['a load that sets PQ to 00', [load(MANAGE, SET_READY)]],
    ['H_INT_ESB that ends', hcall('H_INT_ESB', 0, SOURCE, END)],
    ['H_INT_ESB that sets PQ to 00', hcall('H_INT_ESB', 0, SOURCE, SET_READY)],
  ])('%s → one event for one that was sent, none for the next', (_what, ends) => {
    const ready = [...setUp, load(MANAGE, SET_READY)];
    expect(eoisOf(run([...ready, ...ends], {}, 'xive'))).toEqual([]);
    expect(eoisOf(run([...ready, trigger, ...ends, ...ends], {}, 'xive'))).toEqual([BY_XIVE]);
  });
});
