import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path/posix';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** A file, what it imports, and the rules of .dependency-cruiser.cjs that it must break. */
type Row = readonly [file: string, imports: string, ...rules: string[]];

const rows: readonly Row[] = [
  ['src/base/up.ts', 'src/vmcore/leaf.ts', 'layer-base'],
  ['src/emulator/side.ts', 'src/vmcore/leaf.ts', 'layer-emulator'],
  ['src/crashkernel/side.ts', 'src/emulator/leaf.ts', 'layer-crashkernel'],
  ['src/vmcore/side.ts', 'src/crashkernel/leaf.ts', 'layer-vmcore'],
  ['src/vmcore/up.ts', 'src/panic/leaf.ts', 'layer-vmcore'],
  ['src/panic/up.ts', 'src/server/leaf.ts', 'layer-panic', 'only-cli-imports-server'],
  ['src/images/up.ts', 'src/server/leaf.ts', 'layer-images', 'only-cli-imports-server'],
  ['src/server/words.ts', 'src/cli/leaf.ts', 'nothing-imports-cli'],
  // The checker reports a circle once.
  ['src/panic/circle-a.ts', 'src/panic/circle-b.ts', 'no-circle'],
  ['src/panic/circle-b.ts', 'src/panic/circle-a.ts'],
  ['src/emulator/wasm/assert.ts', 'src/base/leaf.ts', 'wasm-imports-nothing-of-ours'],
  ['src/emulator/isa/meaning.ts', 'src/emulator/semantics/leaf.ts', 'isa-knows-no-meaning'],
  ['src/emulator/isa/registers.ts', 'src/emulator/cpu/leaf.ts', 'isa-knows-no-meaning'],
  ['src/emulator/devices/cpu.ts', 'src/emulator/cpu/leaf.ts', 'devices-see-no-cpu'],
  ['src/emulator/devices/mmu.ts', 'src/emulator/mmu/leaf.ts', 'devices-see-no-cpu'],
  ['src/emulator/devices/engine.ts', 'src/emulator/engine/leaf.ts', 'devices-see-no-cpu'],
  ['src/vmcore/format/read.ts', 'node:fs', 'format-does-no-io'],
  ['src/vmcore/format/read-later.ts', 'node:fs/promises', 'format-does-no-io'],
  ['src/vmcore/format/through.ts', 'src/vmcore/reader/file.ts', 'format-does-no-io'],
  ['src/panic/http.ts', 'fastify', 'fastify-in-server-only'],
  ['src/panic/plugin.ts', '@fastify/static', 'fastify-in-server-only'],
  ['src/vmcore/reader/sql.ts', 'better-sqlite3', 'sqlite-in-stores-only'],
  ['src/server/tested.ts', 'test/leaf.ts', 'src-never-imports-test'],
  ['src/server/lost.ts', 'src/base/nowhere.ts', 'resolvable'],
  // What must stay allowed.
  ['src/emulator/isa/down.ts', 'src/base/leaf.ts'],
  ['src/panic/down.ts', 'src/emulator/leaf.ts'],
  ['src/server/down.ts', 'src/panic/leaf.ts'],
  ['src/images/down.ts', 'src/panic/leaf.ts'],
  ['src/cli/down.ts', 'src/server/leaf.ts'],
  ['src/server/http.ts', 'fastify'],
  ['src/vmcore/reader/file.ts', 'node:fs'],
  ['src/vmcore/store/sql.ts', 'better-sqlite3'],
  ['src/emulator/devices/memory.ts', 'src/emulator/memory/leaf.ts'],
];

const root = process.cwd();
const work = mkdtempSync(join(tmpdir(), 'import-rules-'));
let broken: Map<string, string[]>;

describe('import rules', () => {
  beforeAll(() => {
    cpSync(join(root, 'tsconfig.json'), join(work, 'tsconfig.json'));
    cpSync(join(root, 'package.json'), join(work, 'package.json'));
    symlinkSync(join(root, 'node_modules'), join(work, 'node_modules'));
    for (const [file, imports] of rows) {
      if (imports.endsWith('/leaf.ts')) write(imports, 'export const leaf = 1;\n');
      write(
        file,
        `import '${imports.includes('/') ? specifier(file, imports) : imports}';\nexport const here = 1;\n`,
      );
    }
    broken = cruise();
  });

  afterAll(() => rmSync(work, { recursive: true }));

  it.each(rows)('%s imports %s → breaks exactly its rules', (file, _imports, ...rules) => {
    expect(broken.get(file) ?? []).toEqual(rules.sort());
  });

  it('every rule → has a row that breaks it, and a reason', async () => {
    const { default: config } = (await import(join(root, '.dependency-cruiser.cjs'))) as RulesModule;
    const exercised = new Set(rows.flatMap(([, , ...rules]) => rules));
    expect(new Set(config.forbidden.map((rule) => rule.name))).toEqual(exercised);
    for (const rule of config.forbidden) expect(rule.comment).toMatch(/\w{3}/);
  });
});

type RulesModule = { default: { forbidden: { name: string; comment: string }[] } };
type Report = { summary: { violations: { from: string; rule: { name: string } }[] } };

function write(file: string, text: string): void {
  mkdirSync(dirname(join(work, file)), { recursive: true });
  writeFileSync(join(work, file), text);
}

function specifier(file: string, imports: string): string {
  if (!imports.startsWith('src/') && !imports.startsWith('test/')) return imports;
  const path = relative(dirname(file), imports);
  return path.startsWith('.') ? path : `./${path}`;
}

/** The names of the rules that each file breaks, sorted. */
function cruise(): Map<string, string[]> {
  const entry = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [entry, 'src', '--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: work, encoding: 'utf8' });
  if (!stdout.startsWith('{')) throw new Error(`no report:\n${stdout}${stderr}`);
  const found = new Map<string, string[]>();
  for (const { from, rule } of (JSON.parse(stdout) as Report).summary.violations) {
    found.set(from, [...(found.get(from) ?? []), rule.name].sort());
  }
  return found;
}
