/**
 * Imports a distribution: kernel, modules, kexec-tools, makedumpfile, busybox and libraries, unmodified, with kdumpd's init and
 * agent. Debian's packages come through apt; those of any distribution that uses deb or RPM come from package files.
 */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defined } from '../base/defined.ts';
import { downloadPackages } from './apt.ts';
import { createImage, type ImageDraft, type Replace } from './catalogue.ts';
import {
  buildGuest,
  DEFAULT_APPEND,
  DEFAULT_CRASH_APPEND,
  DEFAULT_KEXEC_OPTIONS,
  storeGuest,
} from './guest-files.ts';
import type { ImageRecord } from './image-record.ts';
import { DEBUG_KERNEL_PATH, findKernel } from './kernel-file.ts';
import { modulesOfTree } from './kernel-modules.ts';
import { unwrapKernel } from './kernel-payload.ts';
import type { PackageFile } from './package-file.ts';
import { noProgress, type ReportProgress } from './progress.ts';
import { selectPackages, unpackPackages } from './select-packages.ts';

export type DebianImport = {
  readonly imageRoot: string;
  readonly name: string;
  /** Whose packages they are; default `debian`. */
  readonly kind?: 'debian' | 'rpm';
  /**
   * A release such as `6.1.0-50-powerpc64le`, the beginning of one (`6.12`), or a flavour (`powerpc64le-64k`); absent: what Debian
   * has for the default flavour, or the only kernel given.
   */
  readonly kernel?: string;
  /** A folder with .deb and .rpm files to use in place of apt. */
  readonly packagesDir?: string;
  /** A sources.list for apt in place of the machine's own. */
  readonly aptSources?: string;
  /** A suite such as `trixie`, of the mirrors that the machine uses. */
  readonly suite?: string;
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
    const found = findKernel(tree);
    const { release } = found;
    const debuginfo = tree.find(DEBUG_KERNEL_PATH)?.data;
    const built = await buildGuest(
      {
        vmlinux: await unwrapKernel(found.file.data, found.path),
        what: found.path,
        release,
        userland: tree,
        modules: modulesOfTree(tree, release),
        ...defined({ debuginfo }),
      },
      progress,
    );
    const used = selection.others.filter(({ record }) => built.packages.has(record.name));
    return {
      version: 1,
      name,
      kind: options.kind ?? 'debian',
      kernelRelease: release,
      files: await storeGuest(draft, built, progress),
      append: options.append ?? DEFAULT_APPEND,
      crashAppend: options.crashAppend ?? DEFAULT_CRASH_APPEND,
      kexecOptions: options.kexecOptions ?? DEFAULT_KEXEC_OPTIONS,
      agent: true,
      packages: [...selection.kernel, ...used].map((one) => one.record),
    };
  };
  return await createImage(imageRoot, name, options.replace ?? false, build, options.free);
}

async function packageFiles(
  options: DebianImport,
  draft: ImageDraft,
  progress: ReportProgress,
): Promise<readonly PackageFile[]> {
  const { packagesDir, kernel, aptSources, suite, signal } = options;
  if (packagesDir !== undefined) {
    const names = (await readdir(packagesDir)).filter((file) => /\.(deb|rpm)$/.test(file)).sort();
    return names.map((file) => ({ path: join(packagesDir, file) }));
  }
  return await downloadPackages({
    scratch: draft.scratch,
    requireRoom: draft.requireRoom,
    debuginfo: options.debuginfo ?? false,
    ...defined({ kernel, aptSources, suite }),
    progress,
    ...defined({ signal }),
  });
}
