/**
 * Part `programs`: integer, floating-point and vector programs, compiled here and now: as the same image on a bare machine
 * of ours and on qemu-system-ppc64, both with a software TLB, and as a process of qemu-ppc64le, in turns.
 *
 * Our engine counts the instructions for all: what differs is a dozen at a program's start and end.
 */

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_JIT } from '../src/emulator/engine/jit/jit.ts';
import { BareMachine } from '../src/emulator/partition/bare-machine.ts';
import { QEMU_MACHINE } from './guests/qemu-guest.ts';
import { needProgram, programVersion } from './lib/facts.ts';
import { type Section, table } from './lib/report.ts';
import { geometricMean, median, spread } from './lib/statistics.ts';
import {
  compileProgram,
  GCC,
  NOTHING,
  PROGRAMS,
  type ProgramFiles,
  type ProgramKind,
} from './program-images.ts';

const QEMU_SYSTEM = 'qemu-system-ppc64';
const QEMU_USER = 'qemu-ppc64le';
/** Of an image, in big-endian order. */
const ENTRY = 0x100n;
const MEMORY = 16 * 2 ** 20;
const PVR_POWER9 = 0x4e1200;
const TIMEBASE_HZ = 512e6;
/** No program comes near; one that runs away is a fault. */
const LIMIT = 20e9;
/** Bytes that an image writes: the checksum, and what the timebase counted. */
const ANSWER_BYTES = 16;

/** What runs a program. */
type Runner = 'here' | 'interpreted' | 'system' | 'user';
type Result = { readonly checksum: bigint; readonly seconds: number };
type Row = {
  readonly name: string;
  readonly kind: ProgramKind;
  readonly instructions: number;
  readonly mips: Readonly<Record<Runner, readonly number[]>>;
};

export type ProgramsOptions = {
  readonly runs: number;
  readonly scale: number;
  readonly log: (text: string) => void;
};

