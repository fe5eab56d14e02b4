/** Mnemonics that binutils has for instruction words. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Row } from '../../../src/emulator/isa/index.ts';

export const OBJDUMP = 'powerpc64le-linux-gnu-objdump';

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

/** The mnemonic that the assembler has for a row. */
export function assemblerName({ mnemonic }: Row): string {
  return ALIASES.get(mnemonic) ?? mnemonic;
}

/** The mnemonic of each word on a processor; `.long` for one that it does not have. */
export function disassemble(words: readonly number[], processor: string): string[] {
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
