/** Finds guest/prebuilt/purgatory.elf of this installation, whether it runs from sources or from dist. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert } from '../../base/errors.ts';
import { type Purgatory, readPurgatory } from '../../crashkernel/index.ts';

const FILE = join('guest', 'prebuilt', 'purgatory.elf');
let read: Promise<Purgatory> | undefined;

/** Our purgatory, read once. */
export function ownPurgatory(): Promise<Purgatory> {
  read ??= readFile(find()).then((bytes) => readPurgatory(new Uint8Array(bytes)));
  return read;
}

function find(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, FILE))) {
    const parent = dirname(folder);
    assert(parent !== folder, 'guest/prebuilt is part of the installation');
    folder = parent;
  }
  return join(folder, FILE);
}
