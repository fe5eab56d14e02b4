/**
 * Imports stock Debian ppc64el: kernel, modules, kexec-tools, makedumpfile, busybox and libraries, unmodified, with
 * kdumpd's init and agent. Packages come through apt, or from package files.
 */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defined } from '../base/defined.ts';
import { readAgentScripts } from './agent-scripts.ts';
import { downloadPackages } from './apt.ts';
import { createImage, type ImageDraft, type Replace } from './catalogue.ts';
import {
  debugKernelPath,
  type PackageFile,
  PROGRAM_PACKAGES,
  selectPackages,
  unpackPackages,
} from './debian-packages.ts';
import { imageError } from './errors.ts';
import type { FileTree } from './file-tree.ts';
import type { ImageFile, ImageRecord } from './image-record.ts';
import { buildInitramfs } from './initramfs.ts';
import { inspectKernel, loadableKernel } from './kernel-image.ts';
import { noProgress, type ReportProgress } from './progress.ts';
import { buildTar } from './tar-write.ts';

export type DebianImport = {
  readonly imageRoot: string;
  readonly name: string;
  /** Kernel release such as `6.1.0-50-powerpc64le`; absent: the newest that apt knows, or the only one given. */
  readonly kernel?: string;
  /** A folder with .deb files to use in place of apt. */
  readonly packagesDir?: string;
  /** A sources.list for apt in place of the machine's own. */
  readonly aptSources?: string;
  /** Also keep the kernel with debugging data, for drgn and gdb: a package of 700 MB. Default false. */
  readonly debuginfo?: boolean;
  /** Replace an image of that name. Default false. */
  readonly replace?: Replace;
  /** Options for `kexec -p`. Default `-i`: kexec-tools leave the digest out. Empty: purgatory checks it. */
  readonly kexecOptions?: string;
  readonly append?: string;
  readonly crashAppend?: string;
  readonly progress?: ReportProgress;
  readonly signal?: AbortSignal;
  /** Bytes that are free on the disk of the images; default what its file system says. */
  readonly free?: () => number;
};

/** What a tuned boot says: everything on the first vty, room for the crash kernel, no self-tests of crypto code. */
export const DEFAULT_APPEND = 'console=hvc0 crashkernel=256M cryptomgr.notests=1';
export const DEFAULT_CRASH_APPEND = 'console=hvc0 maxcpus=1 cryptomgr.notests=1';
/** SHA-256 over the segments costs 1.7 G instructions at load and again in purgatory. */
export const DEFAULT_KEXEC_OPTIONS = '-i';

/** The guest's disk ends at a whole MiB. */
const DISK_UNIT = 1024 * 1024;

/**
 * Builds the image `imageRoot/name`; see docs/images.md for its files.
 * @throws ImportError where packages cannot be had; FormatError for a damaged package; Refusal for the name, and `no-room` before
 *   packages are downloaded, or files are stored, that do not fit
 */
export async function importDebian(options: DebianImport): Promise<ImageRecord> {
  const { imageRoot, name, kernel } = options;
  const progress = options.progress ?? noProgress;
  const build = async (draft: ImageDraft): Promise<ImageRecord> => {
    const files = await packageFiles(options, draft, progress);
    const selection = await selectPackages(files, kernel, options.debuginfo ?? false);
    const tree = await unpackPackages(selection, progress, options.signal);
    const parts = await buildFiles(tree, selection.release, progress);
    return {
      version: 1,
      name,
      kind: 'debian',
      kernelRelease: selection.release,
      files: await storeFiles(draft, parts, progress),
      append: options.append ?? DEFAULT_APPEND,
      crashAppend: options.crashAppend ?? DEFAULT_CRASH_APPEND,
      kexecOptions: options.kexecOptions ?? DEFAULT_KEXEC_OPTIONS,
      agent: true,
      packages: selection.packages.map((one) => one.record),
    };
  };
  return await createImage(imageRoot, name, options.replace ?? false, build, options.free);
}

async function packageFiles(
  options: DebianImport,
  draft: ImageDraft,
  progress: ReportProgress,
): Promise<readonly PackageFile[]> {
  const { packagesDir, kernel, aptSources, signal } = options;
  if (packagesDir !== undefined) {
    const names = (await readdir(packagesDir)).filter((file) => file.endsWith('.deb')).sort();
    return names.map((file) => ({ path: join(packagesDir, file) }));
  }
  return await downloadPackages({
    scratch: draft.scratch,
    requireRoom: draft.requireRoom,
    packages: PROGRAM_PACKAGES,
    debuginfo: options.debuginfo ?? false,
    ...defined({ kernel, aptSources }),
    progress,
    ...defined({ signal }),
  });
}

/** Contents of the image's files, in pieces. */
type Parts = {
  readonly kernel: readonly Uint8Array[];
  readonly initrd: readonly Uint8Array[];
  readonly disk: readonly Uint8Array[];
  readonly vmlinux: readonly Uint8Array[];
  readonly debuginfo?: readonly Uint8Array[];
};

async function buildFiles(tree: FileTree, release: string, progress: ReportProgress): Promise<Parts> {
  progress({ step: 'build', done: 0, total: 1 });
  const vmlinux = requireFile(tree, `boot/vmlinux-${release}`);
  const kernel = loadableKernel(vmlinux, inspectKernel(vmlinux, `boot/vmlinux-${release}`));
  const initrd = await buildInitramfs(tree, release, await readAgentScripts());
  // kexec-tools in the guest read the crash kernel from this disk.
  const members = [
    { name: 'vmlinux', data: kernel },
    { name: 'initrd', data: initrd },
  ];
  const debuginfo = tree.find(debugKernelPath(release))?.data;
  progress({ step: 'build', done: 1, total: 1 });
  return {
    kernel: [kernel],
    initrd: [initrd],
    disk: buildTar(members, DISK_UNIT),
    vmlinux: [vmlinux],
    ...(debuginfo === undefined ? {} : { debuginfo: [debuginfo] }),
  };
}

async function storeFiles(
  draft: ImageDraft,
  parts: Parts,
  progress: ReportProgress,
): Promise<ImageRecord['files']> {
  const pieces = Object.values(parts).flat();
  draft.requireRoom(pieces.reduce((sum, { length }) => sum + length, 0));
  const total = Object.keys(parts).length;
  let done = 0;
  const store = async (file: string, pieces: readonly Uint8Array[]): Promise<ImageFile> => {
    progress({ step: 'store', done: done++, total, detail: file });
    return await draft.add(file, pieces);
  };
  const files = {
    kernel: await store('kernel', parts.kernel),
    initrd: await store('initrd', parts.initrd),
    disk: await store('disk.tar', parts.disk),
    vmlinux: await store('vmlinux', parts.vmlinux),
    ...(parts.debuginfo === undefined ? {} : { debuginfo: await store('vmlinux.debug', parts.debuginfo) }),
  };
  progress({ step: 'store', done, total });
  return files;
}

function requireFile(tree: FileTree, path: string): Uint8Array {
  const file = tree.find(path);
  if (file === undefined) throw imageError('image/missing-file', `no package holds ${path}`, { what: path });
  return file.data;
}
