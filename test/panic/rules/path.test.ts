import { describe, expect, it } from 'vitest';
import { CHAPTERS, judgeRules, RULE_NAMES, RULES } from '../../../src/panic/rules/index.ts';
import { HANDOFF_PATHS, SHUTDOWN_FUNCTIONS } from '../../../src/panic/trace/index.ts';
import { endBefore, goodHandoff, inputOf, insertAfter, stepOf } from '../../synth/rule-input.ts';
import { call, fetch } from '../../synth/trace-events.ts';
import { judged, onlyOneCpu } from './judge.ts';

describe('RULES', () => {
  it('each name once, chapters in the order of the contract, every row says what and who', () => {
    expect(new Set(RULE_NAMES).size).toBe(RULES.length);
    const chapters = RULES.map(({ chapter }) => CHAPTERS.indexOf(chapter));
    expect(chapters).toEqual([...chapters].sort((a, b) => a - b));
    for (const { asks, source, paths } of RULES) {
      expect(asks).toMatch(/^\S.*\.$/);
      expect(source).not.toBe('');
      expect(paths.length).toBeGreaterThan(0);
      expect(HANDOFF_PATHS.filter((path) => paths.includes(path))).toEqual(paths);
    }
  });
});

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
      stepOf(h, 't1', 'fetch').cpu = 0;
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('CPU 1 panicked') });
  });

  it('two CPUs enter the image: broken', () => {
    const result = judged('path-panic', (h) => insertAfter(h, 't1', 'second', fetch(0, 'entry')));
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

  for (const name of SHUTDOWN_FUNCTIONS) {
    it(`${name} executed on the way: broken`, () => {
      const result = judged('panic-skips-shutdown', (h) => insertAfter(h, 'crash', 'bad', call(1, name)));
      expect(result).toMatchObject({ verdict: 'broken', evidence: [2], note: expect.stringContaining(name) });
    });
  }

  it('another CPU shuts down while one panics: held', () => {
    const result = judged('panic-skips-shutdown', (h) =>
      insertAfter(h, 'crash', 'other', call(0, 'machine_shutdown')),
    );
    expect(result.verdict).toBe('held');
  });

  it('device_shutdown of the crash kernel afterwards does not count', () => {
    const result = judged('panic-skips-shutdown', (h) =>
      insertAfter(h, 't3', 'later', call(1, 'device_shutdown')),
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
  ] as const) {
    it(`wrong ${register}: broken`, () => {
      const result = judged('master-entry', (h) => {
        stepOf(h, 't1', 'fetch').regs[register] = value;
      });
      expect(result).toMatchObject({ verdict: 'broken', evidence: [11] });
    });
  }

  it('another real address: broken', () => {
    const result = judged('master-entry', (h) => {
      stepOf(h, 't1', 'fetch').raddr = '0x0000000000000000';
    });
    expect(result).toMatchObject({ verdict: 'broken', evidence: [11] });
  });

  it('through address 0: broken', () => {
    const result = judged('master-entry', (h) => insertAfter(h, 'copy', 'zero', fetch(1, 'low')));
    expect(result).toMatchObject({ verdict: 'broken', evidence: [11, 12] });
  });

  it('not entered: not reached', () => {
    expect(judged('master-entry', (h) => endBefore(h, 't1')).verdict).toBe('not-reached');
  });

  it('a single CPU: held all the same', () => {
    expect(judged('master-entry', onlyOneCpu).verdict).toBe('held');
  });
});
