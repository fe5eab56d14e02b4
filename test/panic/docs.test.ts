import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { judgeRules, RULE_NAMES } from '../../src/panic/index.ts';
import { goodHandoff, inputOf } from '../synth/rule-input.ts';

describe('docs/rules.md', () => {
  it('has a row for every rule, in the order of the contract, and every rule is judged', () => {
    const text = readFileSync(fileURLToPath(new URL('../../docs/rules.md', import.meta.url)), 'utf8');
    const rows = [...text.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map((match) => match[1]);
    expect(rows).toEqual(RULE_NAMES);
    // Of a good handoff: what remains waits for memory and registers that its trace does not keep.
    for (const { verdict, note = '' } of judgeRules(inputOf(goodHandoff())))
      if (verdict === 'not-evaluated') expect(note).not.toBe('');
  });
});
