/** Defines the options for the machine. Every command that boots an image has them. */

import type { Command } from 'commander';
import { defined } from '../base/defined.ts';
import { DEFAULT_OUTPUT_LIMITS } from '../emulator/contract/index.ts';
import { checkSizes } from '../emulator/partition/size/index.ts';
import {
  DISK_BUSES,
  FIRMWARES,
  INTERRUPT_CONTROLLERS,
  MACHINE_DEFAULTS,
  MAXIMUM_CPUS,
  type MachineRequest,
  MMU_MODES,
  OS_TERM_POLICIES,
  type OutputLimitsRequest,
  type PartitionRequest,
  PROCESSORS,
} from '../panic/contract/index.ts';
import { type MachineSpec, resolveMachine } from '../panic/index.ts';
import {
  choiceArgument,
  integerArgument,
  memoryArgument,
  optional,
  sizeArgument,
  usage,
} from './arguments.ts';

export type MachineOptions = {
  readonly processor?: string;
  readonly mmu?: string;
  readonly firmware?: string;
  readonly interrupts?: string;
  readonly diskBus?: string;
  readonly cpus?: string;
  readonly threads?: string;
  readonly append?: string;
  readonly memory?: string;
  readonly rma?: string;
  readonly seed?: string;
  readonly consoleLimit?: string;
  readonly dumpDevice?: string;
  readonly refuseSysReset?: boolean;
  readonly osTerm?: string;
  readonly consoleRate?: string;
  readonly agentLimit?: string;
};

/** Adds the options to a command. resolveMachine chooses defaults for those that are not given. */
export function withMachineOptions(command: Command): Command {
  return withProcessorOptions(command)
    .option(
      '--disk-bus <kind>',
      `how disks are attached: virtio or vscsi (default: ${MACHINE_DEFAULTS.diskBus})`,
    )
    .option('--rma <size>', 'size of the real-mode area')
    .option('--dump-device <size>', 'size of the dump device (default: all memory and 64M)')
    .option(
      '--refuse-sys-reset',
      'answer H_SIGNAL_SYS_RESET with H_Function: the guest then stops CPUs by IPIs',
    )
    .option(
      '--console-limit <size>',
      `what the guest may print before it is stopped (default: ${DEFAULT_OUTPUT_LIMITS.terminals[0].most.burst / 2 ** 20}M)`,
    )
    .option('--console-rate <size>', 'what it may print a second of its time, once much was printed')
    .option('--agent-limit <size>', 'what it may print on its second terminal before it is stopped');
}

/** The options of a machine without disks. */
export function withProcessorOptions(
  command: Command,
  osTerm: PartitionRequest['osTerm'] = 'return',
): Command {
  const { processor, firmware, cpus, memory, seed } = MACHINE_DEFAULTS;
  return command
    .option('--processor <name>', `power8 or power9 (default: ${processor})`)
    .option(
      '--mmu <mode>',
      'hash or radix (default: radix; hash with disable_radix in --append; power8 has hash alone)',
    )
    .option('--firmware <kind>', `how the kernel is entered: flat or open-firmware (default: ${firmware})`)
    .option('--interrupts <kind>', 'the interrupt controller: xics or xive (default: xics)')
    .option('--cpus <n>', `virtual processors, 1 to ${MAXIMUM_CPUS} (default: ${cpus})`)
    .option(
      '--threads <n>',
      'threads of each core: 1, 2, 4, and 8 on power8 (default: 2, the last core may have 1)',
    )
    .option('--memory <spec>', `RAM: 1G, or 64M,16M@4G (default: ${memory})`)
    .option('--seed <n>', `the seed of all random values (default: ${seed})`)
    .option('--os-term <policy>', `what ibm,os-term does: return or end (default: ${osTerm})`);
}

/** What was given. @throws UsageError, also for a machine that there is not. */
export function machineArguments(options: MachineOptions): MachineRequest & Pick<MachineSpec, 'cpus'> {
  if (options.memory !== undefined) memoryArgument(options.memory);
  const machine = given(options);
  const spec = usage('--processor', () => resolveMachine(machine));
  // The disks are an image's, and are checked with it.
  usage('--memory', () => checkSizes({ ...spec, disks: [] }));
  return { ...machine, cpus: spec.cpus };
}

/** A size that can be read, as it was given. */
function sizeText(what: string, text: string): string {
  sizeArgument(what, text);
  return text;
}

function given(options: MachineOptions): MachineRequest {
  return defined({
    processor: optional(options.processor, (text) => choiceArgument('--processor', text, PROCESSORS)),
    mmu: optional(options.mmu, (text) => choiceArgument('--mmu', text, MMU_MODES)),
    firmware: optional(options.firmware, (text) => choiceArgument('--firmware', text, FIRMWARES)),
    interrupts: optional(options.interrupts, (text) =>
      choiceArgument('--interrupts', text, INTERRUPT_CONTROLLERS),
    ),
    diskBus: optional(options.diskBus, (text) => choiceArgument('--disk-bus', text, DISK_BUSES)),
    cpus: optional(options.cpus, (text) => integerArgument('--cpus', text, 1, MAXIMUM_CPUS)),
    threads: optional(options.threads, (text) => integerArgument('--threads', text, 1, MAXIMUM_CPUS)),
    memory: options.memory,
    append: options.append,
    rma: optional(options.rma, (text) => sizeText('--rma', text)),
    dumpDevice: optional(options.dumpDevice, (text) => sizeText('--dump-device', text)),
    refuseSysReset: options.refuseSysReset,
    osTerm: optional(options.osTerm, (text) => choiceArgument('--os-term', text, OS_TERM_POLICIES)),
    limits: limitsOf(options),
    seed: optional(options.seed, (text) => integerArgument('--seed', text, 0, Number.MAX_SAFE_INTEGER)),
  });
}

function limitsOf(options: MachineOptions): OutputLimitsRequest | undefined {
  const { consoleLimit, consoleRate, agentLimit } = options;
  const limits = defined({
    consoleBytes: optional(consoleLimit, (text) => sizeArgument('--console-limit', text)),
    consoleBytesPerSecond: optional(consoleRate, (text) => sizeArgument('--console-rate', text)),
    agentBytes: optional(agentLimit, (text) => sizeArgument('--agent-limit', text)),
  });
  return Object.keys(limits).length === 0 ? undefined : limits;
}
