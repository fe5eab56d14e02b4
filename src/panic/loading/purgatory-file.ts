/** Reads kdumpd's own purgatory, which is part of the package. */

import { readFile } from 'node:fs/promises';
import { installedFile } from '../../base/installation.ts';
import { type Purgatory, readPurgatory } from '../../crashkernel/index.ts';

let read: Promise<Purgatory> | undefined;

/** kdumpd's purgatory, read once. */
export function ownPurgatory(): Promise<Purgatory> {
  read ??= readFile(installedFile('guest', 'prebuilt', 'purgatory.elf')).then((bytes) =>
    readPurgatory(new Uint8Array(bytes)),
  );
  return read;
}
