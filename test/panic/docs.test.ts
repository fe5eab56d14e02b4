import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { judgeRules, RULE_NAMES } from '../../src/panic/index.ts';
import { goodHandoff, inputOf } from '../synth/rule-input.ts';

describe('docs/rules.md', () => {
  it('lists what is judged, and what is not, as the code does', () => {
    const text = readFileSync(fileURLToPath(new URL('../../docs/rules.md', import.meta.url)), 'utf8');
    const [judgedPart = '', restPart = ''] = text.split('Not evaluated yet:');
    const rows = [...judgedPart.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map((match) => match[1]);
    const rest = [...restPart.matchAll(/`([a-z0-9-]+)`/g)].map((match) => match[1]);
    const results = judgeRules(inputOf(goodHandoff()));
    const notEvaluated = results.filter(({ verdict }) => verdict === 'not-evaluated').map(({ name }) => name);
    expect(rest).toEqual(notEvaluated);
    expect(rows).toEqual(RULE_NAMES.filter((name) => !notEvaluated.includes(name)));
  });
});