/** Measures, and gives the section of docs/benchmarks.md. @throws Error when two disagree on a checksum */
export async function benchPrograms(options: ProgramsOptions): Promise<Section> {
  for (const name of [GCC, QEMU_SYSTEM, QEMU_USER]) needProgram(name);
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-bench-'));
  try {
    const nothing = compileProgram(folder, NOTHING);
    const rows: Row[] = [];
    for (const program of PROGRAMS) {
      const rounds = Math.max(1, Math.round(program.rounds * options.scale));
      const files = compileProgram(folder, { ...program, rounds });
      const row = { name: program.name, kind: program.kind, ...(await measure(files, nothing, options)) };
      rows.push(row);
      options.log(
        `${row.name}: ${Object.entries(row.mips)
          .map(([runner, mips]) => `${runner} ${median(mips).toFixed(0)}`)
          .join(', ')} MIPS`,
      );
    }
    return report(rows, options);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(
  files: ProgramFiles,
  nothing: ProgramFiles,
  { runs }: ProgramsOptions,
): Promise<Pick<Row, 'instructions' | 'mips'>> {
  const mips = { here: [], interpreted: [], system: [], user: [] } as Record<Runner, number[]>;
  for (const isCompiled of [true, false]) runHere(files.image, isCompiled); // compiled code and caches warm up
  let instructions = 0;
  for (let i = 0; i < runs; i++) {
    const here = runHere(files.image, true);
    const interpreted = runHere(files.image, false);
    const system = await runSystem(files.image);
    const start = runUser(nothing.process);
    const user = runUser(files.process);
    for (const { checksum } of [interpreted, system, user])
      if (checksum !== here.checksum)
        throw new Error(`${files.image}: ${here.checksum} here, ${checksum} elsewhere`);
    instructions = here.instructions;
    const take = (runner: Runner, seconds: number): void => {
      mips[runner].push(instructions / Math.max(1e-3, seconds) / 1e6);
    };
    take('here', here.seconds);
    take('interpreted', interpreted.seconds);
    take('system', system.seconds);
    take('user', user.seconds - start.seconds);
  }
  return { instructions, mips };
}

function report(rows: readonly Row[], options: ProgramsOptions): Section {
  const part = (title: string, kinds: readonly ProgramKind[]): readonly string[] => [
    `### ${title}`,
    tableOf(rows.filter(({ kind }) => kinds.includes(kind))),
  ];
  return {
    name: 'programs',
    title: 'Programs',
    text: [
      `Freestanding C (\`bench/programs\`), \`gcc -mcpu=power8\`, little-endian: integer programs with \`-O2\` and without vector and floating-point instructions, floating-point ones with \`-O2\`, vector ones with \`-O3\`. *Here*: a bare machine with compiled regions, in real mode through the software TLB, after one run to warm up; *interpreted*: the same without them. *${QEMU_SYSTEM}* runs the very same image (\`-bios\`), its time read from the timebase by the image itself; *${QEMU_USER}* the same program as a static process, without a TLB or privileged state, its start-up measured each time and subtracted. All must give the same checksum. Instructions are counted by our engine. MIPS are medians of ${options.runs} runs each, in turns; (±) is half the distance from the slowest to the fastest, in percent of the median; ratios are *here* to the other.`,
      ...part('Integer', ['integer']),
      ...part('Floating point and vectors', ['float', 'vector']),
      [
        programVersion(GCC),
        `${programVersion(QEMU_SYSTEM)}, TCG, \`-M ${QEMU_MACHINE} -cpu power9\``,
        programVersion(QEMU_USER),
      ].join('; '),
    ],
  };
}

function tableOf(rows: readonly Row[]): string {
  const mean = (runner: Runner): number => geometricMean(rows.map(({ mips }) => median(mips[runner])));
  const cells = (value: (runner: Runner) => string, ratio: (runner: Runner) => string): readonly string[] => [
    ...[value('here'), value('interpreted'), ratio('interpreted')],
    ...[value('system'), ratio('system'), value('user'), ratio('user')],
  ];
  const lines = rows.map(({ name, instructions, mips }) => {
    const ratio = (runner: Runner): number => median(mips.here) / median(mips[runner]);
    return [
      name,
      (instructions / 1e6).toFixed(1),
      ...cells(
        (runner) => `${median(mips[runner]).toFixed(0)} (±${spread(mips[runner])})`,
        (runner) => ratio(runner).toFixed(2),
      ),
    ];
  });
  const bold = (text: string): string => `**${text}**`;
  const last = cells(
    (runner) => bold(mean(runner).toFixed(0)),
    (runner) => bold((mean('here') / mean(runner)).toFixed(2)),
  );
  return table(
    [
      ...['program', 'million instructions', 'here', 'interpreted', 'ratio'],
      ...[QEMU_SYSTEM, 'ratio', QEMU_USER, 'ratio'],
    ],
    [...lines, ['**geometric mean**', '', ...last]],
  );
}

const machines = new Map<boolean, BareMachine>();

function runHere(file: string, isCompiled: boolean): Result & { readonly instructions: number } {
  const jit = isCompiled ? { jit: DEFAULT_JIT } : {};
  const machine =
    machines.get(isCompiled) ??
    new BareMachine({ memory: MEMORY, endian: 'big', processorVersion: PVR_POWER9, ...jit });
  machines.set(isCompiled, machine);
  machine.reset();
  machine.ram.fill(0, MEMORY, 0);
  machine.ram.write(0, readFileSync(file));
  machine.vcpu.nia = ENTRY;
  const begun = performance.now();
  const stop = machine.run(LIMIT);
  const seconds = (performance.now() - begun) / 1000;
  if (stop !== 'attn') throw new Error(`${file} ended by ${stop} at ${machine.vcpu.nia.toString(16)}`);
  return { checksum: machine.vcpu.gpr(31), seconds, instructions: machine.instructions };
}

/** @throws Error where QEMU ends before the image has written its answer */
async function runSystem(file: string): Promise<Result> {
  const args = ['-M', QEMU_MACHINE, '-cpu', 'power9', '-m', '256M', '-bios', file];
  const quiet = ['-display', 'none', '-monitor', 'none', '-net', 'none', '-serial', 'stdio'];
  const child = spawn(QEMU_SYSTEM, [...args, ...quiet], { stdio: ['ignore', 'pipe', 'inherit'] });
  let answer = Buffer.alloc(0);
  for await (const piece of child.stdout) {
    answer = Buffer.concat([answer, piece]);
    if (answer.length >= ANSWER_BYTES) break;
  }
  child.kill('SIGKILL');
  if (answer.length < ANSWER_BYTES) throw new Error(`${file} wrote ${answer.length} bytes in ${QEMU_SYSTEM}`);
  return {
    checksum: answer.readBigUInt64LE(0),
    seconds: Number(answer.readBigUInt64LE(8)) / TIMEBASE_HZ,
  };
}

function runUser(file: string): Result {
  const begun = performance.now();
  const output = execFileSync(QEMU_USER, ['-cpu', 'power9', file]);
  const seconds = (performance.now() - begun) / 1000;
  if (output.length !== 8) throw new Error(`${file} wrote ${output.length} bytes in ${QEMU_USER}`);
  return { checksum: output.readBigUInt64LE(0), seconds };
}
