/**
 * Finds the kernel modules that a set of modules needs, and the order in which they load. Packages carry no modules.dep
 * (depmod writes it when they are installed), so that the modules' own information is read.
 * Source: Linux 6.1 include/linux/moduleinfo conventions: section .modinfo holds `key=value` texts, each ended by a
 * zero byte; `depends` is a comma-separated list of module names. modprobe(8): `-` and `_` are the same in names.
 * Left out: soft dependencies, aliases.
 */

import { arraySource, latin1 } from '../base/bytes.ts';
import { EM_PPC64, parseElf, readSection } from '../base/elf/index.ts';
import { decompressAll } from './decompress.ts';
import { imageError } from './errors.ts';
import type { FileTree } from './file-tree.ts';

/** A module to load. Its data is unchanged, so that its signature stays valid. */
export type KernelModule = { readonly name: string; readonly data: Uint8Array };

/** Of all modules together, unpacked: those for disks are 2 MB. */
const MAX_MODULE_BYTES = 128 * 2 ** 20;

/** The files of one kernel's modules, wherever they are. */
export type ModuleFiles = {
  /** Of every module and of `modules.builtin`. */
  readonly paths: readonly string[];
  /** A module that is not among them is part of the kernel. */
  readonly othersBuiltIn?: boolean;
  read(path: string): Promise<Uint8Array>;
};

/** Below `lib/modules/RELEASE` of unpacked packages. */
export function modulesOfTree(tree: FileTree, release: string): ModuleFiles {
  const root = `usr/lib/modules/${release}/`;
  return {
    paths: tree.paths().filter((path) => path.startsWith(root)),
    read: async (path) => {
      const file = tree.find(path);
      if (file === undefined)
        throw imageError('image/missing-file', `no package holds ${path}`, { what: path });
      return file.data;
    },
  };
}

/**
 * `names` and what they need, each after what it needs. Those built into the kernel are left out.
 * @throws FormatError `image/missing-file`, `image/bad-module`
 */
export async function collectModules(
  files: ModuleFiles,
  release: string,
  names: readonly string[],
): Promise<KernelModule[]> {
  const paths = new Map<string, string>();
  for (const path of files.paths) {
    const match = /(?:^|\/)([^/]+)\.ko(\.(gz|xz|zst))?$/.exec(path);
    if (match?.[1] !== undefined) paths.set(canonical(match[1]), path);
  }
  const builtin = await builtinModules(files);
  const done = new Map<string, KernelModule>();
  const visiting = new Set<string>();
  let taken = 0;

  async function visit(name: string, wantedBy: string): Promise<void> {
    if (done.has(name) || builtin.has(name)) return;
    const path = paths.get(name);
    if (path === undefined && files.othersBuiltIn === true) return;
    if (path === undefined) {
      throw imageError('image/missing-file', `no package holds the module ${name}, which ${wantedBy} needs`, {
        what: name,
      });
    }
    if (visiting.has(name)) throw imageError('image/bad-module', `${path} needs itself`, { what: path });
    visiting.add(name);
    const data = await decompressAll(await files.read(path), path, MAX_MODULE_BYTES - taken);
    taken += data.length;
    const info = moduleInfo(data, path);
    const magic = info.get('vermagic') ?? '';
    if (magic.split(' ')[0] !== release) {
      throw imageError('image/bad-module', `${path} is for another kernel`, {
        what: path,
        expected: release,
        actual: magic.slice(0, 100),
      });
    }
    for (const needed of (info.get('depends') ?? '').split(',')) {
      if (needed !== '') await visit(canonical(needed), name);
    }
    done.set(name, { name, data });
  }
  for (const name of names) await visit(canonical(name), 'the guest');
  return [...done.values()];
}

/** The `key=value` texts of a module; of repeated keys the first. @throws FormatError */
export function moduleInfo(data: Uint8Array, what: string): ReadonlyMap<string, string> {
  const elf = parseElf(arraySource(data));
  const section = elf.sections.find((s) => s.name === '.modinfo');
  if (elf.header.machine !== EM_PPC64 || section === undefined) {
    throw imageError('image/bad-module', `${what} is not a 64-bit PowerPC kernel module`, { what });
  }
  const info = new Map<string, string>();
  for (const text of latin1(readSection(elf, section)).split('\0')) {
    const cut = text.indexOf('=');
    if (cut > 0 && !info.has(text.slice(0, cut))) info.set(text.slice(0, cut), text.slice(cut + 1));
  }
  return info;
}

async function builtinModules(files: ModuleFiles): Promise<Set<string>> {
  const names = new Set<string>();
  for (const path of files.paths.filter((each) => /(^|\/)modules\.builtin$/.test(each))) {
    for (const line of latin1(await files.read(path)).split('\n')) {
      const match = /([^/]+)\.ko$/.exec(line.trim());
      if (match?.[1] !== undefined) names.add(canonical(match[1]));
    }
  }
  return names;
}

function canonical(name: string): string {
  return name.replaceAll('-', '_');
}
