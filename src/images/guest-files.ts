/** Builds and stores the files of an image whose guest has the agent, kexec-tools and makedumpfile. */

import { readAgentScripts } from './agent-scripts.ts';
import type { ImageDraft } from './catalogue.ts';
import type { FileTree } from './file-tree.ts';
import type { ImageFile, ImageRecord } from './image-record.ts';
import { buildInitramfs } from './initramfs.ts';
import { inspectKernel, loadableKernel } from './kernel-image.ts';
import type { ModuleFiles } from './kernel-modules.ts';
import type { ReportProgress } from './progress.ts';
import { buildTar } from './tar-write.ts';

/** What a tuned boot says: everything on the first vty, room for the crash kernel, no self-tests of crypto code. */
export const DEFAULT_APPEND = 'console=hvc0 crashkernel=256M cryptomgr.notests=1';
export const DEFAULT_CRASH_APPEND = 'console=hvc0 maxcpus=1 cryptomgr.notests=1';
/** SHA-256 over the segments costs 1.7 G instructions at load and again in purgatory. */
export const DEFAULT_KEXEC_OPTIONS = '-i';

export type GuestParts = {
  /** An ELF kernel, as it was built. */
  readonly vmlinux: Uint8Array;
  /** What it is called in errors. */
  readonly what: string;
  readonly release: string;
  /** Programs and libraries. */
  readonly userland: FileTree;
  readonly modules: ModuleFiles;
  /** The kernel with debugging data. */
  readonly debuginfo?: Uint8Array;
};

/** Contents of the image's files, by role, in pieces. */
export type BuiltGuest = {
  readonly files: ReadonlyMap<GuestRole, readonly Uint8Array[]>;
  /** Names of the packages whose programs and libraries are in it. */
  readonly packages: ReadonlySet<string>;
};
type GuestRole = 'kernel' | 'initrd' | 'disk' | 'vmlinux' | 'debuginfo';

const FILE_NAMES: Readonly<Record<GuestRole, string>> = {
  kernel: 'kernel',
  initrd: 'initrd',
  disk: 'disk.tar',
  vmlinux: 'vmlinux',
  debuginfo: 'vmlinux.debug',
};
/** The guest's disk ends at a whole MiB. */
const DISK_UNIT = 1024 * 1024;

/** @throws FormatError; ImportError for a program that is not there */
export async function buildGuest(parts: GuestParts, progress: ReportProgress): Promise<BuiltGuest> {
  const { vmlinux, what, release, userland, modules, debuginfo } = parts;
  progress({ step: 'build', done: 0, total: 1 });
  const kernel = loadableKernel(vmlinux, inspectKernel(vmlinux, what));
  const { archive, packages } = await buildInitramfs(userland, release, await readAgentScripts(), modules);
  // kexec-tools in the guest read the crash kernel from this disk.
  const members = [
    { name: 'vmlinux', data: kernel },
    { name: 'initrd', data: archive },
  ];
  const files = new Map<GuestRole, readonly Uint8Array[]>([
    ['kernel', [kernel]],
    ['initrd', [archive]],
    ['disk', buildTar(members, DISK_UNIT)],
    ['vmlinux', [vmlinux]],
  ]);
  if (debuginfo !== undefined) files.set('debuginfo', [debuginfo]);
  progress({ step: 'build', done: 1, total: 1 });
  return { files, packages };
}

/** @throws Refusal `no-room` before anything is written */
export async function storeGuest(
  draft: ImageDraft,
  { files }: BuiltGuest,
  progress: ReportProgress,
): Promise<ImageRecord['files']> {
  const pieces = [...files.values()].flat();
  draft.requireRoom(pieces.reduce((sum, { length }) => sum + length, 0));
  const stored: [GuestRole, ImageFile][] = [];
  for (const [role, data] of files) {
    progress({ step: 'store', done: stored.length, total: files.size, detail: FILE_NAMES[role] });
    stored.push([role, await draft.add(FILE_NAMES[role], data)]);
  }
  progress({ step: 'store', done: stored.length, total: files.size });
  const { kernel, ...others } = Object.fromEntries(stored) as Record<GuestRole, ImageFile>;
  return { kernel, ...others };
}
