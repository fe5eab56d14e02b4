/** Events that were dropped: a rule that would conclude from their absence says that it does not know. */

import { describe, expect, it } from 'vitest';
import type { RuleName } from '../../../src/panic/rules/index.ts';
import type { MoreEvents } from '../../../src/panic/trace/index.ts';
import { goodHandoff, type Handoff, inputOf, insertAfter, KERNEL } from '../../synth/rule-input.ts';
import { call, fetch, hcall, store } from '../../synth/trace-events.ts';
import { judged } from './judge.ts';

/** Events that were dropped from T0 on, or from a step on. */
function dropped(more: Omit<MoreEvents, 'count'>, from = 'panic'): (h: Handoff) => void {
  return (h) => {
    const since = h.steps.get(from)?.insn ?? 0;
    h.more = [{ ...more, count: 7, since }];
  };
}

function without(...steps: readonly string[]): (h: Handoff) => void {
  return (h) => {
    for (const name of steps) h.steps.delete(name);
  };
}

const nothing = (): void => undefined;
const ordinary = (h: Handoff): void => {
  h.facts.path = 'kexec';
  h.facts.probes = ['device_shutdown', 'machine_shutdown', 'machine_kexec'];
};
const fn = (name: Extract<MoreEvents['mark'], { at: 'function' }>['name']) =>
  ({ at: 'function', name, in: 'production' }) as const;

/** What each would say without the drop, the change that makes it conclude from absence, and what was dropped. */
const CASES: readonly (readonly [RuleName, string, (h: Handoff) => void, Omit<MoreEvents, 'count'>])[] = [
  ['path-panic', 'held', nothing, { cpu: 0, kind: 'fetch', mark: { at: 'entry' } }],
  ['path-reboot', 'broken', ordinary, { cpu: 1, kind: 'fetch', mark: fn('device_shutdown') }],
  ['panic-skips-shutdown', 'held', nothing, { cpu: 1, kind: 'fetch', mark: fn('machine_shutdown') }],
  [
    'restart-shares-shutdown',
    'broken',
    without('shutdown'),
    { cpu: 1, kind: 'fetch', mark: { at: 'function', name: 'machine_shutdown', in: 'crash' } },
  ],
  ['crash-elsewhere', 'held', nothing, { cpu: 1, kind: 'store', mark: { at: 'above-vectors' } }],
  ['run-at-load-old-abi', 'not-applicable', nothing, { cpu: 1, kind: 'store', mark: { at: 'kernel-head' } }],
  ['flag-is-place-only', 'held', nothing, { cpu: 1, kind: 'store', mark: { at: 'above-vectors' } }],
  ['entry-layout', 'held', nothing, { cpu: 0, kind: 'store', mark: { at: 'kernel-head' } }],
  ['entry-layout', 'held', nothing, { cpu: 0, kind: 'interrupt', name: '0x700' }],
  ['purgatory-patched', 'broken', without('flag'), { cpu: 1, kind: 'store', mark: { at: 'run-at-load' } }],
  ['stop-reached', 'broken', without('save'), { cpu: 0, kind: 'store', mark: { at: 'note', cpu: 0 } }],
  ['cpu-down-order', 'held', nothing, { cpu: 0, kind: 'hcall', name: 'H_IPI' }],
  [
    'thread-identity',
    'not-applicable',
    without('down-0', 'down-1'),
    { cpu: 0, kind: 'hcall', name: 'H_IPI' },
  ],
  ['secondaries-parked', 'broken', without('park', 'wait'), { cpu: 0, kind: 'msr' }],
  ['static-only', 'held', nothing, { cpu: 1, kind: 'hcall', name: 'H_SET_MODE' }],
  ['copy-in-virtual', 'held', nothing, { cpu: 1, kind: 'store', mark: { at: 'copy', role: 'tree' } }],
  ['slaves-first-256', 'broken', without('copy'), { cpu: 1, kind: 'store', mark: { at: 'low' } }],
  ['slaves-at-0x60', 'broken', without('slave'), { cpu: 0, kind: 'fetch', mark: { at: 'low' } }],
  ['slaves-noticed', 'held', nothing, { cpu: 1, kind: 'store', mark: { at: 'low' } }],
  ['master-entry', 'held', nothing, { cpu: 1, kind: 'fetch', mark: { at: 'low' } }],
  ['stays-put', 'held', nothing, { cpu: 1, kind: 'store', mark: { at: 'above-vectors' } }],
];

