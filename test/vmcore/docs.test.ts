/**
 * What docs/ says of fields and errors is what the code says. UPDATE_DOCS=1 rewrites the generated parts.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as elf from '../../src/base/elf/index.ts';
import { FDT_HEADER } from '../../src/base/fdt/index.ts';
import type { StructTable } from '../../src/base/fields.ts';
import { fieldSize } from '../../src/base/fields.ts';
import * as crashkernel from '../../src/crashkernel/index.ts';
import * as vmcore from '../../src/vmcore/format/index.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const UPDATE = process.env.UPDATE_DOCS === '1';

const TABLES: readonly StructTable[] = [
  elf.ELF_HEADER,
  elf.PROGRAM_HEADER,
  elf.SECTION_HEADER,
  elf.SYMBOL,
  elf.NOTE_HEADER,
  FDT_HEADER,
  vmcore.PRSTATUS,
  vmcore.KDUMP_HEADER,
  vmcore.KDUMP_SUB_HEADER,
  vmcore.KDUMP_PAGE_DESC,
  vmcore.FLAT_HEADER,
  vmcore.FLAT_DATA_HEADER,
  crashkernel.DISK_HEADER,
  crashkernel.PLAN_ENTRY,
  crashkernel.PLAN_HEADER,
  crashkernel.PLAN_SEGMENT,
];

function draw(table: StructTable): string {
  const rows = Object.entries(table.fields).map(
    ([name, field]) =>
      `| 0x${field.offset.toString(16)} | ${fieldSize(field)} | \`${name}\` | ${field.type} | ${field.source} |`,
  );
  return [
    `\`${table.name}\`, ${table.size} bytes:`,
    '',
    '| offset | bytes | field | type | source |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** The files of docs/formats with their generated parts as they should be. */
function redraw(text: string, used: Set<string>): string {
  return text.replace(/<!-- fields: (.+?) -->\n[\s\S]*?<!-- end -->/g, (_, name: string) => {
    const table = TABLES.find((candidate) => candidate.name === name);
    if (table === undefined) throw new Error(`docs/formats names ${name}, which no field table has`);
    used.add(name);
    return `<!-- fields: ${name} -->\n${draw(table)}\n<!-- end -->`;
  });
}

/** Every file of src/, from its root. */
function sources(): string[] {
  const all = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  return all
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src', name))
    .sort();
}

/** Codes of catalogues (`*_ERRORS` in files named errors.ts) with their meanings, and codes raised without one. */
async function catalogue(): Promise<{
  listed: Map<string, [string, Record<string, string>]>;
  bare: Map<string, string>;
}> {
  const listed = new Map<string, [string, Record<string, string>]>();
  const bare = new Map<string, string>();
  const known = new Set<string>();
  const files = sources();
  for (const file of files.filter((name) => name.endsWith(`${sep}errors.ts`))) {
    const module = (await import(pathToFileURL(join(ROOT, file)).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(module)) {
      if (!name.endsWith('_ERRORS')) continue;
      listed.set(name, [file, value as Record<string, string>]);
      for (const code of Object.keys(value as object)) known.add(code);
    }
  }
  for (const file of files) {
    for (const [, code] of readFileSync(join(ROOT, file), 'utf8').matchAll(
      /new FormatError\(\s*'([^']+)'/g,
    )) {
      if (code !== undefined && !known.has(code)) bare.set(code, file);
    }
  }
  return { listed, bare };
}

async function errorsPage(): Promise<string> {
  const { listed, bare } = await catalogue();
  const lines = [
    '# Errors',
    '',
    'Bad input throws `FormatError` with one of these codes; it names the place (`offset`, in bytes) and what was expected and',
    'found, where there is a place. Codes are stable: programs may compare them, texts may change. What a guest does is never an',
    'error, and `BugError` is always ours. This page is drawn from the code by',
    '`UPDATE_DOCS=1 npx vitest run test/vmcore/docs.test.ts`, and a test compares it.',
    '',
  ];
  for (const [file, codes] of listed.values()) {
    lines.push(
      `## ${relative('src', file).split(sep).slice(0, -1).join('/')}`,
      '',
      '| code | meaning |',
      '|---|---|',
    );
    for (const [code, meaning] of Object.entries(codes)) lines.push(`| \`${code}\` | ${meaning} |`);
    lines.push('');
  }
  if (bare.size > 0) {
    lines.push('## Raised in one place', '', '| code | raised by |', '|---|---|');
    for (const [code, file] of [...bare].sort())
      lines.push(`| \`${code}\` | \`${file.split(sep).join('/')}\` |`);
    lines.push('');
  }
  return lines.join('\n');
}

function compare(path: string, expected: string): void {
  const file = join(ROOT, path);
  if (UPDATE) writeFileSync(file, expected);
  expect(readFileSync(file, 'utf8')).toBe(expected);
}

describe('docs', () => {
  it('docs/formats: every field table → drawn as it is, each once', () => {
    const used = new Set<string>();
    for (const name of readdirSync(join(ROOT, 'docs/formats')).filter((file) => file.endsWith('.md'))) {
      const path = join('docs/formats', name);
      compare(path, redraw(readFileSync(join(ROOT, path), 'utf8'), used));
    }
    expect([...used].sort()).toEqual(TABLES.map((table) => table.name).sort());
  });

  it('docs/errors.md: every code of the catalogues and of the sources → listed with its meaning', async () => {
    compare('docs/errors.md', await errorsPage());
  });

  it('catalogues: no code in two of them; every code is area/kind', async () => {
    const { listed, bare } = await catalogue();
    const codes = [...[...listed.values()].flatMap(([, list]) => Object.keys(list)), ...bare.keys()];
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) expect(code).toMatch(/^[a-z0-9-]+\/[a-z0-9-]+$/);
  });

  it('catalogues of base and vmcore: every code → thrown somewhere in the sources', async () => {
    const { listed } = await catalogue();
    const text = sources()
      .filter((file) => !file.endsWith('errors.ts'))
      .map((file) => readFileSync(join(ROOT, file), 'utf8'))
      .join('\n');
    for (const [file, codes] of listed.values()) {
      if (!file.startsWith(join('src', 'base')) && !file.startsWith(join('src', 'vmcore'))) continue;
      for (const code of Object.keys(codes)) expect(text, code).toContain(`'${code}'`);
    }
  });

  it('FormatError: every code that base and vmcore throw → in a catalogue', async () => {
    const { bare } = await catalogue();
    expect([...bare.values()].filter((file) => /^src.(base|vmcore)/.test(file))).toEqual([]);
  });
});
