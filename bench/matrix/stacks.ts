/** Counts the CPUs of a dump for which gdb and drgn show a symbolic stack. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Stacks } from './row.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const KERNEL = join(ROOT, 'guest', 'prebuilt', 'kernel.elf');
const DRGN_STACK = join(ROOT, 'docs', 'drgn-stack.py');
/** Debian's python3-drgn belongs to Debian's python3. */
const PYTHON = '/usr/bin/python3';
const TIMEOUT_MS = 300_000;
/** Where every CPU of the built-in guest begins: `guest/kernel/entry/head.S`. */
const OUTERMOST = 'cpu_begins';

/** The built-in guest's CPUs, by gdb. @throws Error with what gdb said when it shows none */
export function stacksByGdb(vmcore: string): Stacks {
  const gdb = spawnSync(
    'gdb-multiarch',
    ['-nx', '-batch', '-ex', 'thread apply all -ascending bt', KERNEL, vmcore],
    { encoding: 'utf8', timeout: TIMEOUT_MS },
  );
  if (gdb.error !== undefined) throw new Error(`gdb-multiarch: ${gdb.error.message}`);
  const found = readBacktraces(gdb.stdout);
  if (found.cpus === 0) throw new Error(`gdb shows no threads: ${lastLine(gdb.stderr || gdb.stdout)}`);
  return found;
}

/** gdb's `thread apply all bt`: a stack is whole when all of it has names and it ends where CPUs begin. */
export function readBacktraces(text: string): Stacks {
  const threads = text.split(/^Thread \d+ .*$/m).slice(1);
  const whole = threads.filter((thread) => {
    const names = [...thread.matchAll(/^#\d+ +(?:0x[0-9a-f]+ in )?(\S+)/gm)].map(([, name]) => name);
    return names.at(-1) === OUTERMOST && !names.includes('??');
  });
  return { cpus: threads.length, whole: whole.length };
}

/** Stock Linux's CPUs, by docs/drgn-stack.py. @throws Error with what it said when it does not come to an end */
export function stacksByDrgn(vmcore: string, debuginfo: string): Stacks {
  const drgn = spawnSync(PYTHON, [DRGN_STACK, vmcore, debuginfo], { encoding: 'utf8', timeout: TIMEOUT_MS });
  if (drgn.error !== undefined) throw new Error(`${PYTHON}: ${drgn.error.message}`);
  const found = readDrgnStack(drgn.stdout);
  if (found === undefined)
    throw new Error(`drgn-stack.py ended with ${drgn.status}: ${lastLine(drgn.stderr)}`);
  return found;
}

/** The last line of docs/drgn-stack.py. */
export function readDrgnStack(text: string): Stacks | undefined {
  const [, cpus, whole] = /^(\d+) CPUs: (\d+) with registers and stack$/m.exec(text) ?? [];
  return cpus === undefined || whole === undefined ? undefined : { cpus: Number(cpus), whole: Number(whole) };
}

const OPEN = `import sys, drgn
prog = drgn.Program()
prog.set_core_dump(sys.argv[1])
prog.read(0xC000000000000000, 16)`;

/** Whether drgn opens a dump and reads where the kernel begins; what it said where it does not. */
export function openByDrgn(vmcore: string): 'opens' | string {
  const drgn = spawnSync(PYTHON, ['-c', OPEN, vmcore], { encoding: 'utf8', timeout: TIMEOUT_MS });
  if (drgn.error !== undefined) throw new Error(`${PYTHON}: ${drgn.error.message}`);
  return drgn.status === 0 ? 'opens' : lastLine(drgn.stderr);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
