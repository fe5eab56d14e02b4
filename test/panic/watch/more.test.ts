/** What a trace does not keep is counted in `more`: by the machine for each place, by the recorder for each kind. */

import { describe, expect, it } from 'vitest';
import { AddressNames } from '../../../src/panic/facts/symbols/index.ts';
import type { Mark, MoreEvents } from '../../../src/panic/trace/index.ts';
import { idOfMark, Recorder } from '../../../src/panic/watch/index.ts';
import { Selection } from '../../../src/panic/watch/selection.ts';
import { SymbolTable } from '../../../src/vmcore/analyse/index.ts';
import { type EventSpec, machineEvent } from '../../synth/machine-event.ts';

const NO_SYMBOLS = { source: 'none', base: 0, table: new SymbolTable([]) } as const;
const [BEFORE, AFTER] = [false, true];
const RTAS_BEFORE = 16;
const OTHERS_BEFORE = 64;

/** Feeds the event so many times. @returns how often it was kept, and what is counted */
function fed(spec: EventSpec, times: number, entered: boolean, selection: Selection = new Selection()) {
  let kept = 0;
  for (let n = 0; n < times; n++) if (selection.keeps(machineEvent(spec, { n, insn: n }), entered)) kept += 1;
  return { kept, more: selection.more };
}
describe('Selection', () => {
  it.each<[string, EventSpec, number, number, Partial<MoreEvents>]>([
    ['hcall', { kind: 'hcall', name: 'H_IPI', opcode: 0x6c }, OTHERS_BEFORE, 4, { name: 'H_IPI' }],
    ['hcall without a name', { kind: 'hcall', opcode: 0x7ff8 }, OTHERS_BEFORE, 4, { name: '0x7ff8' }],
    ['rtas', { kind: 'rtas', name: 'start-cpu' }, RTAS_BEFORE, 4, { name: 'start-cpu' }],
    [
      'rtas of a device',
      { kind: 'rtas', name: 'ibm,read-pci-config' },
      RTAS_BEFORE,
      0,
      { name: 'ibm,read-pci-config' },
    ],
    ['msr', { kind: 'msr', before: 0x30n }, OTHERS_BEFORE, 1, {}],
    ['eoi', { kind: 'eoi', source: 2 }, OTHERS_BEFORE, 4, {}],
    [
      'interrupt',
      { kind: 'interrupt', vector: 0x100, requestedBy: 'guest' },
      OTHERS_BEFORE,
      4,
      { name: '0x100' },
    ],
    ['run', { kind: 'run', change: 'stopped' }, OTHERS_BEFORE, 4, { name: 'stopped' }],
    ['census', { kind: 'census', state: 'ceded' }, OTHERS_BEFORE, 4, { name: 'ceded' }],
  ])(
    '%s → so many are kept before T2 and after it, the rest is counted exactly',
    (_what, spec, before, after, of) => {
      const counted = (count: number, since: number) => [{ cpu: 0, kind: spec.kind, ...of, count, since }];
      const early = fed(spec, 200, BEFORE);
      expect(early.kept).toBe(before);
      expect(early.more).toEqual(counted(200 - before, before));
      const late = fed(spec, 200, AFTER);
      expect(late.kept).toBe(after);
      expect(late.more).toEqual(counted(200 - after, after));
      // Before T2 and after it: one sum, since the earlier one. The second run's instructions are counted from 0 again.
      const selection = new Selection();
      fed(spec, 200, BEFORE, selection);
      expect(fed(spec, 200, AFTER, selection).more).toEqual(counted(400 - before - after, after));
    },
  );

  it('calls of any number of kinds → so many events in all, the rest is counted', () => {
    const selection = new Selection();
    let kept = 0;
    for (let opcode = 0; opcode < 1000; opcode++)
      kept += fed({ kind: 'hcall', opcode: 0x10000 + 4 * opcode }, 64, BEFORE, selection).kept;
    expect(kept).toBe(8192);
    expect(selection.more.reduce((sum, { count }) => sum + count, 0)).toBe(64_000 - 8192);
  });

  it('changes of the MSR that turn out to be of RTAS calls → do not count', () => {
    const selection = new Selection();
    let kept = 0;
    for (let call = 0; call < 10_000; call++) {
      kept += fed({ kind: 'msr', before: 0x30n }, 1, BEFORE, selection).kept;
      selection.forgetMsr(0, BEFORE);
    }
    expect(kept).toBe(10_000);
  });

  it('what limits of the plan hold down → always kept, never counted', () => {
    const specs: readonly EventSpec[] = [
      { kind: 'fetch', mark: { at: 'entry' } },
      { kind: 'store', mark: { at: 'low' } },
      { kind: 'disk' },
      { kind: 'reset' },
      { kind: 'fault' },
    ];
    for (const spec of specs)
      for (const entered of [BEFORE, AFTER]) expect(fed(spec, 200, entered)).toEqual({ kept: 200, more: [] });
  });

  it('each CPU and each call has a count of its own', () => {
    const selection = new Selection();
    fed({ kind: 'hcall', name: 'H_IPI', cpu: 0 }, 70, BEFORE, selection);
    fed({ kind: 'hcall', name: 'H_IPI', cpu: 1 }, 66, BEFORE, selection);
    fed({ kind: 'hcall', name: 'H_CPPR', cpu: 1 }, 65, BEFORE, selection);
    expect(selection.more).toEqual([
      { cpu: 0, kind: 'hcall', name: 'H_IPI', count: 6, since: 64 },
      { cpu: 1, kind: 'hcall', name: 'H_IPI', count: 2, since: 64 },
      { cpu: 1, kind: 'hcall', name: 'H_CPPR', count: 1, since: 64 },
    ]);
  });
});

describe('Recorder', () => {
  it('what the machine dropped → in `more`, with the mark of its number; nothing dropped → no `more`', () => {
    const recorder = new Recorder({
      machine: { processor: 'power9', mmu: 'radix', cpus: [{ index: 0, hardwareId: 0 }] },
      facts: { name: 'image', symbols: { production: 'none' }, probes: [] },
      names: new AddressNames({ production: NO_SYMBOLS, ranges: [] }),
    });
    expect(recorder.trace()).not.toHaveProperty('more');
    const panic: Mark = { at: 'function', name: 'panic', in: 'production' };
    const note: Mark = { at: 'note', cpu: 2047 };
    recorder.setDropped([
      { kind: 'fetch', cpu: 1, mark: idOfMark(panic), count: 3, since: 700 },
      { kind: 'store', cpu: 0, mark: idOfMark(note), count: 4, since: 800 },
    ]);
    recorder.add(machineEvent({ kind: 'fetch', mark: panic }, { n: 0, insn: 0 }));
    for (let n = 0; n < 70; n++) recorder.add(machineEvent({ kind: 'eoi', cpu: 1 }, { n, insn: n }));
    expect(recorder.trace().more).toEqual([
      { kind: 'fetch', cpu: 1, mark: panic, count: 3, since: 700 },
      { kind: 'store', cpu: 0, mark: note, count: 4, since: 800 },
      { kind: 'eoi', cpu: 1, count: 6, since: 64 },
    ]);
  });
});
