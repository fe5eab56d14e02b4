/** Compiles the programs of bench/programs, each as an image for a machine without firmware and as a process of Linux. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export type ProgramKind = 'integer' | 'float' | 'vector';
export type Program = { readonly name: string; readonly kind: ProgramKind; readonly rounds: number };
export type ProgramFiles = { readonly image: string; readonly process: string };

/** Rounds are chosen for about 400 million instructions. */
export const PROGRAMS: readonly Program[] = [
  { name: 'crc32', kind: 'integer', rounds: 700 },
  { name: 'fib', kind: 'integer', rounds: 380 },
  { name: 'matrix', kind: 'integer', rounds: 75 },
  { name: 'quicksort', kind: 'integer', rounds: 55 },
  { name: 'records', kind: 'integer', rounds: 12_000 },
  { name: 'sha256', kind: 'integer', rounds: 100 },
  { name: 'sieve', kind: 'integer', rounds: 100 },
  { name: 'strings', kind: 'integer', rounds: 2_800 },
  { name: 'mandelbrot', kind: 'float', rounds: 400 },
  { name: 'bodies', kind: 'float', rounds: 60_000 },
  { name: 'waves', kind: 'vector', rounds: 16_000 },
  { name: 'bytes', kind: 'vector', rounds: 12_000 },
];
/** What it costs a process to start and end. */
export const NOTHING: Program = { name: 'nothing', kind: 'integer', rounds: 1 };

export const GCC = 'powerpc64le-linux-gnu-gcc';
const OBJCOPY = 'powerpc64le-linux-gnu-objcopy';
const FLAGS: readonly string[] = [
  ...['-mcpu=power8', '-mlittle-endian', '-mabi=elfv2', '-ffreestanding', '-fno-pic', '-fno-builtin'],
  ...['-fno-tree-loop-distribute-patterns', '-fno-strict-aliasing', '-fno-math-errno', '-ffp-contract=off'],
  ...['-nostdlib', '-static', '-no-pie', '-Wl,--build-id=none', '-Wl,-z,max-page-size=65536'],
];
const BY_KIND: Readonly<Record<ProgramKind, readonly string[]>> = {
  integer: ['-O2', '-mno-altivec', '-mno-vsx', '-msoft-float'],
  float: ['-O2', '-mno-altivec', '-mno-vsx'],
  vector: ['-O3'],
};

/** @throws Error where the compiler fails */
export function compileProgram(folder: string, { name, kind, rounds }: Program): ProgramFiles {
  const source = (file: string): string => join(import.meta.dirname, 'programs', file);
  const run = (program: string, args: readonly string[]): void => {
    execFileSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  };
  const link = (start: string, at: string): string => {
    const target = join(folder, `${name}-${start}`);
    const own = [...BY_KIND[kind], at, `-Wl,--defsym=rounds=${rounds}`, '-o', target];
    run(GCC, [...FLAGS, ...own, source(`start-${start}.S`), source(`${name}.c`)]);
    return target;
  };
  const linked = link('image', '-Wl,-Ttext=0');
  run(OBJCOPY, ['-O', 'binary', linked, `${linked}.bin`]);
  return { image: `${linked}.bin`, process: link('user', '-Wl,-Ttext-segment=0x100000') };
}
