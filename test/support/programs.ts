/**
 * Outside programs that tests use as oracles (scripts/lib/programs.json lists them with their Debian packages).
 * Where one is missing, its tests say that they were skipped and why; with CI=true that is a failure.
 */

import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { TestRunner } from 'vitest';
import table from '../../scripts/lib/programs.json' with { type: 'json' };

type Program = {
  readonly name: string;
  readonly package: string;
  readonly use: string;
  readonly probe?: string[];
};

const programs: readonly Program[] = table;

/**
 * Ends the running test as skipped, with the reason, when one of the programs is missing. Call it first in the test.
 * @throws Error when a program is missing and CI=true, when it is not listed in programs.json, or outside of a test
 */
export function needsProgram(...names: string[]): void {
  const missing = names.map(findProgram).filter((program) => !isPresent(program));
  if (missing.length === 0) return;
  const reason = `needs ${missing.map((p) => `${p.name} (Debian package ${p.package})`).join(', ')}`;
  const test = TestRunner.getCurrentTest();
  if (process.env.CI === 'true' || test === undefined) throw new Error(reason);
  test.context.skip(reason);
}

/**
 * Whether all the programs are here, for a set-up that must not run without them. A test that is left out by this
 * alone would be silent: it still begins with {@link needsProgram}.
 */
export function hasProgram(...names: string[]): boolean {
  return names.every((name) => isPresent(findProgram(name)));
}

function findProgram(name: string): Program {
  const program = programs.find((candidate) => candidate.name === name);
  if (program === undefined) throw new Error(`${name} is not listed in scripts/lib/programs.json`);
  return program;
}

const known = new Map<string, boolean>();

function isPresent(program: Program): boolean {
  const before = known.get(program.name);
  if (before !== undefined) return before;
  const [command, ...args] = program.probe ?? [];
  const present =
    command === undefined ? onPath(program.name) : spawnSync(command, args, { stdio: 'ignore' }).status === 0;
  known.set(program.name, present);
  return present;
}

function onPath(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false; // not in this folder
    }
  });
}
