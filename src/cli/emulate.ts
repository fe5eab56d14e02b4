/** `kdumpd emulate`: a bare program (`--raw`) or a bare kernel (`--kernel`), without the service. */

import { Command } from 'commander';
import type { PartitionConfig } from '../emulator/host/index.ts';
import { MAXIMUM_CPUS } from '../panic/contract/index.ts';
import {
  checkMachine,
  choiceArgument,
  FIRMWARES,
  INTERRUPT_CONTROLLERS,
  integerArgument,
  memoryArgument,
  mmuArgument,
  PROCESSORS,
  sizeArgument,
  UsageError,
} from './arguments.ts';
import { emulateKernel } from './emulate-kernel.ts';
import { runRaw } from './emulate-raw.ts';

type Options = {
  readonly raw?: string;
  readonly kernel?: string;
  readonly loadAt?: string;
  readonly initrd?: string;
  readonly append: string;
  readonly processor: string;
  readonly mmu?: string;
  readonly firmware: string;
  readonly interrupts: string;
  readonly cpus: string;
  readonly memory?: string;
  readonly seed: string;
  readonly entry?: string;
  readonly endian: string;
  readonly maxInstructions?: string;
};

const MAXIMUM_ADDRESS = 2 ** 40;

export function emulateCommand(): Command {
  return new Command('emulate')
    .description('Run a bare program or a bare kernel')
    .option('--raw <file>', 'a bare program: bytes placed in memory and entered')
    .option('--kernel <elf>', 'a bare kernel, started as pseries firmware starts it')
    .option('--load-at <address>', 'where the program lies, or what is added to p_paddr (default: 0)')
    .option('--initrd <file>', 'initial RAM disk')
    .option('--append <string>', 'kernel command line', '')
    .option('--processor <name>', 'power8 or power9', 'power9')
    .option('--mmu <mode>', 'hash or radix; default: radix, or what the processor has')
    .option('--interrupts <kind>', 'the interrupt controller: xics or xive', 'xics')
    .option('--firmware <kind>', 'how the kernel is entered: flat or open-firmware', 'flat')
    .option('--cpus <n>', `virtual processors, 1 to ${MAXIMUM_CPUS}`, '1')
    .option('--memory <spec>', 'RAM: 1G, or 64M,16M@4G')
    .option('--entry <address>', 'raw: where to begin (default: where it is loaded)')
    .option('--endian <order>', 'raw: big or little', 'big')
    .option('--max-instructions <n>', 'raw: stop after so many')
    .option('--registers', 'raw: registers as JSON on stdout (always so)')
    .option('--seed <n>', 'seeds every source of chance', '1')
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
    processor: choiceArgument('--processor', options.processor, PROCESSORS),
    memory: sizeArgument('--memory', options.memory ?? '16M'),
    seed: integerArgument('--seed', options.seed, 0, Number.MAX_SAFE_INTEGER),
    unsupported: (what) =>
      process.stderr.write(
        `kdumpd: not implemented: ${what.kind} ${what.key} at ${what.where ?? 'no address'}\n`,
      ),
    ...(options.entry === undefined
      ? {}
      : { entry: integerArgument('--entry', options.entry, 0, MAXIMUM_ADDRESS) }),
    ...(options.maxInstructions === undefined
      ? {}
      : {
          maxInstructions: integerArgument(
            '--max-instructions',
            options.maxInstructions,
            0,
            Number.MAX_SAFE_INTEGER,
          ),
        }),
  });
  process.stdout.write(`${JSON.stringify(registers)}\n`);
  return exitCode;
}

async function runKernel(options: Options, kernel: string): Promise<number> {
  const processor = choiceArgument('--processor', options.processor, PROCESSORS);
  const mmu = mmuArgument(options.mmu, processor);
  const interruptController = choiceArgument('--interrupts', options.interrupts, INTERRUPT_CONTROLLERS);
  checkMachine(processor, mmu, interruptController);
  const config: PartitionConfig = {
    processor,
    mmu,
    cpus: integerArgument('--cpus', options.cpus, 1, MAXIMUM_CPUS),
    memory: memoryArgument(options.memory ?? '1G'),
    kernel,
    ...(options.initrd === undefined ? {} : { initrd: options.initrd }),
    append: options.append,
    seed: integerArgument('--seed', options.seed, 0, Number.MAX_SAFE_INTEGER),
    disks: [],
    firmware: choiceArgument('--firmware', options.firmware, FIRMWARES),
    interruptController,
    ...(options.loadAt === undefined
      ? {}
      : { loadAt: integerArgument('--load-at', options.loadAt, 0, MAXIMUM_ADDRESS) }),
  };
  try {
    return await emulateKernel(config, {
      input: process.stdin,
      output: process.stdout,
      messages: process.stderr,
    });
  } finally {
    process.stdin.pause();
  }
}
