import { describe, expect, it } from 'vitest';
import { judgeRules, RULE_NAMES } from '../../../src/panic/index.ts';
import { endBefore, goodHandoff, inputOf, insertAfter } from '../../synth/rule-input.ts';
import { judged, onlyOneCpu, regsOf } from './judge.ts';

describe('judgeRules', () => {
  it('lists every rule once, in the order of the contract', () => {
    expect(judgeRules(inputOf(goodHandoff())).map(({ name }) => name)).toEqual(RULE_NAMES);
    expect(new Set(RULE_NAMES).size).toBe(38);
  });

  it('a good handoff: no rule is broken, and what does not apply says why', () => {
    const results = judgeRules(inputOf(goodHandoff()));
    expect(results.filter(({ verdict }) => verdict === 'broken')).toEqual([]);
    expect(results.filter(({ verdict }) => verdict === 'held').length).toBeGreaterThanOrEqual(25);
    for (const { verdict, note = '' } of results)
      if (verdict === 'not-applicable' || verdict === 'not-reached') expect(note).not.toBe('');
  });

  it('is pure: the same input twice gives the same, and is not changed', () => {
    const input = inputOf(goodHandoff());
    const before = JSON.stringify(input);
    expect(judgeRules(input)).toEqual(judgeRules(input));
    expect(JSON.stringify(input)).toBe(before);
  });

  it('a trace without any event and without an image: nothing is held or broken', () => {
    const { facts, ...handoff } = goodHandoff();
    const { load, loads, ...rest } = facts;
    const verdicts = judgeRules(inputOf({ ...handoff, facts: rest, steps: new Map() })).map(
      ({ verdict }) => verdict,
    );
    expect(verdicts).not.toContain('held');
    expect(verdicts).not.toContain('broken');
  });

  it('evidence: numbers of events that are there, ascending', () => {
    const input = inputOf(goodHandoff());
    for (const { evidence = [] } of judgeRules(input)) {
      expect([...evidence].sort((a, b) => a - b)).toEqual(evidence);
      for (const n of evidence) expect(input.events[n]?.n).toBe(n);
    }
  });
});

describe('path-panic', () => {
  it('held, with T0 and T1', () => {
    expect(judged('path-panic')).toMatchObject({ verdict: 'held', evidence: [0, 11] });
  });

  it('another CPU enters the image: broken', () => {
    const result = judged('path-panic', (h) => {
      const entry = h.steps.get('t1');
      if (entry !== undefined) entry.cpu = 0;
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('CPU 1 panicked') });
  });

  it('two CPUs enter the image: broken', () => {
    const result = judged('path-panic', (h) =>
      insertAfter(h, 't1', 'second', { cpu: 0, kind: 'fetch', detail: 'entry' }),
    );
    expect(result).toMatchObject({ verdict: 'broken', evidence: [11, 12] });
  });

  it('no CPU enters it: not reached', () => {
    expect(judged('path-panic', (h) => endBefore(h, 't1')).verdict).toBe('not-reached');
  });

  it('an ordinary kexec: not applicable', () => {
    const result = judged('path-panic', (h) => {
      if (h.facts.load !== undefined) h.facts.load.crash = false;
    });
    expect(result.verdict).toBe('not-applicable');
  });
});

describe('panic-skips-shutdown', () => {
  it('held', () => {
    expect(judged('panic-skips-shutdown')).toMatchObject({ verdict: 'held' });
  });

  for (const name of ['machine_shutdown', 'device_shutdown']) {
    it(`${name} executed on the way: broken`, () => {
      const result = judged('panic-skips-shutdown', (h) =>
        insertAfter(h, 'crash', 'bad', { cpu: 1, kind: 'fetch', detail: name }),
      );
      expect(result).toMatchObject({ verdict: 'broken', evidence: [2], note: expect.stringContaining(name) });
    });
  }

  it('device_shutdown of the crash kernel afterwards does not count', () => {
    const result = judged('panic-skips-shutdown', (h) =>
      insertAfter(h, 't3', 'later', { cpu: 1, kind: 'fetch', detail: 'device_shutdown' }),
    );
    expect(result.verdict).toBe('held');
  });

  it('the crash stops before T1: not reached', () => {
    expect(judged('panic-skips-shutdown', (h) => endBefore(h, 't1')).verdict).toBe('not-reached');
  });

  it('the guest has neither function: not applicable', () => {
    const result = judged('panic-skips-shutdown', (h) => {
      h.facts.probes = ['panic'];
    });
    expect(result.verdict).toBe('not-applicable');
  });
});

describe('master-entry', () => {
  it('held', () => {
    expect(judged('master-entry')).toMatchObject({ verdict: 'held', evidence: [11] });
  });

  for (const [register, value] of [
    ['r3', '0x0000000000000001'],
    ['r4', '0x0000000000000000'],
    ['r5', '0x0000000000000001'],
    ['r1', '0x0000000000000000'],
    ['raddr', '0x0000000000000000'],
  ] as const) {
    it(`wrong ${register}: broken`, () => {
      const result = judged('master-entry', (h) => {
        regsOf(h, 't1')[register] = value;
      });
      expect(result).toMatchObject({ verdict: 'broken', evidence: [11] });
    });
  }

  it('through address 0: broken', () => {
    const result = judged('master-entry', (h) =>
      insertAfter(h, 'copy', 'zero', {
        cpu: 1,
        kind: 'fetch',
        detail: 'low 0x100',
        regs: { raddr: '0x0000000000000000' },
      }),
    );
    expect(result).toMatchObject({ verdict: 'broken', evidence: [11, 12] });
  });

  it('not entered: not reached', () => {
    expect(judged('master-entry', (h) => endBefore(h, 't1')).verdict).toBe('not-reached');
  });

  it('a single CPU: held all the same', () => {
    expect(judged('master-entry', onlyOneCpu).verdict).toBe('held');
  });
});
