import { describe, expect, test } from 'vitest';
import type { Trace, TraceEvent } from '../../../src/panic/trace/index.ts';
import { queryTrace, type TraceQuery } from '../../../src/panic/trace/index.ts';
import { synthTrace } from '../../synth/handoff-trace.ts';

const trace: Trace = synthTrace({ cpus: 4, master: 2 });
const all = { limit: 10_000 };

function numbers(query: Partial<TraceQuery>, of: Trace = trace): readonly number[] {
  return queryTrace(of, { ...all, ...query }).events.map(({ n }) => n);
}
function numbersWhere(match: (event: TraceEvent) => boolean): readonly number[] {
  return trace.events.filter(match).map(({ n }) => n);
}

describe('queryTrace', () => {
  test('nothing asked: → every event, no next page', () => {
    expect(queryTrace(trace, all)).toEqual(trace);
  });

  test('CPUs and kinds: → events that match both', () => {
    const expected = numbersWhere(({ cpu, kind }) => (cpu === 0 || cpu === 3) && kind === 'msr');
    expect(expected.length).toBe(2);
    expect(numbers({ cpus: [0, 3], kinds: ['msr'] })).toEqual(expected);
    expect(numbers({ kinds: ['nothing'] })).toEqual([]);
  });

  test('from and to as instants: → the first is in, the last is not', () => {
    const { t0, t1 } = trace.instants;
    const found = numbers({ from: 't0', to: 't1' });
    expect(found[0]).toBe(t0?.event);
    expect(found.at(-1)).toBe((t1?.event ?? 0) - 1);
  });

  test('from and to as instruction counts: → the same bounds', () => {
    const at = trace.events[5]?.insn ?? 0;
    expect(numbers({ from: at })).toEqual(numbersWhere(({ insn }) => insn >= at));
    expect(numbers({ to: at })).toEqual(numbersWhere(({ insn }) => insn < at));
  });

  test('an instant that was not reached: → nothing after it, everything before it', () => {
    const failed = synthTrace({ ends: 't0' });
    expect(numbers({ from: 't1' }, failed)).toEqual([]);
    expect(numbers({ to: 't1' }, failed).length).toBe(failed.events.length);
  });

  test.each([1, 2, 7, 1000])('pages of %i: → together every event that matches, once', (limit) => {
    const found: number[] = [];
    let after: number | undefined;
    for (let pages = 0; pages < 1000; pages++) {
      const part = queryTrace(trace, { limit, cpus: [2], ...(after === undefined ? {} : { after }) });
      expect(part.events.length).toBeLessThanOrEqual(limit);
      found.push(...part.events.map(({ n }) => n));
      if (part.next === undefined) break;
      after = Number(part.next);
    }
    expect(found).toEqual(numbersWhere(({ cpu }) => cpu === 2));
  });

  test('a part: → rules, machine and instants are those of the whole', () => {
    const { rules, machine, instants } = queryTrace(trace, { ...all, cpus: [0] });
    expect({ rules, machine, instants }).toEqual({
      rules: trace.rules,
      machine: trace.machine,
      instants: trace.instants,
    });
  });
});
