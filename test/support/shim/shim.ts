/** Builds the shim (shim.c) and gives a program the environment to run under it. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Control } from './control.ts';

const SOURCE = join(import.meta.dirname, 'shim.c');

/** Compiles the shim with gcc, once for each version of its source. @returns its path. @throws Error where that fails */
export function buildShim(): string {
  const version = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16);
  const library = join(tmpdir(), `kdumpd-shim-${process.getuid?.()}-${version}.so`);
  if (existsSync(library)) return library;
  const draft = join(mkdtempSync(join(tmpdir(), 'kdumpd-shim-')), 'shim.so');
  execFileSync('gcc', [
    '-shared',
    '-fPIC',
    '-O2',
    '-Wall',
    '-Werror',
    '-o',
    draft,
    SOURCE,
    '-ldl',
    '-lpthread',
  ]);
  // Other tests build it at the same time.
  renameSync(draft, library);
  return library;
}

/** A folder whose files the shim watches, with the shim's own files beside it. */
export type ShimmedFolder = {
  readonly folder: string;
  readonly control: Control;
  /** The journal's file; absent: none is kept. */
  readonly journal?: string;
  /** For the program that runs under the shim, added to its environment. */
  readonly env: Readonly<Record<string, string>>;
};

/**
 * @param folder exists; what the program keeps
 * @param own a folder outside of it for the shim's files
 */
export function shimFolder(folder: string, own: string, keepJournal: boolean): ShimmedFolder {
  mkdirSync(own, { recursive: true });
  const real = realpathSync(folder);
  const control = new Control(join(own, 'control'));
  const journal = join(own, 'journal');
  if (keepJournal) writeFileSync(journal, '', { mode: 0o600 });
  return {
    folder: real,
    control,
    ...(keepJournal ? { journal } : {}),
    env: {
      LD_PRELOAD: buildShim(),
      KDUMPD_SHIM_FOLDER: real,
      KDUMPD_SHIM_CONTROL: control.path,
      ...(keepJournal ? { KDUMPD_SHIM_JOURNAL: journal } : {}),
      // Writes by io_uring are no calls that a library could see.
      UV_USE_IO_URING: '0',
    },
  };
}
