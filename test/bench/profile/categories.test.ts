/** The table that says what a function's time is for: every folder has a row, and rows are found by place and name. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { meaningOf, placeOf, TABLE } from '../../../bench/profile/categories.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Every source file of a folder, as `src/…`. */
function sourcesOf(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile() && each.name.endsWith('.ts') && !each.name.endsWith('.d.ts'))
    .map((each) => join(each.parentPath, each.name).slice(ROOT.length));
}

function built(source: string): string {
  return `file:///anywhere/dist/${source.slice('src/'.length).replace(/\.ts$/, '.js')}`;
}

function frame(url: string, functionName = 'work'): Parameters<typeof meaningOf>[0] {
  return { url, functionName, lineNumber: 1 };
}

describe('meaningOf', () => {
  for (const folder of readdirSync(join(ROOT, 'src')))
    it(`every file of src/${folder} → has a meaning`, () => {
      const sources = sourcesOf(`src/${folder}`);
      expect(sources.length).toBeGreaterThan(0);
      expect(sources.filter((source) => meaningOf(frame(built(source))) === undefined)).toEqual([]);
    });

  /** A row for a whole of src/emulator, src/panic or src/vmcore alone would take in what is new. */
  it.each(['src/emulator', 'src/panic', 'src/vmcore'])(
    'a file in a new folder of %s → takes no row by chance',
    (top) => {
      const meaning = meaningOf(frame(built(`${top}/new-folder/file.ts`)));
      expect(TABLE.some(({ at }) => at === top || at === `${top}/`)).toBe(false);
      expect(meaning).toBeUndefined();
    },
  );

  it('every row that names a place in src → is of a file or a folder that there is', () => {
    const all = sourcesOf('src');
    const named = TABLE.map(({ at }) => at).filter((at) => at.startsWith('src/'));
    expect(named.filter((at) => !all.some((source) => source.startsWith(at)))).toEqual([]);
  });

  it.each([
    ['wasm://wasm/interpreter-64-le-0a1b2c3d', 'run', 'interpreter'],
    ['wasm://wasm/interpreter-64-le-0a1b2c3d', 'handler_lvx', 'handlers'],
    ['wasm://wasm/interpreter-64-le-0a1b2c3d', 'slowRead', 'translation'],
    ['wasm://wasm/region-0a1b2c3d', 'run', 'regions'],
    [built('src/panic/reading/serve.ts'), 'ask', 'waiting'],
    [built('src/panic/reading/serve.ts'), 'machineOf', 'messages'],
    ['file:///x/node_modules/better-sqlite3/lib/database.js', 'prepare', 'sqlite'],
    ['file:///x/node_modules/@fastify/sse/dist/index.js', 'send', 'http'],
    ['node:internal/crypto/hash', 'update', 'hashing'],
    ['', '(garbage collector)', 'gc'],
    ['', '(idle)', 'waiting'],
    ['', 'postMessage', undefined],
  ] as const)('%s %s → %s', (url, name, meaning) => {
    expect(meaningOf(frame(url, name))).toBe(meaning);
  });
});

describe('placeOf', () => {
  it('a module of dist → the source that it was built from', () => {
    expect(placeOf(frame('file:///a/dist/emulator/engine/engine.js'))).toBe('src/emulator/engine/engine.ts');
  });
  it('a package that has a dist of its own → the package', () => {
    expect(placeOf(frame('file:///a/node_modules/node-cron/dist/_shared.js'))).toBe(
      'package/node-cron/dist/_shared.js',
    );
  });
});
