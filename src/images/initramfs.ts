/**
 * Builds the guest's initramfs, one file for both kernels: busybox, kexec, makedumpfile, the libraries they need, the
 * modules for disks, and the agent's scripts (guest/agent). It is not compressed: unpacking costs an emulated CPU far more
 * than reading a larger file.
 */

import type { CpioNode } from './cpio.ts';
import { buildCpio } from './cpio.ts';
import { ImportError, imageError } from './errors.ts';
import type { FileTree, TreeFile } from './file-tree.ts';
import { collectModules, type ModuleFiles } from './kernel-modules.ts';
import { findLibraries } from './shared-libraries.ts';

/** Guest scripts by name ({@link AGENT_SCRIPTS}), and the program {@link PLAN_LOADER}. */
export type AgentScripts = ReadonlyMap<string, Uint8Array>;

export const AGENT_SCRIPTS = ['init', 'common', 'agent', 'plan-load', 'console', 'crash'] as const;
/** The program that gives a plan to kexec_load, built from guest/agent/plan. */
export const PLAN_LOADER = 'kdumpd-plan';

/** Where a program may be in the packages, as distributions name it, where it goes in the guest, and the package it is in. */
const PROGRAMS = [
  {
    target: 'bin/busybox',
    sources: ['bin/busybox', 'sbin/busybox', 'bin/busybox-static', 'bin/busybox.static'],
    holder: 'busybox-static',
  },
  { target: 'sbin/kexec', sources: ['sbin/kexec', 'bin/kexec'], holder: 'kexec-tools' },
  {
    target: 'usr/bin/makedumpfile',
    sources: ['bin/makedumpfile', 'sbin/makedumpfile'],
    holder: 'makedumpfile',
  },
] as const;

/** For disks that are virtio-blk over PCI, and for those of a virtual SCSI adapter, loaded where there is one. */
const MODULE_SETS = [
  { order: 'lib/modules/order', names: ['virtio_pci', 'virtio_blk'] },
  { order: 'lib/modules/order.vscsi', names: ['ibmvscsi', 'sd_mod'] },
] as const;

const FOLDERS = ['proc', 'sys', 'dev', 'tmp', 'lib/kdumpd', 'lib/modules'];

/** The archive, and the names of the packages whose programs and libraries are in it. */
export type Initramfs = { readonly archive: Uint8Array; readonly packages: ReadonlySet<string> };

/**
 * Builds the archive from unpacked packages. The same packages and scripts give the same bytes.
 * @param modules of the kernel `release`
 * @throws ImportError for a program that no package holds; FormatError
 */
export async function buildInitramfs(
  tree: FileTree,
  release: string,
  scripts: AgentScripts,
  modules: ModuleFiles,
): Promise<Initramfs> {
  const packages = new Set<string>();
  const take = ({ data, from }: TreeFile): Uint8Array => {
    if (from !== undefined) packages.add(from);
    return data;
  };
  const nodes = new Map<string, CpioNode>();
  const add = (path: string, node: CpioNode): void => {
    const parts = path.split('/');
    for (let i = 1; i < parts.length; i++) nodes.set(parts.slice(0, i).join('/'), { kind: 'directory' });
    nodes.set(path, node);
  };
  const addProgram = (path: string, data: Uint8Array): void => add(path, { kind: 'file', data, mode: 0o755 });

  for (const folder of FOLDERS) add(folder, { kind: 'directory' });
  // The kernel opens the console for process 1 before anything is mounted on /dev.
  add('dev/console', { kind: 'char', major: 5, minor: 1 });
  add('dev/null', { kind: 'char', major: 1, minor: 3, mode: 0o666 });

  const found = PROGRAMS.map(({ target, sources, holder }) => {
    const source = sources.find((path) => tree.find(path) !== undefined);
    const file = source === undefined ? undefined : tree.find(source);
    if (source === undefined || file === undefined)
      throw new ImportError('import/package-missing', `no package holds ${target}: there is no ${holder}`);
    addProgram(target, take(file));
    return source;
  });
  add('bin/sh', { kind: 'symlink', target: 'busybox' });

  const { libraries, interpreters } = findLibraries(tree, found);
  for (const [name, { folder, file }] of libraries) addProgram(`${folder}/${name}`, take(file));
  for (const [path, file] of interpreters) {
    const library = libraries.get(path.slice(path.lastIndexOf('/') + 1));
    const home = library === undefined ? path : `${library.folder}/${path.slice(path.lastIndexOf('/') + 1)}`;
    if (home !== path) add(path, { kind: 'symlink', target: `/${home}` });
    else if (!nodes.has(path)) addProgram(path, take(file));
  }

  for (const { order, names } of MODULE_SETS) {
    const chosen = await collectModules(modules, release, names);
    for (const { name, data } of chosen) add(`lib/modules/${name}.ko`, { kind: 'file', data });
    const list = chosen.map((module) => `${module.name}\n`).join('');
    add(order, { kind: 'file', data: new Uint8Array(Buffer.from(list)) });
  }

  for (const name of AGENT_SCRIPTS) {
    const data = scripts.get(name);
    if (data === undefined) throw imageError('image/missing-file', `no guest script ${name}`, { what: name });
    addProgram(name === 'init' ? 'init' : `lib/kdumpd/${name}`, data);
  }
  const loader = scripts.get(PLAN_LOADER);
  if (loader === undefined)
    throw imageError('image/missing-file', `no guest program ${PLAN_LOADER}`, { what: PLAN_LOADER });
  addProgram(`sbin/${PLAN_LOADER}`, loader);
  return { archive: buildCpio(nodes), packages };
}
