import { describe, expect, it } from 'vitest';
import { ruleLines } from '../../src/cli/rule-lines.ts';

describe('ruleLines', () => {
  it('each rule with its verdict, and why where it did not hold', () => {
    const text = ruleLines([
      { name: 'digest-ok', verdict: 'held', note: 'two digests' },
      { name: 'hv-quiet', verdict: 'not-evaluated', note: 'events were\ndropped' },
      { name: 'stop-reached', verdict: 'broken' },
    ]);
    expect(text).toBe(
      [
        '  held            digest-ok',
        '  not-evaluated   hv-quiet: events were\\x0adropped',
        '  broken          stop-reached',
        '',
      ].join('\n'),
    );
  });

  it('nothing was recorded → one line', () => {
    const note = 'no functions are known';
    const rules = ['digest-ok', 'hv-quiet'].map(
      (name) => ({ name, verdict: 'not-evaluated', note }) as const,
    );
    expect(ruleLines(rules)).toBe('  not-evaluated   every rule: no functions are known\n');
  });

  it('no rules → no lines', () => {
    expect(ruleLines([])).toBe('');
  });
});
