/** The instruction tables against themselves and against binutils: every row decodes to itself, has a meaning, and has the assembler's name. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALL_ROWS, decode, type Row } from '../../../src/emulator/isa/index.ts';
import { SEMANTICS } from '../../../src/emulator/semantics/index.ts';
import { randomWord } from '../../differential/random-encoding.ts';
import { RandomSource } from '../../differential/random-source.ts';
import { needsProgram } from '../../support/programs.ts';

const OBJDUMP = 'powerpc64le-linux-gnu-objdump';
const WORDS_PER_ROW = 16;

/** Rows that are narrower than the assembler's mnemonic: the operand size is part of the name here. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['cmpwi', 'cmpi'],
  ['cmpdi', 'cmpi'],
  ['cmpw', 'cmp'],
  ['cmpd', 'cmp'],
  ['cmplwi', 'cmpli'],
  ['cmpldi', 'cmpli'],
  ['cmplw', 'cmpl'],
  ['cmpld', 'cmpl'],
]);

function sampleWords(): { readonly row: Row; readonly word: number }[] {
  const random = new RandomSource(1);
  return ALL_ROWS.flatMap((row) =>
    Array.from({ length: WORDS_PER_ROW }, () => ({ row, word: randomWord(random, row) })),
  );
}

describe('instruction tables', () => {
  it('decode: any operands of any row → that row', () => {
    const wrong = sampleWords().filter(({ row, word }) => decode(word) !== row);
    expect(wrong.map(({ row, word }) => `${row.mnemonic} ${(word >>> 0).toString(16)}`)).toEqual([]);
  });

  it('decode: words of no row → undefined', () => {
    for (const word of [0, 0x00000300, 0x7c0007ff, 0x04000000]) expect(decode(word)).toBeUndefined();
  });

  it('SEMANTICS: every row has a meaning', () => {
    const bases = new Set(ALL_ROWS.map((row) => row.base));
    expect([...bases].filter((base) => !SEMANTICS.has(base))).toEqual([]);
  });

  it('rows: mnemonics are unique', () => {
    const names = ALL_ROWS.map((row) => row.mnemonic);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it('rows: the name that objdump gives their words', () => {
    needsProgram(OBJDUMP);
    const samples = sampleWords();
    const words = samples.map((each) => each.word);
    const names = disassemble(words, 'power9');
    // POWER9 dropped the floating-point pairs from binutils' point of view.
    const older = disassemble(words, 'power6');
    expect([names.length, older.length]).toEqual([words.length, words.length]);
    const right = new Set<Row>();
    const wrong: string[] = [];
    samples.forEach(({ row, word }, i) => {
      const wanted = ALIASES.get(row.mnemonic) ?? row.mnemonic;
      if (names[i] === wanted || (names[i] === '.long' && older[i] === wanted)) right.add(row);
      // Invalid forms (RA = RT, odd register pairs) have no name.
      else if (names[i] !== '.long')
        wrong.push(`${(word >>> 0).toString(16)}: ${row.mnemonic}, not ${names[i]}`);
    });
    expect(wrong).toEqual([]);
    expect(ALL_ROWS.filter((row) => !right.has(row)).map((row) => row.mnemonic)).toEqual(NAMELESS);
  });
});

/** mftb reads timebase registers only, which random words do not name. */
const NAMELESS = ['mftb'];

function disassemble(words: readonly number[], processor: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-tables-'));
  try {
    const file = join(folder, 'words');
    const bytes = Buffer.alloc(words.length * 4);
    for (const [i, word] of words.entries()) bytes.writeInt32BE(word | 0, i * 4);
    writeFileSync(file, bytes);
    const options = [
      '-b',
      'binary',
      '-m',
      'powerpc:common64',
      '-EB',
      '-M',
      `${processor},raw`,
      '-D',
      '-z',
      file,
    ];
    const run = spawnSync(OBJDUMP, options, { encoding: 'utf8', maxBuffer: 2 ** 28 });
    expect(run.status).toBe(0);
    return [...run.stdout.matchAll(/^\s+[0-9a-f]+:\t(?:[0-9a-f]{2} ){4}\t(\S+)/gm)].map(
      (match) => match[1] as string,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
