/** What docs/rules.md says of the rules is what the table says. UPDATE_DOCS=1 rewrites the generated part. */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CHAPTERS, judgeRules, RULE_NAMES, RULES } from '../../src/panic/rules/index.ts';
import { HANDOFF_PATHS } from '../../src/panic/trace/index.ts';
import { goodHandoff, inputOf } from '../synth/rule-input.ts';

const FILE = fileURLToPath(new URL('../../docs/rules.md', import.meta.url));
const GENERATED = /<!-- rules -->\n[\s\S]*?<!-- end -->/;

function draw(): string {
  const tables = CHAPTERS.map((chapter) => {
    const rows = RULES.filter((rule) => rule.chapter === chapter).map(
      ({ name, asks, paths, source }) =>
        `| \`${name}\` | ${asks} | ${paths.length === HANDOFF_PATHS.length ? 'all' : paths.join(', ')} | ${source} |`,
    );
    return [
      `**${chapter[0]?.toUpperCase()}${chapter.slice(1)}**`,
      '',
      '| rule | what must hold | ways out | who says so |',
      '|---|---|---|---|',
      ...rows,
    ].join('\n');
  });
  return `<!-- rules -->\n${tables.join('\n\n')}\n<!-- end -->`;
}

describe('docs/rules.md', () => {
  it('the contract: drawn from the table', () => {
    const text = readFileSync(FILE, 'utf8');
    expect(text).toMatch(GENERATED);
    const expected = text.replace(GENERATED, draw());
    if (process.env.UPDATE_DOCS === '1') writeFileSync(FILE, expected);
    expect(readFileSync(FILE, 'utf8')).toBe(expected);
  });

  const rowsOf = (title: string): (string | undefined)[] => {
    const text = readFileSync(FILE, 'utf8').replace(GENERATED, '');
    const section = text.split(/^## /m).find((each) => each.startsWith(title)) ?? '';
    return [...section.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map((match) => match[1]);
  };

  it('how each is judged: a row for every rule, in the order of the contract', () => {
    expect(rowsOf('How each is judged')).toEqual(RULE_NAMES);
  });

  it('when a rule is not judged: rules in the order of the contract', () => {
    const rows = rowsOf('When a rule is not judged');
    expect(rows.length).toBeGreaterThan(20);
    expect(rows).toEqual(RULE_NAMES.filter((name) => rows.includes(name)));
  });

  it('every rule is judged: of a good handoff, what is open says what it lacks', () => {
    for (const { verdict, note = '' } of judgeRules(inputOf(goodHandoff())))
      if (verdict === 'not-evaluated') expect(note).not.toBe('');
  });
});
