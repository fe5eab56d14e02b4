/**
 * Finds the shared libraries that a program needs: DT_NEEDED, followed through the libraries, its interpreter, and what it may
 * open at run time: a name of a library among its data, such as libgcc_s, which glibc opens where a thread ends.
 * Source: System V ABI, Generic ABI 4.1, chapter 5, "Dynamic Section"; ld.so(8) for the search order; glibc 2.36
 * sysdeps/nptl/libgcc_s.h (LIBGCC_S_SO) and pthread_cancel's "libgcc_s.so must be installed".
 * Left out: DT_RPATH and DT_RUNPATH (distributions' programs have none), names that are put together at run time (those of
 * name services and character sets), which programs of the guest have no use for.
 */

import { arraySource, getU64, latin1 } from '../base/bytes.ts';
import { defined } from '../base/defined.ts';
import type { ElfFile } from '../base/elf/index.ts';
import { EM_PPC64, PT_DYNAMIC, PT_INTERP, PT_LOAD, parseElf, readSegment } from '../base/elf/index.ts';
import { FormatError } from '../base/errors.ts';
import { imageError } from './errors.ts';
import type { FileTree, TreeFile } from './file-tree.ts';

/** What one ELF file asks of the dynamic loader. */
export type DynamicNeeds = {
  readonly interpreter?: string;
  readonly libraries: readonly string[];
  /** What may be opened at run time: names of libraries that the file's data holds. */
  readonly mentioned: readonly string[];
};

/** What a guest needs beside its programs. */
export type FoundLibraries = {
  /** By the name that is asked for; `folder` is where the loader of that system looks. */
  readonly libraries: ReadonlyMap<string, FoundLibrary>;
  /** By path, without leading `/`. */
  readonly interpreters: ReadonlyMap<string, TreeFile>;
};
export type FoundLibrary = { readonly folder: string; readonly file: TreeFile };

const DT_NULL = 0n;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_STRSZ = 10n;
const ENTRY_BYTES = 16;

/** Where distributions keep libraries, in ld.so's order. Each loader searches the folders of its own distribution. */
const SEARCH = ['lib/powerpc64le-linux-gnu', 'lib64', 'lib'];
/** In a string of C, or in quotes as notes of what is opened at run time have it. */
const LIBRARY_NAME = /(?<=[\0"])lib[\w.+-]{1,64}\.so\.\d+(?:\.\d+)*(?=[\0"])/g;

/**
 * Every library that `programs` need and their interpreters. What may be opened at run time is there where the tree has it, with
 * all that it needs.
 * @throws FormatError `image/missing-file` for a library that is not in the tree, `image/bad-library`
 */
export function findLibraries(tree: FileTree, programs: readonly string[]): FoundLibraries {
  const needed = closure(tree, programs, new Map());
  const libraries = new Map(needed.libraries);
  const interpreters = new Map(needed.interpreters);
  const tried = new Set<string>();
  const queue = [...needed.mentioned];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (libraries.has(name) || tried.has(name)) continue;
    tried.add(name);
    const found = search(tree, name);
    if (found === undefined) continue;
    let more: ReturnType<typeof closure>;
    try {
      more = closure(tree, [`${found.folder}/${name}`], libraries);
    } catch (error) {
      // It could not be opened in the guest either, and the program continues without it.
      if (error instanceof FormatError && error.code === 'image/missing-file') continue;
      throw error;
    }
    libraries.set(name, found);
    for (const [each, library] of more.libraries) libraries.set(each, library);
    for (const [path, file] of more.interpreters) interpreters.set(path, file);
    queue.push(...more.mentioned);
  }
  return { libraries, interpreters };
}

