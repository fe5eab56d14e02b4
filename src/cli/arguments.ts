/** Values as the command line gives them. @throws UsageError for what cannot be meant; the program then ends with 64. */

import { FormatError } from '../base/errors.ts';
import type {
  DiskBus,
  Firmware,
  InterruptController,
  MmuMode,
  PartitionConfig,
  Processor,
} from '../emulator/host/index.ts';
import { parseMemorySpec, parseSize } from '../emulator/partition/index.ts';
import type { Fault } from '../panic/contract/index.ts';
import { defaultMmu, parseFault } from '../panic/index.ts';

/** Exit codes of every command. */
export const EXIT_DONE = 0;
export const EXIT_RULE_BROKEN = 1;
export const EXIT_NOT_DONE = 2;
export const EXIT_OS_TERM = 5;
export const EXIT_USAGE = 64;

export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

function usage<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof FormatError) throw new UsageError(`${what}: ${error.message}`);
    throw error;
  }
}

export function sizeArgument(what: string, text: string): number {
  return usage(what, () => parseSize(text));
}

export function memoryArgument(text: string): PartitionConfig['memory'] {
  return usage('--memory', () => parseMemorySpec(text));
}

/** A whole number, decimal or 0x, from `low` to `high`. */
export function integerArgument(what: string, text: string, low: number, high: number): number {
  const value = /^(0x[0-9a-f]+|[0-9]+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < low || value > high) {
    throw new UsageError(`${what}: ${JSON.stringify(text)} is not a number from ${low} to ${high}`);
  }
  return value;
}

export function choiceArgument<T extends string>(what: string, text: string, choices: readonly T[]): T {
  const found = choices.find((each) => each === text);
  if (found === undefined)
    throw new UsageError(`${what}: ${JSON.stringify(text)} is none of ${choices.join(', ')}`);
  return found;
}

/** A fault to inject into a machine of so many CPUs. */
export function faultArgument(text: string, cpus: number): Fault {
  const fault = usage('--fault', () => parseFault(text));
  if (fault.kind === 'wedge' && fault.cpu >= cpus)
    throw new UsageError(`--fault: there is no CPU ${fault.cpu} to wedge`);
  return fault;
}

export const PROCESSORS: readonly Processor[] = ['power8', 'power9'];
export const MMU_MODES: readonly MmuMode[] = ['hash', 'radix'];
export const DISK_BUSES: readonly DiskBus[] = ['virtio', 'vscsi'];
export const INTERRUPT_CONTROLLERS: readonly InterruptController[] = ['xics', 'xive'];
export const FIRMWARES: readonly Firmware[] = ['flat', 'open-firmware'];

/** How a processor translates when nothing is said: POWER9 by radix trees, POWER8 in the one way that it can. */
export function mmuArgument(text: string | undefined, processor: Processor): MmuMode {
  return text === undefined ? defaultMmu(processor) : choiceArgument('--mmu', text, MMU_MODES);
}

/** Every machine there is: POWER8 has no radix translation. */
export function checkMachine(
  processor: Processor,
  mmu: MmuMode,
  interrupts: InterruptController = 'xics',
): void {
  if (processor === 'power8' && mmu === 'radix')
    throw new UsageError('power8 has no radix translation: it takes --mmu hash');
  if (processor === 'power8' && interrupts === 'xive')
    throw new UsageError('power8 has no XIVE: it takes --interrupts xics');
}
