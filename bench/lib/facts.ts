/** The machine and the commit that figures belong to. */

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import programs from '../../scripts/lib/programs.json' with { type: 'json' };

/** @throws Error that names the Debian package where the program is missing */
export function needProgram(name: string): void {
  if (spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined) return;
  const listed = programs.find((program) => program.name === name);
  throw new Error(`${name} is not installed (Debian package ${listed?.package ?? name})`);
}

/** First line of what a program says of its version. */
export function programVersion(name: string): string {
  return execFileSync(name, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? name;
}

/** Short name of the commit that is checked out; `with changes` where the tree differs from it in what is measured. */
export function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  const changed =
    git('status', '--porcelain', '--', ':/src', ':/guest', ':/bench', ':/package-lock.json') !== '';
  return `${git('rev-parse', '--short=12', 'HEAD')}${changed ? ' with changes' : ''}`;
}

/** Cores, memory, Node: one line. */
export function machineFacts(): string {
  const all = cpus();
  const model = all[0]?.model.trim() || 'unknown processor';
  const flags = /^flags.*\bhypervisor\b/m.test(readOptional('/proc/cpuinfo')) ? ', a virtual machine' : '';
  return `${all.length} × ${model}${flags}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${process.arch}, Node ${process.versions.node} (V8 ${process.versions.v8})`;
}

/** How busy the machine was with other things: load of the last minute before anything is measured. */
export function loadFact(): string {
  return `load average ${(loadavg()[0] ?? 0).toFixed(1)} before the first run`;
}

function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // not Linux
  }
}
