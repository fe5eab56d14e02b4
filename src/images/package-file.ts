/** Opens one package file: what it is, by its own words, and its files. Nothing of it is trusted (docs/images.md). */

import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ArchiveEntry } from './archive-entry.ts';
import { readDebControl, readDebData } from './deb.ts';
import { imageError } from './errors.ts';
import type { PackageRecord } from './image-record.ts';
import { isRpm, readRpmData, readRpmIdentity } from './rpm.ts';

/** A package file; `sha256` is what its index promises, absent where there is no index. */
export type PackageFile = { readonly path: string; readonly sha256?: string };

/** A package that was looked at. Its bytes are not kept: {@link readPackageFiles} reads them again. */
export type Package = {
  readonly file: string;
  readonly path: string;
  readonly record: PackageRecord;
};

/** What is known of a package before its files are unpacked. */
type PackageIdentity = { readonly name: string; readonly version: string; readonly architecture: string };

/** The largest, the debug package of the kernel, has 718 MB. */
const MAX_PACKAGE_BYTES = 2 ** 30;
/** How distributions call the machine, and packages that fit every machine. */
const ARCHITECTURES: readonly string[] = ['ppc64el', 'ppc64le', 'all', 'noarch'];

/** @throws FormatError for a damaged or altered package, or one of another machine */
export async function openPackage({ path, sha256: expected }: PackageFile): Promise<Package> {
  const file = basename(path);
  const data = await readPackage(path, file);
  const identity: PackageIdentity = isRpm(data)
    ? readRpmIdentity(data, file)
    : await readDebControl(data, file);
  if (!ARCHITECTURES.includes(identity.architecture)) {
    throw imageError('image/wrong-architecture', `${file} is not for ppc64el`, {
      what: file,
      expected: 'ppc64el',
      actual: identity.architecture,
    });
  }
  const sha256 = hashOf(data);
  if (expected !== undefined) requireHash(file, expected, sha256, 'the package index promises');
  const record = { ...identity, bytes: data.length, sha256, indexed: expected !== undefined };
  return { file, path, record };
}

/** The package's files, in its order. @throws FormatError also where it is not what was opened */
export async function* readPackageFiles({
  file,
  path,
  record,
}: Package): AsyncGenerator<ArchiveEntry, void, undefined> {
  const data = await readPackage(path, file);
  requireHash(file, record.sha256, hashOf(data), 'it was a moment ago');
  yield* isRpm(data) ? readRpmData(data, file) : readDebData(data, file);
}

async function readPackage(path: string, file: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > MAX_PACKAGE_BYTES)
    throw imageError('image/too-large', `${file} has ${size} bytes`, {
      what: file,
      expected: `at most ${MAX_PACKAGE_BYTES}`,
      actual: `${size}`,
    });
  return await readFile(path);
}

function hashOf(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function requireHash(file: string, expected: string, actual: string, what: string): void {
  if (expected === actual) return;
  throw imageError('image/checksum', `${file} is not what ${what}`, { what: file, expected, actual });
}
