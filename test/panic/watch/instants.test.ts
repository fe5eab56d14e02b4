/** The table of instants: every sign is an event that marks its instant, and every instant waits for the one before it. */

import { beforeEach, describe, expect, it } from 'vitest';
import { type MachineEvent, matchesEvent } from '../../../src/emulator/contract/index.ts';
import { AddressNames } from '../../../src/panic/facts/symbols/index.ts';
import {
  CRASH_SHUTDOWN_FUNCTIONS,
  type FunctionName,
  HANDOFF_PATHS,
  type HandoffPath,
  type Mark,
} from '../../../src/panic/trace/index.ts';
import { idOfMark, markOfId, Recorder } from '../../../src/panic/watch/index.ts';
import {
  INSTANTS,
  instantPlans,
  isSign,
  matchesOf,
  rowOf,
  type Sign,
} from '../../../src/panic/watch/instants.ts';
import { SymbolTable } from '../../../src/vmcore/analyse/index.ts';
import { ENTRY, KERNEL, PURGATORY } from '../../synth/crashing-guest.ts';
import { type EventSpec, machineEvent } from '../../synth/machine-event.ts';

const DUMP_DISK = 1;
const NO_SYMBOLS = { source: 'none', base: 0, table: new SymbolTable([]) } as const;
const PLACE = { entry: ENTRY, segment: KERNEL } as const;

/** An event that a sign stands for. */
function eventOf(sign: Sign): EventSpec {
  switch (sign.kind) {
    case 'fetch': {
      const mark = markOfId(sign.mark);
      const raddr = mark.at === 'entry' || mark.at === 'segment' ? PLACE[mark.at] : 0x4000;
      return { kind: 'fetch', mark, raddr, ea: BigInt(raddr) };
    }
    case 'interrupt':
      return {
        kind: 'interrupt',
        vector: sign.vector,
        ...(sign.requestedBy === undefined ? {} : { requestedBy: sign.requestedBy }),
      };
    case 'hcall':
      return { kind: 'hcall', name: sign.name };
    case 'dump':
      return { kind: 'disk', write: 'first', disk: DUMP_DISK };
  }
}

let n = 0;
beforeEach(() => {
  n = 0;
});
const made = (spec: EventSpec): MachineEvent => machineEvent(spec, { n: n++, insn: 10 * n });

/** A recorder of an image: purgatory with the entry, and a kernel. */
function recorder(path: HandoffPath, probes: readonly FunctionName[] = CRASH_SHUTDOWN_FUNCTIONS): Recorder {
  const part = (role: 'kernel' | 'purgatory', mem: number, memsz: number) => ({
    role,
    mem,
    memsz,
    bufsz: memsz,
  });
  const segments = [part('kernel', KERNEL, 0x100000), part('purgatory', PURGATORY, 0x10000)];
  const load = { entry: ENTRY, crash: path === 'crash', segments };
  return new Recorder({
    machine: { processor: 'power9', mmu: 'radix', cpus: [{ index: 0, hardwareId: 0 }] },
    facts: { name: 'image', path, symbols: { production: 'none' }, probes },
    image: {
      load,
      segments,
      notes: [],
      facts: { crash: load.crash, entry: '0x0', segments: [], notes: [], stub: '' },
    },
    names: new AddressNames({ production: NO_SYMBOLS, ranges: [] }),
    dumpDisk: DUMP_DISK,
  });
}

/** The instants that come before one, first to last. */
function before(
  name: (typeof INSTANTS)[number]['name'],
  path: HandoffPath,
): (typeof INSTANTS)[number]['name'][] {
  const previous = rowOf(name).after[path] ?? (path === 'crash' && name === 't1' ? 'handoff' : undefined);
  return previous === undefined ? [] : [...before(previous, path), previous];
}

/** Each row, way and sign. */
const SIGNS = INSTANTS.flatMap(({ name, at }) =>
  HANDOFF_PATHS.flatMap((path) => (at[path] ?? []).map((sign) => ({ name, path, sign }))),
);
const said = (sign: Sign): string =>
  sign.kind === 'fetch' ? `fetch ${JSON.stringify(markOfId(sign.mark))}` : JSON.stringify(sign);

