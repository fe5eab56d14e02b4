/**
 * Imports a kernel of one's own, kexec-tools or makedumpfile of one's own, or all of them, with what is missing taken from an
 * image that has an agent: its kernel and modules, programs and libraries. The agent is this program's.
 */

import { assert, BugError } from '../base/errors.ts';
import { Refusal } from '../panic/contract/index.ts';
import { createImage, getImage, type ImageDraft, imagePath, type Replace } from './catalogue.ts';
import { readCpio } from './cpio-read.ts';
import { imageError } from './errors.ts';
import { FileTree } from './file-tree.ts';
import {
  buildGuest,
  DEFAULT_APPEND,
  DEFAULT_CRASH_APPEND,
  DEFAULT_KEXEC_OPTIONS,
  storeGuest,
} from './guest-files.ts';
import type { ImageRecord, ImageRole } from './image-record.ts';
import { inspectKernel } from './kernel-image.ts';
import type { ModuleFiles } from './kernel-modules.ts';
import { requireOptions } from './kernel-options.ts';
import { unwrapKernel } from './kernel-payload.ts';
import { modulesInFolder } from './module-folder.ts';
import { bytesOfInputs, readInput, requirePowerElf } from './own.ts';
import { noProgress, type ReportProgress } from './progress.ts';

/** Paths are local files. */
export type BasedImport = {
  readonly imageRoot: string;
  readonly name: string;
  /** The image that all else is taken from. */
  readonly base: string;
  /** The folder with `base`; default `imageRoot`. */
  readonly baseRoot?: string;
  /** ELF, compressed or zImage; absent: the base's kernel with its modules. */
  readonly kernel?: string;
  /** A folder with the modules of `kernel` (module-folder.ts); absent: what it needs is built in. */
  readonly modules?: string;
  readonly kexecTools?: string;
  readonly makedumpfile?: string;
  readonly append?: string;
  readonly crashAppend?: string;
  readonly kexecOptions?: string;
  readonly replace?: Replace;
  readonly progress?: ReportProgress;
  readonly free?: () => number;
};

/** @throws FormatError, Refusal `invalid` for a base without an agent and a file that cannot be read */
export async function importOnBase(options: BasedImport): Promise<ImageRecord> {
  const { imageRoot, name, kernel, modules: folder } = options;
  const progress = options.progress ?? noProgress;
  const root = options.baseRoot ?? imageRoot;
  const base = await getImage(root, options.base);
  if (kernel === undefined && folder !== undefined)
    throw new Refusal('invalid', 'modules are those of a kernel: give it, too');
  const build = async (draft: ImageDraft): Promise<ImageRecord> => {
    const inputs = [kernel, options.kexecTools, options.makedumpfile];
    draft.requireRoom(2 * (await bytesOfInputs(inputs)));
    const userland = await userlandOf(root, base);
    await replaceProgram(userland, 'sbin/kexec', options.kexecTools, 'kexec');
    await replaceProgram(userland, 'bin/makedumpfile', options.makedumpfile, 'makedumpfile');
    const what = kernel ?? `${base.name}/vmlinux`;
    const given = await readInput(kernel ?? requirePath(root, base, 'vmlinux'), 'kernel');
    const vmlinux = await unwrapKernel(given, what);
    const release = inspectKernel(vmlinux, what).release;
    if (release === undefined)
      throw imageError(
        'image/bad-kernel',
        `${what} has no banner of Linux: it cannot run programs of Linux`,
        {
          what,
        },
      );
    if (kernel !== undefined) await requireOptions(vmlinux, what, folder !== undefined);
    const modules =
      kernel === undefined
        ? keptModules(userland)
        : folder === undefined
          ? NO_MODULES
          : await modulesInFolder(folder, release);
    const built = await buildGuest({ vmlinux, what, release, userland, modules }, progress);
    return {
      version: 1,
      name,
      kind: 'files',
      kernelRelease: release,
      files: await storeGuest(draft, built, progress),
      append: options.append ?? DEFAULT_APPEND,
      crashAppend: options.crashAppend ?? DEFAULT_CRASH_APPEND,
      kexecOptions: options.kexecOptions ?? DEFAULT_KEXEC_OPTIONS,
      agent: true,
      // What was given instead is not theirs.
      packages: base.packages.filter(
        (one) =>
          !(kernel !== undefined && /^(linux|kernel)-|^kernel$/.test(one.name)) &&
          !(options.kexecTools !== undefined && one.name === 'kexec-tools') &&
          !(options.makedumpfile !== undefined && one.name === 'makedumpfile'),
      ),
    };
  };
  return await createImage(imageRoot, name, options.replace ?? false, build, options.free);
}

/** The files of the base's initramfs: those of packages, and this program's, which are replaced. */
async function userlandOf(root: string, base: ImageRecord): Promise<FileTree> {
  if (!base.agent || base.files.initrd === undefined)
    throw new Refusal('invalid', `image ${base.name} has no kexec-tools and makedumpfile to be a base`);
  const archive = await readInput(requirePath(root, base, 'initrd'), 'initramfs of the base');
  const what = `${base.name}/initrd`;
  const tree = new FileTree();
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield archive;
  }
  for await (const entry of readCpio(whole(), what)) {
    if (entry.kind === 'file') tree.addFile(entry.path, await entry.data(), entry.mode);
    else if (entry.kind === 'symlink') tree.addLink(entry.path, entry.link);
  }
  return tree;
}

/** Puts a program in the place of the base's. @throws FormatError where it is not for this machine */
async function replaceProgram(
  tree: FileTree,
  path: string,
  file: string | undefined,
  what: string,
): Promise<void> {
  if (file === undefined) return;
  const data = await readInput(file, what);
  requirePowerElf(data, file);
  tree.addFile(path, data, 0o755);
}

/** The modules of the base's initramfs lie beside each other; what they need besides is built into its kernel. */
function keptModules(tree: FileTree): ModuleFiles {
  return {
    paths: tree.paths().filter((path) => path.endsWith('.ko')),
    othersBuiltIn: true,
    read: async (path) => {
      const file = tree.find(path);
      assert(file !== undefined, 'keptModules: a path of the tree is read');
      return file.data;
    },
  };
}

/** Nothing is loaded. */
const NO_MODULES: ModuleFiles = {
  paths: [],
  othersBuiltIn: true,
  read: (path) => Promise.reject(new BugError(`there is no module ${path}`)),
};

function requirePath(root: string, base: ImageRecord, role: ImageRole): string {
  const path = imagePath(root, base, role);
  if (path === undefined) throw new Refusal('invalid', `image ${base.name} has no ${role} to be a base`);
  return path;
}
