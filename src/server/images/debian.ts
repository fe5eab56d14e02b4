/**
 * Imports stock Debian ppc64el: kernel, modules, kexec-tools, makedumpfile, busybox and libraries, unmodified, with an
 * init and agent of ours. Packages come through apt, or from package files.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readAgentScripts } from './agent-scripts.ts';
import { downloadPackages } from './apt.ts';
import { createImage, type ImageDraft } from './catalogue.ts';
import { type DebControl, readDebControl, readDebData } from './deb.ts';
import { ImportError, imageError } from './errors.ts';
import { FileTree } from './file-tree.ts';
import type { ImageRecord, PackageRecord } from './image-record.ts';
import { buildInitramfs } from './initramfs.ts';
import { inspectKernel, loadableKernel } from './kernel-image.ts';
import type { ReportProgress } from './progress.ts';
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
  /** Replace an image of that name. Default false. */
  readonly replace?: boolean;
  /** Options for `kexec -p`. Default `-i`: kexec-tools leave the digest out. Empty: purgatory checks it. */
  readonly kexecOptions?: string;
  readonly append?: string;
  readonly crashAppend?: string;
  readonly progress?: ReportProgress;
  readonly signal?: AbortSignal;
};

/** What a tuned boot says: everything on the first vty, room for the crash kernel, no self-tests of crypto code. */
export const DEFAULT_APPEND = 'console=hvc0 crashkernel=256M cryptomgr.notests=1';
export const DEFAULT_CRASH_APPEND = 'console=hvc0 maxcpus=1 cryptomgr.notests=1';
/** SHA-256 over the segments costs 1.7 G instructions at load and again in purgatory. */
export const DEFAULT_KEXEC_OPTIONS = '-i';

