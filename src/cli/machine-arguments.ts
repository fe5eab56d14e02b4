/** The machine that an image is booted on: options of every command that boots one. */

import type { Command } from 'commander';
import type { MmuMode, Processor } from '../emulator/host/index.ts';
import { MAXIMUM_CPUS } from '../panic/contract/index.ts';
import type { MachineVariant } from '../panic/index.ts';
import {
  checkMachine,
  choiceArgument,
  DISK_BUSES,
  FIRMWARES,
  INTERRUPT_CONTROLLERS,
  integerArgument,
  memoryArgument,
  mmuArgument,
  PROCESSORS,
  sizeArgument,
} from './arguments.ts';

export type MachineOptions = {
  readonly processor: string;
  readonly mmu?: string;
  readonly firmware: string;
  readonly interrupts: string;
  readonly diskBus: string;
  readonly cpus: string;
  readonly memory: string;
  readonly rma?: string;
  readonly seed: string;
};

export type MachineArguments = {
  readonly processor: Processor;
  readonly mmu: MmuMode;
  readonly variant: MachineVariant;
  readonly cpus: number;
  /** As it was given: it can be parsed. */
  readonly memory: string;
  readonly rma?: number;
  readonly seed: number;
};

/** Adds the options to a command. */
export function withMachineOptions(command: Command): Command {
  return command
    .option('--processor <name>', 'power8 or power9', 'power9')
    .option('--mmu <mode>', 'hash or radix; default: radix, or what the processor has')
    .option('--firmware <kind>', 'how the kernel is entered: flat or open-firmware', 'flat')
    .option('--interrupts <kind>', 'the interrupt controller: xics or xive', 'xics')
    .option('--disk-bus <kind>', 'how disks are attached: virtio or vscsi', 'virtio')
    .option('--cpus <n>', `virtual processors, 1 to ${MAXIMUM_CPUS}`, '1')
    .option('--memory <spec>', 'RAM: 1G, or 64M,16M@4G', '1G')
    .option('--rma <size>', 'size of the real-mode area')
    .option('--seed <n>', 'seeds every source of chance', '1');
}

/** @throws UsageError, also for a machine that there is not. */
export function machineArguments(options: MachineOptions): MachineArguments {
  const processor = choiceArgument('--processor', options.processor, PROCESSORS);
  const mmu = mmuArgument(options.mmu, processor);
  const interruptController = choiceArgument('--interrupts', options.interrupts, INTERRUPT_CONTROLLERS);
  checkMachine(processor, mmu, interruptController);
  memoryArgument(options.memory);
  return {
    processor,
    mmu,
    variant: {
      firmware: choiceArgument('--firmware', options.firmware, FIRMWARES),
      interruptController,
      diskBus: choiceArgument('--disk-bus', options.diskBus, DISK_BUSES),
    },
    cpus: integerArgument('--cpus', options.cpus, 1, MAXIMUM_CPUS),
    memory: options.memory,
    ...(options.rma === undefined ? {} : { rma: sizeArgument('--rma', options.rma) }),
    seed: integerArgument('--seed', options.seed, 0, Number.MAX_SAFE_INTEGER),
  };
}
