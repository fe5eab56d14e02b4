/**
 * Finds the shared libraries that a program needs: DT_NEEDED, followed through the libraries, and its interpreter.
 * Source: System V ABI, Generic ABI 4.1, chapter 5, "Dynamic Section"; ld.so(8) for the search order.
 * Left out: DT_RPATH and DT_RUNPATH (Debian's programs have none), libraries that are opened at run time.
 */

import { arraySource, getU64 } from '../base/bytes.ts';
import type { ElfFile } from '../base/elf/index.ts';
import { EM_PPC64, PT_DYNAMIC, PT_INTERP, PT_LOAD, parseElf, readSegment } from '../base/elf/index.ts';
import { imageError } from './errors.ts';
import type { FileTree } from './file-tree.ts';

/** What one ELF file asks of the dynamic loader. */
export type DynamicNeeds = { readonly interpreter?: string; readonly libraries: readonly string[] };

const DT_NULL = 0n;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_STRSZ = 10n;
const ENTRY_BYTES = 16;

/** Where Debian ppc64el keeps libraries, in ld.so's order. */
const SEARCH = ['lib/powerpc64le-linux-gnu', 'usr/lib/powerpc64le-linux-gnu', 'lib64', 'lib', 'usr/lib'];

/**
 * Every library that `programs` need, by the name they ask for, and their interpreters by path (without leading `/`).
 * @throws FormatError `image/missing-file` for a library that is not in the tree, `image/bad-library`
 */
export function findLibraries(
  tree: FileTree,
  programs: readonly string[],
): {
  readonly libraries: ReadonlyMap<string, Uint8Array>;
  readonly interpreters: ReadonlyMap<string, Uint8Array>;
} {
  const libraries = new Map<string, Uint8Array>();
  const interpreters = new Map<string, Uint8Array>();
  const queue: { name: string; data: Uint8Array }[] = programs.map((path) => ({
    name: path,
    data: dataOf(tree, path),
  }));
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const needs = dynamicNeeds(next.data, next.name);
    if (needs.interpreter !== undefined) {
      const path = needs.interpreter.replace(/^\/+/, '');
      interpreters.set(path, dataOf(tree, path));
    }
    for (const name of needs.libraries) {
      if (libraries.has(name)) continue;
      const data = findLibrary(tree, name, next.name);
      libraries.set(name, data);
      queue.push({ name, data });
    }
  }
  return { libraries, interpreters };
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
  return interpreter === undefined ? { libraries } : { interpreter, libraries };
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

function findLibrary(tree: FileTree, name: string, wantedBy: string): Uint8Array {
  for (const folder of SEARCH) {
    const file = tree.find(`${folder}/${name}`);
    if (file !== undefined) return file.data;
  }
  throw imageError('image/missing-file', `no package holds ${name}, which ${wantedBy} needs`, { what: name });
}

function dataOf(tree: FileTree, path: string): Uint8Array {
  const file = tree.find(path);
  if (file === undefined) throw imageError('image/missing-file', `no package holds ${path}`, { what: path });
  return file.data;
}
