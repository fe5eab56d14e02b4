/**
 * Provides the built-in image: the guest kernel of guest/kernel, which is part of the package. It always exists, under a
 * name that no other image may have; kdumpd plans its loads (crashkernel/).
 */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { installedFile } from '../base/installation.ts';
import type { ImageFile, ImageRecord } from './image-record.ts';

export const BUILT_IN = 'built-in';

const KERNEL = ['guest', 'prebuilt', 'kernel.elf'] as const;
/**
 * 32 MiB above what the kernel uses and, in any memory from 128 MiB on, within the real-mode area and below what
 * firmware puts at its top; a CPU that does not stop is waited for for 10 s.
 */
const APPEND = 'crashkernel=32M@16M panic=10';

let read: Promise<ImageRecord> | undefined;

/** The image's record; its kernel is hashed once. */
export function builtInImage(): Promise<ImageRecord> {
  read ??= describe();
  return read;
}

/** Where its kernel lies, which is also what its symbols are read from. */
export function builtInKernel(): string {
  return installedFile(...KERNEL);
}

async function describe(): Promise<ImageRecord> {
  const bytes = await readFile(builtInKernel());
  const kernel: ImageFile = {
    file: KERNEL.join('/'),
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
  return {
    version: 1,
    name: BUILT_IN,
    kind: 'built-in',
    files: { kernel, vmlinux: kernel },
    append: APPEND,
    crashAppend: 'maxcpus=1',
    kexecOptions: '',
    agent: true,
    loader: 'own',
    packages: [],
  };
}
