/**
 * A schema that does not describe its type exactly does not compile: each case is compiled by TypeScript, with the options of
 * the project, and fails on its own line.
 */

import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const file = `${root}test/server/exact-schemas.case.ts`;

/** What is described, and the schema that is said to describe it. */
type Case = readonly [named: string, schema: string];

const EQUAL: Readonly<Record<string, Case>> = {
  'the same fields': ['{ a: string; b?: number }', 'Type.Object({ a: text, b: Type.Optional(int) })'],
  'readonly in the type alone': ['{ readonly a: readonly string[] }', 'Type.Object({ a: Type.Array(text) })'],
  'an intersection': ['{ a: string } & { b?: number }', 'Type.Object({ a: text, b: Type.Optional(int) })'],
  'a union, in any order': ["'x' | 'y' | null", "Type.Union([Type.Null(), Type.Enum(['y', 'x'])])"],
};
const PARTED: Readonly<Record<string, Case>> = {
  'the schema lacks an optional field': ['{ a: string; b?: number }', 'Type.Object({ a: text })'],
  'the type lacks an optional field': ['{ a: string }', 'Type.Object({ a: text, b: Type.Optional(int) })'],
  'the schema lacks a field': ['{ a: string; b: number }', 'Type.Object({ a: text })'],
  'the type lacks a field': ['{ a: string }', 'Type.Object({ a: text, b: int })'],
  'optional in the schema alone': ['{ a: string }', 'Type.Object({ a: Type.Optional(text) })'],
  'optional in the type alone': ['{ a?: string }', 'Type.Object({ a: text })'],
  'undefined for absent': ['{ a: string | undefined }', 'Type.Object({ a: Type.Optional(text) })'],
  'another literal': ["{ a: 'x' }", "Type.Object({ a: Type.Literal('y') })"],
  'a string for literals': ["{ a: 'x' | 'y' }", 'Type.Object({ a: text })'],
  'a member of a union is missing': [
    "{ kind: 'x' } | { kind: 'y'; n: number }",
    "Type.Object({ kind: Type.Literal('x') })",
  ],
  'an optional field deep inside': [
    '{ a: { b: { c: string; d?: string }[] } }',
    'Type.Object({ a: Type.Object({ b: Type.Array(Type.Object({ c: text })) }) })',
  ],
  'a field of one member of a union': [
    "{ kind: 'x' } | { kind: 'y'; n?: number }",
    "Type.Union([Type.Object({ kind: Type.Literal('x') }), Type.Object({ kind: Type.Literal('y') })])",
  ],
};

const cases = Object.entries({ ...EQUAL, ...PARTED });
const source = [
  "import { Type } from 'typebox';",
  "import { exactly } from '../../src/server/http/schemas/exact.ts';",
  'const [text, int] = [Type.String(), Type.Integer()] as const;',
  ...cases.map(([, [named, schema]]) => `exactly<${named}>()(${schema});`),
].join('\n');
const FIRST_LINE = 3;

const failures = new Map<string, string>();
const elsewhere: string[] = [];

beforeAll(() => {
  const config = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root, { noEmit: true });
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.getSourceFile = (name, ...rest) =>
    name === file
      ? ts.createSourceFile(name, source, options.target ?? ts.ScriptTarget.ES2023)
      : getSourceFile(name, ...rest);
  const program = ts.createProgram([file], options, host);
  for (const diagnostic of ts.getPreEmitDiagnostics(program)) {
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
    const line =
      diagnostic.file?.fileName === file
        ? diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line
        : -1;
    const name = cases[line - FIRST_LINE]?.[0];
    if (name === undefined) elsewhere.push(message);
    else failures.set(name, message);
  }
}, 60_000);

describe('exactly', () => {
  test('nothing else in the cases fails to compile', () => {
    expect(elsewhere).toEqual([]);
  });

  test.each(Object.keys(EQUAL))('%s: → compiles', (name) => {
    expect(failures.get(name)).toBeUndefined();
  });

  test.each(Object.keys(PARTED))('%s: → does not compile', (name) => {
    expect(failures.get(name)).toContain('doesNotDescribe');
  });
});
