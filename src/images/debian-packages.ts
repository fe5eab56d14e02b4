/** Selects the packages of a Debian import among package files, checks them and unpacks them in memory. */

import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type DebControl, readDebControl, readDebData } from './deb.ts';
import { ImportError, imageError } from './errors.ts';
import { FileTree, MAX_TREE_BYTES } from './file-tree.ts';
import type { PackageRecord } from './image-record.ts';
import type { ReportProgress } from './progress.ts';

/** A package file; `sha256` is what its index promises, absent where there is no index. */
export type PackageFile = { readonly path: string; readonly sha256?: string };

/** A package that was read and is part of the import. */
export type DebianPackage = {
  readonly file: string;
  readonly data: Uint8Array;
  readonly record: PackageRecord;
};

export type Selection = {
  /** As `uname -r` says it. */
  readonly release: string;
  /** By name. */
  readonly packages: readonly DebianPackage[];
};

/** Programs and every library that they may need, in Debian 12. */
export const PROGRAM_PACKAGES: readonly string[] = [
  'kexec-tools',
  'makedumpfile',
  'busybox-static',
  'libc6',
  'liblzo2-2',
  'zlib1g',
  'liblzma5',
  'libbz2-1.0',
  'libdw1',
  'libelf1',
  'libzstd1',
];
/** Without these there is no image; libraries are asked for by what the programs need. */
const REQUIRED: readonly string[] = ['kexec-tools', 'makedumpfile', 'busybox-static'];
/** The largest, the debug package of the kernel, has 718 MB. */
const MAX_PACKAGE_BYTES = 2 ** 30;
/** The kernel with debugging data has 500 MB; it is kept beside the files of the other packages. */
const MAX_DEBUG_KERNEL_BYTES = 2 ** 30;
const KERNEL_PACKAGE = /^linux-image-([0-9].*powerpc64le)$/;
const DEBUG_PACKAGE = /^linux-image-([0-9].*powerpc64le)-dbg$/;
/** The paths that an import takes out of packages. */
const WANTED =
  /^(usr\/)?(bin\/|sbin\/|lib64\/|lib\/[^/]+$|lib\/powerpc64le-linux-gnu\/[^/]+$|lib\/modules\/)|^boot\/vmlinux-/;

/** Where the debug package has the kernel with debugging data. */
export function debugKernelPath(release: string): string {
  return `usr/lib/debug/boot/vmlinux-${release}`;
}

/**
 * Reads the files and chooses the kernel, its debug package where that is wanted, and the programs among them.
 * @param kernel the kernel release; absent: there must be just one
 * @throws ImportError for missing or ambiguous packages; FormatError for a damaged or altered one
 */
export async function selectPackages(
  files: readonly PackageFile[],
  kernel: string | undefined,
  debuginfo: boolean,
): Promise<Selection> {
  const chosen = new Map<string, DebianPackage>();
  for (const { path, sha256 } of files) {
    const file = basename(path);
    const data = await readPackage(path, file);
    const control = await readDebControl(data, file);
    const key = roleOf(control.name, kernel, debuginfo);
    if (key === undefined) continue;
    const other = chosen.get(key);
    if (other !== undefined) {
      const advice = key === control.name ? 'leave one' : 'say which kernel';
      throw new ImportError(
        'import/ambiguous-package',
        `both ${other.file} and ${file} are there: ${advice}`,
      );
    }
    chosen.set(key, { file, data, record: recordOf(file, data, control, sha256) });
  }
  const image = chosen.get('kernel');
  const release = KERNEL_PACKAGE.exec(image?.record.name ?? '')?.[1];
  const wanted = kernel ?? release ?? '…-powerpc64le';
  const needed = [
    ['kernel', `linux-image-${wanted}`],
    ...(debuginfo ? [['debug', `linux-image-${wanted}-dbg`]] : []),
    ...REQUIRED.map((name) => [name, name]),
  ] as const;
  for (const [key, name] of needed) {
    if (key !== undefined && chosen.has(key)) continue;
    throw new ImportError('import/package-missing', `there is no package ${name} for ppc64el`);
  }
  const packages = [...chosen.values()].sort((a, b) => (a.record.name < b.record.name ? -1 : 1));
  return { release: release ?? '', packages };
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

/** The files of the packages that an image may need. @throws FormatError; ImportError when cancelled */
export async function unpackPackages(
  selection: Selection,
  progress: ReportProgress,
  signal: AbortSignal | undefined,
): Promise<FileTree> {
  const isDebug = selection.packages.some(({ record }) => DEBUG_PACKAGE.test(record.name));
  const tree = new FileTree(MAX_TREE_BYTES + (isDebug ? MAX_DEBUG_KERNEL_BYTES : 0));
  const total = selection.packages.reduce((sum, { data }) => sum + data.length, 0);
  let done = 0;
  for (const { file, data, record } of selection.packages) {
    progress({ step: 'unpack', done, total, detail: file });
    if (DEBUG_PACKAGE.test(record.name)) await unpackDebug(tree, file, data, selection.release);
    else await unpackOne(tree, file, data, signal);
    done += data.length;
  }
  progress({ step: 'unpack', done, total });
  return tree;
}

async function unpackOne(
  tree: FileTree,
  file: string,
  data: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const entry of readDebData(data, file)) {
    if (signal?.aborted === true) throw new ImportError('import/cancelled', 'the import was cancelled');
    if (!WANTED.test(entry.path)) continue;
    if (entry.kind === 'file') {
      tree.requireRoom(entry.size, file);
      tree.addFile(entry.path, await entry.data(), entry.mode);
    } else if (entry.kind === 'symlink') tree.addLink(entry.path, entry.link);
    else if (entry.kind === 'hardlink') tree.addLink(entry.path, `/${entry.link}`);
  }
}

/** One file of 5 GB is wanted, and it comes early. */
async function unpackDebug(tree: FileTree, file: string, data: Uint8Array, release: string): Promise<void> {
  const path = debugKernelPath(release);
  for await (const entry of readDebData(data, file)) {
    if (entry.path !== path || entry.kind !== 'file') continue;
    tree.addFile(path, await entry.data(), entry.mode);
    return;
  }
}

/** What a package is chosen as: one of each. Undefined: it is not wanted. */
function roleOf(name: string, kernel: string | undefined, debuginfo: boolean): string | undefined {
  const isWanted = (release: string | undefined) => release !== undefined && release === (kernel ?? release);
  if (isWanted(KERNEL_PACKAGE.exec(name)?.[1])) return 'kernel';
  if (debuginfo && isWanted(DEBUG_PACKAGE.exec(name)?.[1])) return 'debug';
  return PROGRAM_PACKAGES.includes(name) ? name : undefined;
}

function recordOf(
  file: string,
  data: Uint8Array,
  control: DebControl,
  expected: string | undefined,
): PackageRecord {
  if (control.architecture !== 'ppc64el') {
    throw imageError('image/wrong-architecture', `${file} is not for ppc64el`, {
      what: file,
      expected: 'ppc64el',
      actual: control.architecture,
    });
  }
  const sha256 = createHash('sha256').update(data).digest('hex');
  if (expected !== undefined && expected !== sha256) {
    throw imageError('image/checksum', `${file} is not what the package index promises`, {
      what: file,
      expected,
      actual: sha256,
    });
  }
  return { ...control, bytes: data.length, sha256, indexed: expected !== undefined };
}
