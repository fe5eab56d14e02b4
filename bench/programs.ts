/**
 * Part `programs`: integer programs, compiled here and now, on our interpreter (a bare machine; every access goes through the
 * software TLB) and as processes of qemu-ppc64le, in turns.
 *
 * Our engine counts the instructions for both: what differs is a dozen at a program's start and end.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arraySource } from '../src/base/bytes.ts';
import { PT_LOAD, parseElf, readSegment } from '../src/base/elf/index.ts';
import { BareMachine } from '../src/emulator/partition/bare-machine.ts';
import { needProgram, programVersion } from './lib/facts.ts';
import { type Section, table } from './lib/report.ts';
import { geometricMean, median, spread } from './lib/statistics.ts';

/** Rounds are chosen for about 400 million instructions. */
const PROGRAMS = [
  { name: 'crc32', rounds: 700 },
  { name: 'fib', rounds: 380 },
  { name: 'matrix', rounds: 75 },
  { name: 'quicksort', rounds: 55 },
  { name: 'records', rounds: 12_000 },
  { name: 'sha256', rounds: 100 },
  { name: 'sieve', rounds: 100 },
  { name: 'strings', rounds: 2_800 },
] as const;

const GCC = 'powerpc64le-linux-gnu-gcc';
const QEMU = 'qemu-ppc64le';
const LOAD_AT = 0x100000;
const MEMORY = 16 * 2 ** 20;
const PVR_POWER9 = 0x4e1200;
/** No program comes near; one that runs away is a fault. */
const LIMIT = 20e9;
const FLAGS = [
  ...['-O2', '-mcpu=power8', '-mno-altivec', '-mno-vsx', '-mlittle-endian', '-mabi=elfv2', '-msoft-float'],
  ...[
    '-ffreestanding',
    '-fno-pic',
    '-fno-builtin',
    '-fno-tree-loop-distribute-patterns',
    '-fno-strict-aliasing',
  ],
  ...[
    '-nostdlib',
    '-static',
    '-no-pie',
    '-Wl,--build-id=none',
    `-Wl,-Ttext-segment=0x${LOAD_AT.toString(16)}`,
    '-Wl,-z,max-page-size=65536',
  ],
];

type Built = { readonly bare: string; readonly user: string };
type Result = { readonly checksum: bigint; readonly seconds: number; readonly instructions?: number };

export type ProgramsOptions = {
  readonly runs: number;
  readonly scale: number;
  readonly log: (text: string) => void;
};

/** Measures, and gives the section of docs/benchmarks.md. @throws Error when the two disagree on a checksum */
export function benchPrograms(options: ProgramsOptions): Section {
  for (const name of [GCC, QEMU]) needProgram(name);
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-bench-'));
  try {
    const nothing = build(folder, 'nothing', 1);
    const rows = PROGRAMS.map(({ name, rounds }) => {
      const built = build(folder, name, Math.max(1, Math.round(rounds * options.scale)));
      runOurs(built.bare); // compiled code and caches warm up
      const ours: number[] = [];
      const qemu: number[] = [];
      let instructions = 0;
      for (let i = 0; i < options.runs; i++) {
        const mine = runOurs(built.bare);
        const start = runQemu(nothing.user);
        const theirs = runQemu(built.user);
        if (mine.checksum !== theirs.checksum)
          throw new Error(`${name}: ${mine.checksum} here, ${theirs.checksum} in ${QEMU}`);
        instructions = mine.instructions ?? 0;
        ours.push(instructions / mine.seconds / 1e6);
        qemu.push(instructions / Math.max(1e-3, theirs.seconds - start.seconds) / 1e6);
      }
      options.log(`${name}: ${median(ours).toFixed(0)} MIPS, ${QEMU} ${median(qemu).toFixed(0)}`);
      return { name, instructions, ours, qemu };
    });
    return report(rows, options);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function report(
  rows: readonly {
    readonly name: string;
    readonly instructions: number;
    readonly ours: readonly number[];
    readonly qemu: readonly number[];
  }[],
  options: ProgramsOptions,
): Section {
  const ours = geometricMean(rows.map((row) => median(row.ours)));
  const qemu = geometricMean(rows.map((row) => median(row.qemu)));
  const lines = rows.map((row) => [
    row.name,
    (row.instructions / 1e6).toFixed(1),
    median(row.ours).toFixed(0),
    spread(row.ours),
    median(row.qemu).toFixed(0),
    spread(row.qemu),
    (median(row.ours) / median(row.qemu)).toFixed(2),
  ]);
  return {
    name: 'programs',
    title: 'Integer programs',
    text: [
      `Freestanding C (\`bench/programs\`), \`gcc -O2 -mcpu=power8\` without vector and floating-point instructions, little-endian. Ours: the interpreter on a bare machine, in real mode through the software TLB, after one run to warm up. Beside it the same program as a static process of \`${QEMU}\`, which has neither a TLB nor privileged state; its start-up is measured each time and subtracted. Both must give the same checksum. Instructions are counted by our engine. MIPS are medians of ${options.runs} runs each, in turns; (±) is half the distance from the slowest to the fastest, in percent of the median.`,
      table(
        ['program', 'million instructions', 'MIPS', '±', `${QEMU} MIPS`, '±', 'ratio'],
        [
          ...lines,
          [
            '**geometric mean**',
            '',
            `**${ours.toFixed(0)}**`,
            '',
            `**${qemu.toFixed(0)}**`,
            '',
            `**${(ours / qemu).toFixed(2)}**`,
          ],
        ],
      ),
      `${programVersion(GCC)}; ${programVersion(QEMU)}.`,
    ],
  };
}

function build(folder: string, name: string, rounds: number): Built {
  const source = (file: string): string => join(import.meta.dirname, 'programs', file);
  const make = (start: string): string => {
    const target = join(folder, `${name}-${start}`);
    const flags = [...FLAGS, `-Wl,--defsym=rounds=${rounds}`];
    execFileSync(GCC, [...flags, '-o', target, source(`start-${start}.S`), source(`${name}.c`)], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    return target;
  };
  return { bare: make('bare'), user: make('user') };
}

let machine: BareMachine | undefined;

function runOurs(file: string): Result {
  machine ??= new BareMachine({ memory: MEMORY, endian: 'little', processorVersion: PVR_POWER9 });
  const elf = parseElf(arraySource(new Uint8Array(readFileSync(file))));
  machine.reset();
  for (const segment of elf.programs) {
    if (segment.type !== PT_LOAD) continue;
    const bytes = new Uint8Array(segment.memsz); // what the file does not hold is zero
    bytes.set(readSegment(elf, segment));
    machine.ram.write(Number(segment.vaddr), bytes);
  }
  machine.vcpu.nia = elf.header.entry;
  const begun = performance.now();
  const stop = machine.run(LIMIT);
  const seconds = (performance.now() - begun) / 1000;
  if (stop !== 'attn') throw new Error(`${file} ended by ${stop} at ${machine.vcpu.nia.toString(16)}`);
  return { checksum: machine.vcpu.gpr(3), seconds, instructions: machine.instructions };
}

function runQemu(file: string): Result {
  const begun = performance.now();
  const output = execFileSync(QEMU, ['-cpu', 'power8', file]);
  const seconds = (performance.now() - begun) / 1000;
  if (output.length !== 8) throw new Error(`${file} wrote ${output.length} bytes in ${QEMU}`);
  return { checksum: output.readBigUInt64LE(0), seconds };
}
