/**
 * Programs on PATH, and those outside programs that tests use (programs.json: name, Debian package, what for): whether
 * they are installed. One that is not a program by itself is found by running its `probe`.
 */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const programs = JSON.parse(readFileSync(new URL('./programs.json', import.meta.url), 'utf8'));

/** The rows of programs.json whose program is not on this machine. */
export function missingPrograms() {
  return programs.filter((program) => !isPresent(program));
}

/** The path of the program that `name` runs, or undefined. */
export function findOnPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // not there
  }
}

function isPresent(program) {
  if (program.probe === undefined) return findOnPath(program.name) !== undefined;
  const [command, ...args] = program.probe;
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