/** Programs and every library that they may need, in Debian 12. */
const PACKAGES: readonly string[] = [
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
const KERNEL_PACKAGE = /^linux-image-([0-9].*powerpc64le)$/;
/** What we take out of packages. */
const WANTED =
  /^(usr\/)?(bin\/|sbin\/|lib64\/|lib\/[^/]+$|lib\/powerpc64le-linux-gnu\/[^/]+$|lib\/modules\/)|^boot\/vmlinux-/;
/** Virtio disks are read in whole MiB by the guest's tar and by snapshots. */
const DISK_UNIT = 1024 * 1024;

type Package = {
  readonly file: string;
  readonly data: Uint8Array;
  readonly control: DebControl;
  readonly record: PackageRecord;
};

/**
 * Builds the image `imageRoot/name`; see docs/images.md for its files.
 * @throws ImportError where packages cannot be had; FormatError for a damaged package; Refusal for the name
 */
export async function importDebian(options: DebianImport): Promise<ImageRecord> {
  const { imageRoot, name, signal } = options;
  const progress = options.progress ?? ignore;
  return await createImage(imageRoot, name, options.replace ?? false, async (draft) => {
    const files = await packageFiles(options, draft, progress);
    const packages = await selectPackages(files, options);
    const tree = await unpack(packages, progress, signal);
    return await buildImage(options, draft, tree, packages, progress);
  });
}

function ignore(): void {}

type PackageFile = { readonly path: string; readonly sha256?: string };

async function packageFiles(
  options: DebianImport,
  draft: ImageDraft,
  progress: ReportProgress,
): Promise<PackageFile[]> {
  const { packagesDir, kernel, aptSources, signal } = options;
  if (packagesDir !== undefined) {
    const names = (await readdir(packagesDir)).filter((file) => file.endsWith('.deb')).sort();
    return names.map((file) => ({ path: join(packagesDir, file) }));
  }
  return await downloadPackages({
    stateDir: join(draft.scratch),
    targetDir: draft.scratch,
    packages: PACKAGES,
    ...(kernel === undefined ? {} : { kernel }),
    ...(aptSources === undefined ? {} : { aptSources }),
    progress,
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Reads the packages, and takes the kernel and the programs among them. @throws ImportError, FormatError */
async function selectPackages(files: readonly PackageFile[], options: DebianImport): Promise<Package[]> {
  const chosen = new Map<string, Package>();
  for (const { path, sha256: expected } of files) {
    const file = basename(path);
    const data = new Uint8Array(await readFile(path));
    const control = await readDebControl(data, file);
    const isKernel = KERNEL_PACKAGE.exec(control.name)?.[1];
    const wanted =
      PACKAGES.includes(control.name) ||
      (isKernel !== undefined && isKernel === (options.kernel ?? isKernel));
    if (!wanted) continue;
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
    const key = isKernel === undefined ? control.name : 'linux-image';
    const other = chosen.get(key);
    if (other !== undefined) {
      throw new ImportError(
        'import/ambiguous-package',
        `both ${other.file} and ${file} are there: ${isKernel === undefined ? 'leave one' : 'say which kernel'}`,
      );
    }
    const record = { ...control, bytes: data.length, sha256, indexed: expected !== undefined };
    chosen.set(key, { file, data, control, record });
  }
  const kernelName =
    options.kernel === undefined ? 'linux-image-…-powerpc64le' : `linux-image-${options.kernel}`;
  for (const key of ['linux-image', ...REQUIRED]) {
    if (!chosen.has(key)) {
      throw new ImportError(
        'import/package-missing',
        `there is no package ${key === 'linux-image' ? kernelName : key} for ppc64el`,
      );
    }
  }
  return [...chosen.values()].sort((a, b) => (a.control.name < b.control.name ? -1 : 1));
}

async function unpack(
  packages: readonly Package[],
  progress: ReportProgress,
  signal: AbortSignal | undefined,
): Promise<FileTree> {
  const tree = new FileTree();
  const total = packages.reduce((sum, { data }) => sum + data.length, 0);
  let done = 0;
  for (const { file, data } of packages) {
    progress({ step: 'unpack', done, total, detail: file });
    for await (const entry of readDebData(data, file)) {
      if (signal?.aborted === true) throw new ImportError('import/cancelled', 'the import was cancelled');
      if (!WANTED.test(entry.path)) continue;
      if (entry.kind === 'file') tree.addFile(entry.path, await entry.data(), entry.mode);
      else if (entry.kind === 'symlink') tree.addLink(entry.path, entry.link);
      else if (entry.kind === 'hardlink') tree.addLink(entry.path, `/${entry.link}`);
    }
    done += data.length;
  }
  progress({ step: 'unpack', done, total });
  return tree;
}

async function buildImage(
  options: DebianImport,
  draft: ImageDraft,
  tree: FileTree,
  packages: readonly Package[],
  progress: ReportProgress,
): Promise<ImageRecord> {
  progress({ step: 'build', done: 0, total: 1 });
  const release =
    packages.map((p) => KERNEL_PACKAGE.exec(p.control.name)?.[1]).find((r) => r !== undefined) ?? '';
  const path = `boot/vmlinux-${release}`;
  const vmlinux = tree.find(path);
  if (vmlinux === undefined)
    throw imageError('image/missing-file', `no package holds ${path}`, { what: path });
  const info = inspectKernel(vmlinux.data, path);
  const kernel = loadableKernel(vmlinux.data, info);
  const initrd = await buildInitramfs(tree, release, await readAgentScripts());
  // kexec-tools in the guest read the crash kernel from this disk.
  const disk = buildTar(
    [
      { name: 'vmlinux', data: kernel },
      { name: 'initrd', data: initrd },
    ],
    DISK_UNIT,
  );
  progress({ step: 'build', done: 1, total: 1 });
  const contents = { kernel: [kernel], initrd: [initrd], 'disk.tar': disk, vmlinux: [vmlinux.data] };
  const stored = [];
  for (const [file, pieces] of Object.entries(contents)) {
    progress({ step: 'store', done: stored.length, total: 4, detail: file });
    stored.push(await draft.add(file, pieces));
  }
  progress({ step: 'store', done: 4, total: 4 });
  const [kernelFile, initrdFile, diskFile, vmlinuxFile] = stored as [
    ImageRecord['files']['kernel'],
    ImageRecord['files']['kernel'],
    ImageRecord['files']['kernel'],
    ImageRecord['files']['kernel'],
  ];
  return {
    version: 1,
    name: options.name,
    kind: 'debian',
    kernelRelease: release,
    files: { kernel: kernelFile, initrd: initrdFile, disk: diskFile, vmlinux: vmlinuxFile },
    append: options.append ?? DEFAULT_APPEND,
    crashAppend: options.crashAppend ?? DEFAULT_CRASH_APPEND,
    kexecOptions: options.kexecOptions ?? DEFAULT_KEXEC_OPTIONS,
    agent: true,
    packages: packages.map((p) => p.record),
  };
}
