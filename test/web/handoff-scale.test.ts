import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placeEvents } from '../../web/src/handoff/layout.ts';
import {
  insnAt,
  layAxis,
  orderPositions,
  pan,
  positionOf,
  ticksOf,
  type View,
  viewAround,
  WHOLE,
  zoom,
} from '../../web/src/handoff/scale.ts';
import { formatBytes, formatCount, formatExact, plainConsole } from '../../web/src/model/format.ts';
import { synthTrace } from '../synth/handoff-trace.ts';

describe('layAxis', () => {
  const trace = synthTrace();
  const axis = layAxis(trace);

  test('a whole handoff → a segment between each two instants, covering 0 to 1', () => {
    expect(axis.segments.map((s) => s.name)).toEqual(['T0 → T1', 'T1 → T2', 'T2 → T3', 'T3 → T4']);
    expect(axis.segments[0]?.u0).toBe(0);
    expect(axis.segments.at(-1)?.u1).toBe(1);
    for (const [i, segment] of axis.segments.entries()) {
      expect(segment.u1).toBeGreaterThan(segment.u0);
      if (i > 0) expect(segment.u0).toBe(axis.segments[i - 1]?.u1);
    }
  });

  test('T0 → T1, a thousandth of the time → at least a tenth of the width', () => {
    const [first] = axis.segments;
    expect(((first?.to ?? 0) - (first?.from ?? 0)) / 727_940_551).toBeLessThan(0.001);
    expect((first?.u1 ?? 0) - (first?.u0 ?? 0)).toBeGreaterThan(0.1);
  });

  test('positions: never go back, and come back to their instruction', () => {
    const positions = trace.events.map((event) => positionOf(axis, event.insn));
    const byTime = trace.events
      .map((event, i) => [event.insn, positions[i] ?? 0] as const)
      .sort((a, b) => a[0] - b[0]);
    for (const [i, [insn, u]] of byTime.entries()) {
      expect(u).toBeGreaterThanOrEqual(byTime[i - 1]?.[1] ?? 0);
      expect(insnAt(axis, u)).toBeCloseTo(insn, -1);
    }
  });

  test.each([
    ['that ended at T0', synthTrace({ ends: 't0' }), ['T0 → end']],
    ['that ended in purgatory', synthTrace({ ends: 't1' }), ['T0 → T1', 'T1 → end']],
    ['without events', { events: [], instants: {} }, ['empty']],
    ['without instants', { events: synthTrace().events, instants: {} }, ['before → end']],
    [
      'with one event',
      {
        events: synthTrace().events.slice(0, 1),
        instants: { t0: { event: 0, insn: 1_212_450_118, tb: '', cpu: 1 } },
      },
      ['T0 → end'],
    ],
  ])('a trace %s → segments that cover it', (_what, cut, names) => {
    const laid = layAxis(cut);
    expect(laid.segments.map((s) => s.name)).toEqual(names);
    expect(laid.segments.at(-1)?.u1).toBe(1);
    for (const event of cut.events) {
      const u = positionOf(laid, event.insn);
      expect(u).toBeGreaterThanOrEqual(0);
      expect(u).toBeLessThanOrEqual(1);
    }
  });
});

test('views: whatever is zoomed, moved or fitted → inside 0 to 1, and of some width', () => {
  const step = fc.oneof(
    fc.tuple(fc.double({ min: 0.01, max: 100, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })).map(
      ([factor, about]) =>
        (view: View) =>
          zoom(view, factor, view.from + about * (view.to - view.from)),
    ),
    fc.double({ min: -3, max: 3, noNaN: true }).map((share) => (view: View) => pan(view, share)),
    fc
      .array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 })
      .map((positions) => () => viewAround(positions, 0.01)),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let view = WHOLE;
      for (const apply of steps) {
        view = apply(view);
        expect(view.from).toBeGreaterThanOrEqual(0);
        expect(view.to).toBeLessThanOrEqual(1 + 1e-12);
        expect(view.to - view.from).toBeGreaterThan(0);
      }
    }),
  );
});

test('zoom: the position under the pointer stays where it is', () => {
  const view = zoom({ from: 0.2, to: 0.6 }, 0.5, 0.3);
  expect((0.3 - view.from) / (view.to - view.from)).toBeCloseTo((0.3 - 0.2) / 0.4);
});

test('ticksOf: round, ascending, inside the view, none where there is no room', () => {
  const segment = { name: 'T0 → T1', from: 1_000_123, to: 1_512_727, u0: 0, u1: 0.4 };
  const ticks = ticksOf(segment, WHOLE, 1000);
  expect(ticks).toEqual([100_000, 200_000, 300_000, 400_000, 500_000]);
  expect(ticksOf(segment, { from: 0.5, to: 1 }, 1000)).toEqual([]);
  expect(ticksOf(segment, WHOLE, 50)).toEqual([]);
});

test('orderPositions: as far from each other, whatever the time between', () => {
  expect(orderPositions(synthTrace().events.slice(0, 4))).toEqual([0.125, 0.375, 0.625, 0.875]);
});

describe('placeEvents', () => {
  const events = synthTrace({ extraEvents: 300 }).events;
  const options = { gap: 13, clusterGap: 21, rows: 3 };

  test('far apart → one row; near → rows; more than the rows hold → a cluster that counts', () => {
    const at = (xs: readonly number[]) =>
      placeEvents(
        xs.map((x, i) => ({ x, event: events[i] ?? fail() })),
        options,
      );
    expect(at([0, 20, 40]).map((p) => p.row)).toEqual([0, 0, 0]);
    expect(at([0, 1, 2]).map((p) => p.row)).toEqual([0, 1, 2]);
    const crowded = at([0, 1, 2, 3, 4]);
    expect(crowded).toHaveLength(3);
    expect(crowded[2]).toMatchObject({ kind: 'cluster', row: 2, events: events.slice(2, 5) });
  });

  test('any positions → every event is shown once, and marks of a row keep their distance', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(500), { maxLength: 120 }), (xs) => {
        const placed = placeEvents(
          [...xs].sort((a, b) => a - b).map((x, i) => ({ x, event: events[i] ?? fail() })),
          options,
        );
        const shown = placed.flatMap((p) => (p.kind === 'event' ? [p.event] : p.events)).map((e) => e.n);
        expect(shown.toSorted((a, b) => a - b)).toEqual(xs.map((_x, i) => events[i]?.n));
        for (const row of [0, 1, 2]) {
          const marks = placed.filter((p) => p.row === row).map((p) => p.x);
          for (const [i, x] of marks.entries())
            if (i > 0) expect(x - (marks[i - 1] ?? 0)).toBeGreaterThanOrEqual(13);
        }
      }),
    );
  });
});

function fail(): never {
  throw new Error('too few events');
}

test('formats: → short, exact, and in powers of two', () => {
  expect([0, 999, 512_604, 1_212_450_118, 22_300_000].map(formatCount)).toEqual([
    '0',
    '999',
    '513\u202fK',
    '1.21\u202fG',
    '22.3\u202fM',
  ]);
  expect([512, 1 << 30, 22_400_000].map(formatBytes)).toEqual(['512\u202fB', '1\u202fGiB', '21.4\u202fMiB']);
  expect(formatExact(1_212_450_118)).toBe('1\u202f212\u202f450\u202f118');
});

test('plainConsole: escape sequences, returns and controls → text', () => {
  expect(plainConsole('a\u001b[31;1mred\u001b[0m\r\nb\r\r\nc\u0007\u001b]0;title\u0007d\u001b=e\tf')).toBe(
    'ared\nb\ncde\tf',
  );
});
