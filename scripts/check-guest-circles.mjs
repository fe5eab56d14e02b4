/**
 * Checks that the built-in guest has no circles: neither files nor folders that use each other, directly or through
 * others. Without an option it checks guest/; an argument names another folder with a build.sh of the same kind.
 *
 * A file is a .c or .S file, or a header. File A uses file B where A's object needs a symbol that B's object defines
 * (nm, on the objects of `build.sh --objects`), or where A includes B. A folder uses another where one of its files
 * uses one of the other's. Symbols of the linker scripts belong to no file. A folder uses only those above it in the
 * table of folders in the image's README.md.
 *
 * Prints each circle with what its members use of each other. Exits 1 where there is a problem, and where something was
 * not seen. Needs the cross compiler: without it nothing is checked, which is a failure with CI=true.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path/posix';
import { fileCircles, folderCircles } from './lib/circles.mjs';
import { fail, filesUnder, packageRoot } from './lib/process.mjs';
import { findOnPath } from './lib/programs.mjs';
import { enterRuntime } from './lib/runtime.mjs';

await enterRuntime();

const IMAGES = ['kernel', 'purgatory'];
const cross = process.env.CROSS_COMPILE ?? 'powerpc64-linux-gnu-';
const guest = resolve(process.argv[2] ?? join(packageRoot, 'guest'));

const missing = ['gcc', 'nm']
  .map((tool) => cross + tool)
  .filter((program) => findOnPath(program) === undefined);
if (missing.length > 0) {
  const message = `guest circles: not checked, ${missing.join(' and ')} missing (Debian package gcc-powerpc64-linux-gnu)`;
  if (process.env.CI === 'true') fail(message);
  console.log(message);
  process.exit(0);
}

const objects = mkdtempSync(join(tmpdir(), 'guest-objects-'));
let problems = 0;
try {
  runProgram(join(guest, 'build.sh'), '--objects', objects);
  for (const image of IMAGES) problems += report(image, usesOf(image));
} finally {
  rmSync(objects, { recursive: true });
}
process.exit(problems === 0 ? 0 : 1);

/** Prints the problems of one image. Returns how many there are. */
function report(image, uses) {
  const folders = folderUses(uses);
  const found = [
    ...fileCircles(graphOf(uses)).map((members) => describe('files', members, uses)),
    ...folderCircles(graphOf(uses)).map((members) => describe('folders', members, folders)),
    ...layerProblems(image, folders),
  ];
  for (const text of found) console.error(`${image}: ${text}`);
  console.log(
    `guest circles: ${image}: ${uses.size} files in ${folders.size} folders, ${found.length} problems`,
  );
  return found.length;
}

/** Who uses whom: file → used file → why (symbols, or the include), by paths from the image's folder. */
function usesOf(image) {
  const root = join(guest, image);
  const files = filesUnder(root).filter((file) => /\.[chS]$/.test(file));
  if (files.length === 0) throw new Error(`no sources in ${root}`);
  const uses = new Map(files.map((file) => [relative(root, file), new Map()]));
  const symbols = new Map(
    [...uses.keys()]
      .filter((file) => !file.endsWith('.h'))
      .map((file) => [file, readSymbols(join(objects, image, `${file}.o`))]),
  );
  const definers = definersOf(symbols);
  for (const [file, { needed }] of symbols)
    for (const name of needed) addUse(uses, file, definers.get(name), name);
  for (const file of files)
    for (const name of includesOf(file))
      addUse(uses, relative(root, file), includedFile(root, file, name), `includes ${name}`);
  return uses;
}

function addUse(uses, file, used, why) {
  if (used === undefined || used === file) return;
  const reasons = uses.get(file).get(used) ?? [];
  uses.get(file).set(used, [...reasons, why]);
}

/** The symbols that an object defines for others, and those that it needs (nm's capital letters, and U, w, v). */
function readSymbols(object) {
  const defined = [];
  const needed = [];
  for (const line of runProgram(`${cross}nm`, object).trim().split('\n')) {
    const [name, type] = line.trim().split(/\s+/).reverse();
    if (/^[Uwv]$/.test(type)) needed.push(name);
    else if (/^[A-Z]$/.test(type)) defined.push(name);
  }
  if (defined.length + needed.length === 0) throw new Error(`${object} has no symbols`);
  return { defined, needed };
}

function definersOf(symbols) {
  const definers = new Map();
  for (const [file, { defined }] of symbols) {
    for (const name of defined) {
      if (definers.has(name)) throw new Error(`${name} is defined in ${definers.get(name)} and in ${file}`);
      definers.set(name, file);
    }
  }
  return definers;
}

function includesOf(file) {
  return [...readFileSync(file, 'utf8').matchAll(/^\s*#\s*include\s*"([^"]+)"/gm)].map(([, name]) => name);
}

/** Where the compiler finds an included file: beside the one that includes it, else from the image's folder (-I). */
function includedFile(root, file, name) {
  const found = [dirname(file), root].map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${relative(guest, file)} includes ${name}, which does not exist`);
  return relative(root, found);
}

function folderUses(uses) {
  const folders = new Map([...uses.keys()].map((file) => [dirname(file), new Map()]));
  for (const [file, used] of uses)
    for (const other of used.keys())
      if (dirname(other) !== dirname(file))
        addUse(folders, dirname(file), dirname(other), `${file} → ${other}`);
  return folders;
}

/** The table of folders in README.md goes from bottom to top: says which folder is not in it, or uses one above itself. */
function layerProblems(image, folders) {
  const readme = join(guest, image, 'README.md');
  const text = existsSync(readme) ? readFileSync(readme, 'utf8') : '';
  const table = /^\| folder \|.*\n\|-.*\n((?:\|.*\n)+)/m.exec(text)?.[1];
  if (table === undefined)
    return folders.size === 1 ? [] : [`${relative(guest, readme)} has no table of folders`];
  const layers = [...table.matchAll(/^\| `([^`]+)\/` \|/gm)].map(([, folder]) => folder);
  const below = (folder) => layers.slice(0, layers.indexOf(folder));
  return [...folders].flatMap(([folder, used]) =>
    layers.includes(folder)
      ? [...used]
          .filter(([other]) => !below(folder).includes(other))
          .map(([other, reasons]) => `${folder} uses ${other}, a layer above it: ${reasons.join(', ')}`)
      : [`${folder} is not in the table of ${relative(guest, readme)}`],
  );
}

/** File → the files that it uses. */
function graphOf(uses) {
  return new Map([...uses].map(([file, used]) => [file, [...used.keys()]]));
}

function describe(kind, members, uses) {
  const lines = members.flatMap((member) =>
    [...uses.get(member)]
      .filter(([used]) => members.includes(used))
      .map(([used, reasons]) => `  ${member} → ${used}: ${reasons.join(', ')}`),
  );
  return [`a circle of ${members.length} ${kind}: ${members.join(', ')}`, ...lines].join('\n');
}

/** Runs a program to its end. Returns what it printed. */
function runProgram(program, ...args) {
  const result = spawnSync(program, args, { encoding: 'utf8' });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`${program} failed:\n${result.stderr}`);
  return result.stdout;
}
