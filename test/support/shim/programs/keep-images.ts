/**
 * Imports, replaces and removes images, and marks in the shim's journal, as JSON, what is promised by then:
 * `node keep-images.ts FOLDER ROUNDS`.
 */

import { join } from 'node:path';
import { createImage, removeImage } from '../../../../src/images/catalogue.ts';
import { markJournal } from '../journal.ts';

/** Of the image `name`: what may be there, versions of its content, and `absent`. */
export type Promised = { readonly name: string; readonly may: readonly (number | 'absent')[] };

export function contentOf(version: number): Uint8Array {
  return Buffer.alloc(20_000, `version ${version} `);
}

if (process.argv[1] === import.meta.filename) {
  const [folder = '', rounds = ''] = process.argv.slice(2);
  await keep(join(folder, 'images'), Number(rounds));
}

async function keep(root: string, rounds: number): Promise<void> {
  const promise = (name: string, ...may: Promised['may']): void =>
    markJournal(process.env.KDUMPD_SHIM_JOURNAL ?? '', JSON.stringify({ name, may } satisfies Promised));
  for (let round = 1; round <= rounds; round++) {
    const name = `image-${round}`;
    promise(name, 'absent', round);
    await put(root, name, round);
    promise(name, round);
    promise(name, round, 100 + round);
    await put(root, name, 100 + round);
    promise(name, 100 + round);
    if (round % 2 === 1) continue;
    promise(name, 100 + round, 'absent');
    await removeImage(root, name);
    promise(name, 'absent');
  }
}

async function put(root: string, name: string, version: number): Promise<void> {
  await createImage(root, name, true, async (draft) => ({
    version: 1,
    name,
    kind: 'files',
    files: { kernel: await draft.add('kernel', [contentOf(version)]) },
    append: '',
    crashAppend: '',
    kexecOptions: '',
    agent: false,
    packages: [],
  }));
}
