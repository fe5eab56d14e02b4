/**
 * The outside programs that tests use (programs.json: name, Debian package, what for), and whether they are here.
 * A program is found on PATH, or, where it is no program by itself, by running its `probe`.
 */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const programs = JSON.parse(readFileSync(new URL('./programs.json', import.meta.url), 'utf8'));

/** The rows of programs.json whose program is not on this machine. */
export function missingPrograms() {
  return programs.filter((program) => !isPresent(program));
}

/** Whether an executable file of that name is in a folder of PATH. */
export function onPath(name) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false; // not in this folder
    }
  });
}

function isPresent(program) {
  if (program.probe === undefined) return onPath(program.name);
  const [command, ...args] = program.probe;
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
