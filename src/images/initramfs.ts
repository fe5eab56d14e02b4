/**
 * Builds the guest's initramfs, one file for both kernels: busybox, kexec, makedumpfile, the libraries they need, the
 * modules for disks, and the agent's scripts (guest/agent). It is not compressed: unpacking costs an emulated CPU far more
 * than reading a larger file.
 */

import type { CpioNode } from './cpio.ts';
import { buildCpio } from './cpio.ts';
import { imageError } from './errors.ts';
import type { FileTree } from './file-tree.ts';
import { collectModules } from './kernel-modules.ts';
import { findLibraries } from './shared-libraries.ts';

/** Guest scripts by name ({@link AGENT_SCRIPTS}), and the program {@link PLAN_LOADER}. */
export type AgentScripts = ReadonlyMap<string, Uint8Array>;

export const AGENT_SCRIPTS = ['init', 'common', 'agent', 'plan-load', 'console', 'crash'] as const;
/** The program that gives a plan to kexec_load, built from guest/agent/plan. */
export const PLAN_LOADER = 'kdumpd-plan';

/** Where a program may be in the packages, oldest layout first, and where it goes in the guest. */
const PROGRAMS = [
  { target: 'bin/busybox', sources: ['bin/busybox', 'usr/bin/busybox'] },
  { target: 'sbin/kexec', sources: ['sbin/kexec', 'usr/sbin/kexec'] },
  { target: 'usr/bin/makedumpfile', sources: ['usr/bin/makedumpfile', 'bin/makedumpfile'] },
] as const;

/** For disks that are virtio-blk over PCI, and for those of a virtual SCSI adapter, loaded where there is one. */
const MODULE_SETS = [
  { order: 'lib/modules/order', names: ['virtio_pci', 'virtio_blk'] },
  { order: 'lib/modules/order.vscsi', names: ['ibmvscsi', 'sd_mod'] },
] as const;

const LIBRARY_FOLDER = 'lib/powerpc64le-linux-gnu';
const FOLDERS = ['proc', 'sys', 'dev', 'tmp', 'lib/kdumpd', 'lib/modules', LIBRARY_FOLDER];

/** Builds the archive from unpacked packages. The same packages and scripts give the same bytes. @throws FormatError */
export async function buildInitramfs(
  tree: FileTree,
  release: string,
  scripts: AgentScripts,
): Promise<Uint8Array> {
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

  const found = PROGRAMS.map(({ target, sources }) => {
    const source = sources.find((path) => tree.find(path) !== undefined);
    const file = source === undefined ? undefined : tree.find(source);
    if (source === undefined || file === undefined) {
      throw imageError('image/missing-file', `no package holds ${sources[0]}`, { what: sources[0] });
    }
    addProgram(target, file.data);
    return source;
  });
  add('bin/sh', { kind: 'symlink', target: 'busybox' });

  const { libraries, interpreters } = findLibraries(tree, found);
  for (const [name, data] of libraries) addProgram(`${LIBRARY_FOLDER}/${name}`, data);
  for (const [path, data] of interpreters) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (libraries.has(name)) {
      add(path, { kind: 'symlink', target: `/${LIBRARY_FOLDER}/${name}` });
    } else addProgram(path, data);
  }

  for (const { order, names } of MODULE_SETS) {
    const modules = await collectModules(tree, release, names);
    for (const { name, data } of modules) add(`lib/modules/${name}.ko`, { kind: 'file', data });
    const list = modules.map((module) => `${module.name}\n`).join('');
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
  return buildCpio(nodes);
}
