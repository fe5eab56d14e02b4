/** Runs `kdumpd emulate`: a bare program (`--raw`) or a bare kernel (`--kernel`), without the service. */

import { Command } from 'commander';
import { defined } from '../base/defined.ts';
import { UNLIMITED_OUTPUT } from '../emulator/contract/index.ts';
import type { PartitionConfig } from '../emulator/host/index.ts';
import { MACHINE_DEFAULTS, PROCESSORS } from '../panic/contract/index.ts';
import { resolveMachine } from '../panic/index.ts';
import { choiceArgument, integerArgument, optional, sizeArgument, UsageError, usage } from './arguments.ts';
import { emulateKernel } from './emulate-kernel.ts';
import { runRaw } from './emulate-raw.ts';
import { type MachineOptions, machineArguments, withProcessorOptions } from './machine-arguments.ts';

type Options = Omit<MachineOptions, 'diskBus' | 'rma' | 'consoleLimit' | 'dumpDevice' | 'refuseSysReset'> & {
  readonly raw?: string;
  readonly kernel?: string;
  readonly loadAt?: string;
  readonly initrd?: string;
  readonly append: string;
  readonly entry?: string;
  readonly endian: string;
  readonly maxInstructions?: string;
};

const MAXIMUM_ADDRESS = 2 ** 40;

export function emulateCommand(): Command {
  return withProcessorOptions(new Command('emulate'), 'end')
    .description('Run a bare program or a bare kernel')
    .option('--raw <file>', 'a bare program: bytes placed in memory and entered')
    .option('--kernel <elf>', 'a bare kernel, started as pseries firmware starts it')
    .option('--load-at <address>', 'raw: address of the program; kernel: added to each p_paddr (default: 0)')
    .option('--initrd <file>', 'initial RAM disk')
    .option('--append <string>', 'kernel command line', '')
    .option('--entry <address>', 'raw: address of the first instruction (default: that of --load-at)')
    .option('--endian <order>', 'raw: big or little', 'big')
    .option('--max-instructions <n>', 'stop after so many, with exit code 3')
    .option('--registers', 'raw: registers as JSON on stdout (always printed)')
    .exitOverride()
    .action(async (options: Options) => {
      if ((options.raw === undefined) === (options.kernel === undefined))
        throw new UsageError('emulate takes --raw or --kernel');
      if (options.kernel !== undefined) process.exitCode = await runKernel(options, options.kernel);
      else if (options.raw !== undefined) process.exitCode = runBare(options, options.raw);
    });
}

function runBare(options: Options, file: string): number {
  const { registers, exitCode } = runRaw({
    file,
    loadAt: integerArgument('--load-at', options.loadAt ?? '0', 0, MAXIMUM_ADDRESS),
    endian: choiceArgument('--endian', options.endian, ['big', 'little']),
    processor: choiceArgument('--processor', options.processor ?? MACHINE_DEFAULTS.processor, PROCESSORS),
    memory: sizeArgument('--memory', options.memory ?? '16M'),
    seed: integerArgument(
      '--seed',
      options.seed ?? String(MACHINE_DEFAULTS.seed),
      0,
      Number.MAX_SAFE_INTEGER,
    ),
    unsupported: (what) =>
      process.stderr.write(
        `kdumpd: not implemented: ${what.kind} ${what.key} at ${what.where ?? 'no address'}\n`,
      ),
    ...defined({
      entry: optional(options.entry, (text) => integerArgument('--entry', text, 0, MAXIMUM_ADDRESS)),
      maxInstructions: limitOf(options),
    }),
  });
  process.stdout.write(`${JSON.stringify(registers)}\n`);
  return exitCode;
}

function limitOf({ maxInstructions }: Options): number | undefined {
  return optional(maxInstructions, (text) =>
    integerArgument('--max-instructions', text, 0, Number.MAX_SAFE_INTEGER),
  );
}

async function runKernel(options: Options, kernel: string): Promise<number> {
  const { processor, mmu, cpus, threads, memory, seed, firmware, interrupts, endsAtOsTerm } = usage(
    '--processor',
    () => resolveMachine({ osTerm: 'end', ...machineArguments(options) }),
  );
  const config: PartitionConfig = {
    processor,
    mmu,
    cpus,
    memory,
    kernel,
    append: options.append,
    seed,
    disks: [],
    firmware,
    interruptController: interrupts,
    limits: UNLIMITED_OUTPUT,
    endsAtOsTerm,
    ...defined({
      threads,
      initrd: options.initrd,
      loadAt: optional(options.loadAt, (text) => integerArgument('--load-at', text, 0, MAXIMUM_ADDRESS)),
    }),
  };
  try {
    return await emulateKernel(
      config,
      {
        input: process.stdin,
        output: process.stdout,
        messages: process.stderr,
      },
      defined({ maxInstructions: limitOf(options) }),
    );
  } finally {
    process.stdin.pause();
  }
}
