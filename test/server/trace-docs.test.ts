/** What docs/trace.md says of events and places is what the schemas say. UPDATE_DOCS=1 rewrites the generated parts. */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { EVENT_KINDS, SINGLE_PLACES } from '../../src/panic/trace/index.ts';
import { EVENT_SCHEMAS, TRACE_SCHEMAS } from '../../src/server/http/schemas/index.ts';

const FILE = fileURLToPath(new URL('../../docs/trace.md', import.meta.url));

type Schema = {
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
};

/** Fields that every event has; the text before the table describes them. */
const COMMON = ['kind', 'n', 'cpu', 'insn', 'tb', 'text'];
/** Longer lists of words stand in the OpenAPI document. */
const MOST_WORDS = 8;

function draw(): string {
  const rows = EVENT_KINDS.map((kind) => {
    const schema: Schema = EVENT_SCHEMAS[kind];
    return `| \`${kind}\` | ${schema.description} | ${fieldsOf(schema, COMMON)} |`;
  });
  return ['| kind | what happened | fields |', '|---|---|---|', ...rows].join('\n');
}

function fieldsOf({ properties = {}, required = [] }: Schema, without: readonly string[] = []): string {
  return Object.entries(properties)
    .filter(([name]) => !without.includes(name))
    .map(([name, field]) => `\`${name}${required.includes(name) ? '' : '?'}\`${shapeOf(field)}`)
    .join(', ');
}

function shapeOf(field: Schema): string {
  if (field.const !== undefined) return ` (\`${field.const}\`)`;
  if (field.enum !== undefined && field.enum.length <= MOST_WORDS)
    return ` (${field.enum.map((word) => `\`${word}\``).join(', ')})`;
  if (field.anyOf !== undefined) return ` {${field.anyOf.map((each) => fieldsOf(each)).join(' – or – ')}}`;
  if (field.items?.properties !== undefined) return ` [{${fieldsOf(field.items)}}]`;
  return field.properties === undefined ? '' : ` {${fieldsOf(field)}}`;
}

describe('docs/trace.md', () => {
  test('the table of kinds: drawn from the schemas', () => {
    const part = /<!-- events -->\n[\s\S]*?<!-- end -->/;
    const text = readFileSync(FILE, 'utf8');
    expect(text).toMatch(part);
    const expected = text.replace(part, () => `<!-- events -->\n${draw()}\n<!-- end -->`);
    if (process.env.UPDATE_DOCS === '1') writeFileSync(FILE, expected);
    expect(readFileSync(FILE, 'utf8')).toBe(expected);
  });

  test('places: a row for each, in order', () => {
    const others = ['note', 'segment', 'copy', 'function'];
    const rows = [...readFileSync(FILE, 'utf8').matchAll(/^\| `\{at: '([a-z-]+)'/gm)].map(([, at]) => at);
    expect(rows).toEqual([...SINGLE_PLACES, ...others]);
    const mark: Schema = TRACE_SCHEMAS.Mark;
    expect(mark.anyOf?.length).toBe(1 + others.length);
  });

  test('the document: a row for each of its fields', () => {
    const { properties = {} }: Schema = TRACE_SCHEMAS.Trace;
    const { properties: image = {} }: Schema = TRACE_SCHEMAS.ImageFacts;
    const text = readFileSync(FILE, 'utf8');
    for (const name of [...Object.keys(properties), ...Object.keys(image)])
      expect(text, name).toMatch(new RegExp(`^\\| .*\`${name}[\`.].* \\|`, 'm'));
  });
});
