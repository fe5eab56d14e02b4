/** What the build makes once instead of every partition: held against what the sources make. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { MODES, modeKey } from '../../src/emulator/cpu/mode.ts';
import { buildInterpreter } from '../../src/emulator/engine/interpreter/interpreter.ts';
import { buildHelpers } from '../../src/emulator/semantics/helpers/compiled/index.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DIST = join(ROOT, 'dist');

beforeAll(() => {
  expect(build()).toBe(true);
});

describe('dist/', () => {
  it.each(MODES)('mode-N.wasm: %o → the bytes that the sources build', (mode) => {
    const made = readFileSync(join(DIST, 'emulator', 'engine', 'interpreter', `mode-${modeKey(mode)}.wasm`));
    expect(Buffer.compare(made, buildInterpreter(mode))).toBe(0);
  });

  it('helpers.wasm: → the bytes that the sources build', () => {
    const made = readFileSync(join(DIST, 'emulator', 'engine', 'interpreter', 'helpers.wasm'));
    expect(Buffer.compare(made, buildHelpers())).toBe(0);
  });

  it('bytes.js: → reads them, and imports nothing that builds them', () => {
    const text = readFileSync(join(DIST, 'emulator', 'engine', 'interpreter', 'bytes.js'), 'utf8');
    expect(text).toContain('.wasm');
    expect(text).not.toContain('interpreter.js');
    expect(text).not.toContain('helpers/compiled');
  });

  it('worker.js: → one file beside Node’s own modules and the bytes', () => {
    const text = readFileSync(join(DIST, 'emulator', 'host', 'worker.js'), 'utf8');
    const imported = [...text.matchAll(/^import .* from '([^']+)';$/gm)].map(([, name]) => name ?? '');
    expect(imported.filter((name) => !name.startsWith('node:'))).toEqual(['../engine/interpreter/bytes.js']);
  });
});

describe('a crash of the built-in guest', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kdumpd-finish-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('by dist/ → console and trace of the sources, byte for byte', () => {
    const crash = (name: string, main: readonly string[]): Buffer[] => {
      const files = ['trace', 'console'].map((kind) => join(folder, `${name}.${kind}`));
      const [trace, console] = files as [string, string];
      const options = ['--image', 'built-in', '--data', folder, '--trace', trace, '--console', console];
      execFileSync(process.execPath, [...main, 'crash', ...options], { cwd: ROOT, stdio: 'ignore' });
      return files.map((file) => readFileSync(file));
    };
    const built = crash('built', [join(DIST, 'cli', 'main.js')]);
    const sources = crash('sources', ['--import', 'tsx', join(ROOT, 'src', 'cli', 'main.ts')]);
    expect(built.map(({ length }) => length > 0)).toEqual([true, true]);
    expect(built).toEqual(sources);
  });
});