/** What is needed by DT_NEEDED, but for what is `known`, and what all of it mentions. */
function closure(
  tree: FileTree,
  programs: readonly string[],
  known: ReadonlyMap<string, FoundLibrary>,
): FoundLibraries & { readonly mentioned: readonly string[] } {
  const libraries = new Map<string, FoundLibrary>();
  const interpreters = new Map<string, TreeFile>();
  const mentioned = new Set<string>();
  const queue: { name: string; data: Uint8Array }[] = programs.map((path) => ({
    name: path,
    data: fileOf(tree, path).data,
  }));
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const needs = dynamicNeeds(next.data, next.name);
    if (needs.interpreter !== undefined) {
      const path = needs.interpreter.replace(/^\/+/, '');
      interpreters.set(path, fileOf(tree, path));
    }
    for (const name of needs.mentioned) mentioned.add(name);
    for (const name of needs.libraries) {
      if (libraries.has(name) || known.has(name)) continue;
      const found = search(tree, name);
      if (found === undefined)
        throw imageError('image/missing-file', `no package holds ${name}, which ${next.name} needs`, {
          what: name,
        });
      libraries.set(name, found);
      queue.push({ name, data: found.file.data });
    }
  }
  return { libraries, interpreters, mentioned: [...mentioned] };
}

/** The dynamic section of one ELF file; a static program needs nothing. @throws FormatError */
export function dynamicNeeds(bytes: Uint8Array, what: string): DynamicNeeds {
  const elf = parseElf(arraySource(bytes));
  if (elf.header.machine !== EM_PPC64) {
    throw imageError('image/wrong-architecture', `${what} is not for 64-bit PowerPC`, { what });
  }
  const interp = elf.programs.find((p) => p.type === PT_INTERP);
  const dynamic = elf.programs.find((p) => p.type === PT_DYNAMIC);
  const interpreter = interp === undefined ? undefined : textAt(readSegment(elf, interp), 0, what);
  const libraries = dynamic === undefined ? [] : neededNames(elf, readSegment(elf, dynamic), what);
  // A static program opens nothing.
  return { libraries, mentioned: dynamic === undefined ? [] : mentionedIn(elf), ...defined({ interpreter }) };
}

function mentionedIn(elf: ElfFile): string[] {
  const names = elf.programs
    .filter(({ type }) => type === PT_LOAD)
    .flatMap((program) => latin1(readSegment(elf, program)).match(LIBRARY_NAME) ?? []);
  return [...new Set(names)];
}

function neededNames(elf: ElfFile, dynamic: Uint8Array, what: string): string[] {
  const { endian } = elf.header;
  const names: bigint[] = [];
  let table = 0n;
  let tableBytes = 0n;
  for (let at = 0; at + ENTRY_BYTES <= dynamic.length; at += ENTRY_BYTES) {
    const tag = getU64(dynamic, at, endian);
    const value = getU64(dynamic, at + 8, endian);
    if (tag === DT_NULL) break;
    if (tag === DT_NEEDED) names.push(value);
    else if (tag === DT_STRTAB) table = value;
    else if (tag === DT_STRSZ) tableBytes = value;
  }
  if (names.length === 0) return [];
  const home = elf.programs.find(
    (p) =>
      p.type === PT_LOAD &&
      table >= p.vaddr &&
      table + tableBytes <= p.vaddr + BigInt(p.filesz) &&
      tableBytes > 0n,
  );
  if (home === undefined) {
    throw imageError('image/bad-library', `${what}: the dynamic string table is in no segment`, { what });
  }
  const start = Number(table - home.vaddr);
  const strings = readSegment(elf, home).subarray(start, start + Number(tableBytes));
  return names.map((offset) => textAt(strings, Number(offset), what));
}

function textAt(bytes: Uint8Array, offset: number, what: string): string {
  const end = offset < bytes.length ? bytes.indexOf(0, offset) : -1;
  const text = end < 0 ? '' : Buffer.from(bytes.subarray(offset, end)).toString('latin1');
  if (!/^[\x21-\x7e]+$/.test(text) || text.split('/').includes('..')) {
    throw imageError('image/bad-library', `${what}: a name in the dynamic section is damaged`, {
      what,
      offset,
    });
  }
  return text;
}

function search(tree: FileTree, name: string): FoundLibrary | undefined {
  for (const folder of SEARCH) {
    const file = tree.find(`${folder}/${name}`);
    if (file !== undefined) return { folder, file };
  }
  return undefined;
}

function fileOf(tree: FileTree, path: string): TreeFile {
  const file = tree.find(path);
  if (file === undefined) throw imageError('image/missing-file', `no package holds ${path}`, { what: path });
  return file;
}
