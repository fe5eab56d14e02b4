/** The instruction tables against themselves and against binutils: every row decodes to itself, has a meaning, and has the assembler's name. */

import { describe, expect, it } from 'vitest';
import { ALL_ROWS, decode, type Row } from '../../../src/emulator/isa/index.ts';
import { SEMANTICS } from '../../../src/emulator/semantics/index.ts';
import { randomWord } from '../../differential/random-encoding.ts';
import { RandomSource } from '../../differential/random-source.ts';
import { needsProgram } from '../../support/programs.ts';
import { assemblerName, disassemble, OBJDUMP } from './disassemble.ts';

const WORDS_PER_ROW = 16;

function sampleWords(): { readonly row: Row; readonly word: number }[] {
  const random = new RandomSource(1);
  return ALL_ROWS.flatMap((row) =>
    Array.from({ length: WORDS_PER_ROW }, () => ({ row, word: randomWord(random, row) })),
  );
}

describe('instruction tables', () => {
  it('decode: any operands of any row → that row', () => {
    const wrong = sampleWords().filter(({ row, word }) => decode(word, row.until) !== row);
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
      const wanted = assemblerName(row);
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
