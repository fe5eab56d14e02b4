/** Every file of meanings opens with its sections of the ISA and pseudo-code. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const FOLDER = fileURLToPath(new URL('../../../src/emulator/semantics', import.meta.url));
/** A table of meanings, or a function that makes one. */
const EMITS = /ReadonlyMap<string, Semantics> =|\): Semantics \{/;
const OPENING = /^\/\*\*[\s\S]*?\*\//;

it('semantics: every emitter → sections of the ISA and a line of pseudo-code in its header', () => {
  const names = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' });
  const files = names
    .filter((name) => name.endsWith('.ts') && name !== 'index.ts')
    .map((name) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') }))
    .filter(({ text }) => EMITS.test(text));
  expect(files.length).toBeGreaterThan(18);
  const bare = files.filter(({ text }) => {
    const [header] = OPENING.exec(text) ?? [''];
    return !/Power ISA 3\.0B, Book I/.test(header) || !/^ \* {5}\S.*(←|:)/m.test(header);
  });
  expect(bare.map(({ name }) => name)).toEqual([]);
});
