/** Chooses the packages of an import among package files, and unpacks what an image may need of them in memory. */

import { ImportError } from './errors.ts';
import { FileTree, MAX_TREE_BYTES } from './file-tree.ts';
import { DEBUG_KERNEL, DEBUG_KERNEL_PATH } from './kernel-file.ts';
import { kernelOf, pickKernel } from './kernel-package.ts';
import { openPackage, type Package, type PackageFile, readPackageFiles } from './package-file.ts';
import type { ReportProgress } from './progress.ts';

export type Selection = {
  /** The packages of one kernel, its debug package among them where that is wanted. */
  readonly kernel: readonly Package[];
  /** All others: programs and libraries. What goes into the image is seen when it is built. */
  readonly others: readonly Package[];
};

/** The kernel with debugging data has 500 MB; it is kept beside the files of the other packages. */
const MAX_DEBUG_KERNEL_BYTES = 2 ** 30;
/** Programs of the guest, and libraries: what is taken out of packages that are no kernel's. */
const USERLAND =
  /^(usr\/)?(s?bin\/(busybox[^/]*|kexec|makedumpfile)|lib64\/[^/]+|lib\/([^/]+-linux-gnu\/)?[^/]+)$/;
/** Kernel and modules. */
const KERNEL = /^boot\/vmlinu[xz]-|^(usr\/)?lib\/modules\//;

/**
 * Looks at every file and chooses the kernel.
 * @param kernel a kernel's release, the beginning of one, or a flavour; absent: there must be just one
 * @throws ImportError for a missing or ambiguous package; FormatError for a damaged or altered one
 */
export async function selectPackages(
  files: readonly PackageFile[],
  kernel: string | undefined,
  debuginfo: boolean,
): Promise<Selection> {
  const byName = new Map<string, Package>();
  for (const file of files) {
    const opened = await openPackage(file);
    const key = kernelOf(opened.record)?.key;
    const name = key === undefined ? opened.record.name : `${opened.record.name} ${key}`;
    const other = byName.get(name);
    if (other !== undefined)
      throw new ImportError(
        'import/ambiguous-package',
        `both ${other.file} and ${opened.file} are there: leave one`,
      );
    byName.set(name, opened);
  }
  const all = [...byName.values()].sort((a, b) => (a.record.name < b.record.name ? -1 : 1));
  const keys = all.flatMap(({ record }) => {
    const found = kernelOf(record);
    return found === undefined || found.isDebug ? [] : [found.key];
  });
  const chosen = pickKernel(new Set(keys), kernel);
  const ofKernel = all.filter(({ record }) => {
    const found = kernelOf(record);
    return found?.key === chosen && (debuginfo || !found.isDebug);
  });
  if (debuginfo && !ofKernel.some(({ record }) => kernelOf(record)?.isDebug === true))
    throw new ImportError('import/package-missing', `there is no debug package of the kernel ${chosen}`);
  return { kernel: ofKernel, others: all.filter(({ record }) => kernelOf(record) === undefined) };
}

/** The files of the packages that an image may need. @throws FormatError; ImportError when cancelled */
export async function unpackPackages(
  { kernel, others }: Selection,
  progress: ReportProgress,
  signal: AbortSignal | undefined,
): Promise<FileTree> {
  const isDebug = (one: Package): boolean => kernelOf(one.record)?.isDebug === true;
  const tree = new FileTree(MAX_TREE_BYTES + (kernel.some(isDebug) ? MAX_DEBUG_KERNEL_BYTES : 0));
  const total = [...kernel, ...others].reduce((sum, { record }) => sum + record.bytes, 0);
  let done = 0;
  for (const one of [...kernel, ...others]) {
    progress({ step: 'unpack', done, total, detail: one.file });
    if (isDebug(one)) await unpackDebug(tree, one);
    else await unpackOne(tree, one, kernel.includes(one) ? KERNEL : USERLAND, signal);
    done += one.record.bytes;
  }
  progress({ step: 'unpack', done, total });
  return tree;
}

async function unpackOne(
  tree: FileTree,
  one: Package,
  wanted: RegExp,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { file } = one;
  const { name } = one.record;
  for await (const entry of readPackageFiles(one)) {
    if (signal?.aborted === true) throw new ImportError('import/cancelled', 'the import was cancelled');
    if (!wanted.test(entry.path)) continue;
    if (entry.kind === 'file') {
      tree.requireRoom(entry.size, file);
      tree.addFile(entry.path, await entry.data(), entry.mode, name);
    } else if (entry.kind === 'symlink') tree.addLink(entry.path, entry.link);
    else if (entry.kind === 'hardlink') tree.addLink(entry.path, `/${entry.link}`);
  }
}

/** One file of 5 GB is wanted, and it comes early. */
async function unpackDebug(tree: FileTree, one: Package): Promise<void> {
  for await (const entry of readPackageFiles(one)) {
    if (entry.kind !== 'file' || !DEBUG_KERNEL.test(entry.path)) continue;
    tree.addFile(DEBUG_KERNEL_PATH, await entry.data(), entry.mode, one.record.name);
    return;
  }
}