/** Rules that conclude from what one CPU, which they name, does not do. */
const OF_ONE_CPU: ReadonlySet<RuleName> = new Set([
  'restart-shares-shutdown',
  'purgatory-patched',
  'secondaries-parked',
  'static-only',
  'slaves-first-256',
  'slaves-at-0x60',
  'slaves-noticed',
  'master-entry',
]);

describe.each(CASES)('%s', (rule, verdict, change, more) => {
  it(`${verdict} by what was kept; ${more.kind} dropped → not evaluated, and says what`, () => {
    expect(judged(rule, change).verdict).toBe(verdict);
    const result = judged(rule, (h) => {
      change(h);
      dropped(more)(h);
    });
    expect(result).toMatchObject({
      verdict: 'not-evaluated',
      note: expect.stringMatching(/^not all was kept that this is judged by: 7 more events .* were dropped$/),
    });
  });
});

describe.each(CASES.filter(([rule, , , { kind }]) => OF_ONE_CPU.has(rule) && kind !== 'interrupt'))(
  '%s',
  (rule, verdict, change, more) => {
    it('the same of another CPU was dropped → as before', () => {
      const result = judged(rule, (h) => {
        change(h);
        dropped({ ...more, cpu: 9 })(h);
      });
      expect(result.verdict).toBe(verdict);
    });
  },
);

describe('when an event was dropped', () => {
  const low = { cpu: 0, kind: 'fetch', mark: { at: 'low' } } as const;

  it('after what the rule asks for → as before', () => {
    expect(judged('master-entry', dropped({ ...low, cpu: 1 }, 't2')).verdict).toBe('held');
    expect(
      judged('panic-skips-shutdown', dropped({ cpu: 1, kind: 'fetch', mark: fn('machine_shutdown') }, 't3'))
        .verdict,
    ).toBe('held');
  });

  it('a rule that is broken by what was kept is broken all the same', () => {
    const result = judged('master-entry', (h) => {
      insertAfter(h, 'copy', 'zero', fetch(1, 'low'));
      dropped({ ...low, cpu: 1 })(h);
    });
    expect(result.verdict).toBe('broken');
  });

  it('the first is not known: after the last that was kept; none was kept → none was dropped before', () => {
    const unknown =
      (more: Omit<MoreEvents, 'count'>, change: (h: Handoff) => void = nothing) =>
      (h: Handoff) => {
        change(h);
        h.more = [{ ...more, count: 7 }];
      };
    const wild = (h: Handoff): void =>
      insertAfter(h, 'crash', 'kept', store(1, { at: 'copy', role: 'kernel' }, KERNEL, 8));
    expect(
      judged('copy-in-virtual', unknown({ cpu: 1, kind: 'store', mark: { at: 'copy', role: 'kernel' } }))
        .verdict,
    ).toBe('held');
    expect(judged('static-only', unknown({ cpu: 1, kind: 'store', mark: { at: 'low' } })).verdict).toBe(
      'not-evaluated',
    );
    expect(
      judged('copy-in-virtual', unknown({ cpu: 1, kind: 'store', mark: { at: 'copy', role: 'tree' } }, wild))
        .verdict,
    ).toBe('broken');
    // Calls have a limit of at least 16 up to T2, and another one after it.
    const calls = (before: number) => (h: Handoff) => {
      for (let i = 0; i < before; i++) insertAfter(h, 'panic', `call ${i}`, hcall(1, 'H_SET_MODE'));
      insertAfter(h, 't2', 'later', hcall(1, 'H_SET_MODE'));
    };
    const setMode = { cpu: 1, kind: 'hcall', name: 'H_SET_MODE' } as const;
    expect(judged('static-only', unknown(setMode, calls(3))).verdict).toBe('held');
    expect(judged('static-only', unknown(setMode, calls(16))).verdict).toBe('not-evaluated');
  });

  it('version 1 counts events that version 2 has no name for: no rule asks for them', () => {
    const plain = inputOf(goodHandoff());
    const named = (h: Handoff): void => {
      insertAfter(h, 'crash', 'more', call(1, 'crash_kexec'));
      h.more = [
        { cpu: 0, kind: 'fetch', count: 3 },
        { cpu: 1, count: 2 },
      ];
    };
    for (const rule of ['panic-skips-shutdown', 'static-only', 'slaves-noticed', 'stays-put'] as const)
      expect(judged(rule, named).verdict).toBe('held');
    expect(plain.more).toBeUndefined();
  });
});