describe('every sign', () => {
  it.each(SIGNS.map((each) => [each.path, each.name, said(each.sign), each] as const))(
    '%s, %s: %s → an event matches it, and the recorder takes the event for the instant',
    (_path, _name, _said, { name, path, sign }) => {
      const event = made(eventOf(sign));
      expect(isSign(name, path, event, DUMP_DISK, CRASH_SHUTDOWN_FUNCTIONS)).toBe(true);
      const recording = recorder(path);
      for (const each of before(name, path)) {
        const [first] = rowOf(each).at[path] ?? [];
        if (first === undefined) throw new Error(`${each} has no sign`);
        recording.add(made(eventOf(first)));
      }
      recording.add(made(eventOf(sign)));
      if (name === 'handoff') expect(recording.phase).toBe('handoff');
      else {
        const at = recording.instants[name];
        const seen = recording.trace().events;
        expect(at?.event).toBe(seen.length - 1);
        expect(seen[seen.length - 1]?.kind).toBe(event.kind);
      }
    },
  );

  it('an event of another instant, another CPU’s reset, another disk → no sign', () => {
    expect(
      isSign('t0', 'crash', made({ kind: 'interrupt', vector: 0x100, requestedBy: 'guest' }), 1, []),
    ).toBe(false);
    expect(
      isSign('t0', 'kexec', made({ kind: 'interrupt', vector: 0x100, requestedBy: 'outside' }), 1, []),
    ).toBe(false);
    expect(isSign('t3', 'crash', made({ kind: 'disk', write: 'first', disk: 0 }), DUMP_DISK, [])).toBe(false);
    expect(isSign('t3', 'crash', made({ kind: 'disk', write: 'last', disk: DUMP_DISK }), DUMP_DISK, [])).toBe(
      false,
    );
    const elsewhere: Mark = { at: 'function', name: 'panic', in: 'crash' };
    expect(isSign('t0', 'crash', made({ kind: 'fetch', mark: elsewhere }), DUMP_DISK, [])).toBe(false);
  });
});

describe('a handoff', () => {
  const called = (name: FunctionName): MachineEvent =>
    made({ kind: 'fetch', mark: { at: 'function', name, in: 'production' } });

  it('crash kexec is tried and CPUs are stopped, but nothing leaves: it has not begun', () => {
    const recording = recorder('crash');
    for (const name of ['panic', '__crash_kexec'] as const) recording.add(called(name));
    recording.add(made({ kind: 'hcall', name: 'H_SIGNAL_SYS_RESET' }));
    expect(recording.phase).toBe('panic');
    recording.add(called('machine_crash_shutdown'));
    expect(recording.phase).toBe('handoff');
  });

  it('a kernel that does not name what leaves: the try counts, and stopped CPUs do', () => {
    for (const event of [called('__crash_kexec'), made({ kind: 'hcall', name: 'H_SIGNAL_SYS_RESET' })]) {
      const recording = recorder('crash', []);
      recording.add(called('panic'));
      recording.add(event);
      expect(recording.phase).toBe('handoff');
    }
  });
});

describe('every after', () => {
  const rows = INSTANTS.flatMap((row) =>
    HANDOFF_PATHS.flatMap((path) => {
      const previous = row.after[path];
      return previous === undefined || row.name === 'handoff' ? [] : [{ ...row, path, previous }];
    }),
  );

  it.each(rows.map((row) => [row.path, row.name, row.previous, row] as const))(
    '%s: %s without %s → not taken for the instant',
    (_path, _name, _previous, { name, path, at, previous }) => {
      for (const sign of at[path] ?? []) {
        const recording = recorder(path);
        for (const each of before(previous, path)) {
          const [first] = rowOf(each).at[path] ?? [];
          if (first !== undefined) recording.add(made(eventOf(first)));
        }
        recording.add(made(eventOf(sign)));
        if (name !== 'handoff') expect(recording.instants[name]).toBeUndefined();
      }
    },
  );

  it('the handoff without T0 → none', () => {
    for (const path of HANDOFF_PATHS)
      for (const sign of rowOf('handoff').at[path] ?? []) {
        const recording = recorder(path);
        recording.add(made(eventOf(sign)));
        expect(recording.phase).toBe('triggered');
      }
  });
});

describe('instantPlans', () => {
  it('what the machine keeps, by way; T1 of a kexec waits for machine_kexec', () => {
    expect(instantPlans('crash').map(({ name, after }) => [name, after])).toEqual([
      ['t0', undefined],
      ['t1', undefined],
    ]);
    const machineKexec = {
      kind: 'fetch',
      mark: idOfMark({ at: 'function', name: 'machine_kexec', in: 'production' }),
    };
    expect(instantPlans('kexec')).toEqual([
      { name: 't1', at: [{ kind: 'fetch', mark: idOfMark({ at: 'entry' }) }], after: [machineKexec] },
      {
        name: 't2',
        at: [{ kind: 'fetch', mark: idOfMark({ at: 'segment', role: 'kernel' }) }],
        after: [{ kind: 'fetch', mark: idOfMark({ at: 'entry' }) }],
      },
    ]);
    expect(instantPlans('restart')).toEqual([]);
  });

  it('what the machine matches, the recorder takes for the same instant', () => {
    for (const path of HANDOFF_PATHS)
      for (const { name } of instantPlans(path))
        for (const sign of rowOf(name).at[path] ?? []) {
          const event = made(eventOf(sign));
          expect(matchesOf(name, path).some((match) => matchesEvent(match, event))).toBe(true);
        }
  });
});
