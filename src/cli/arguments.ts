/** Reads the values of options. @throws UsageError for an invalid value; the program then ends with 64. */

import { FormatError } from '../base/errors.ts';
import type { PartitionConfig } from '../emulator/host/index.ts';
import { parseMemorySpec, parseSize } from '../emulator/partition/size/index.ts';
import type { Fault } from '../panic/contract/index.ts';
import { parseFault } from '../panic/index.ts';

/** The data folder where none is given: in the current folder. */
export const DEFAULT_DATA = 'data';

/** Exit codes of every command. */
export const EXIT_DONE = 0;
/** `store`: damage was found, or is left. */
export const EXIT_DAMAGED = 1;
export const EXIT_NOT_DONE = 2;
export const EXIT_LIMIT = 3;
export const EXIT_OS_TERM = 5;
export const EXIT_USAGE = 64;

export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** Calls `parse`; what it refuses is a wrong use of the option. @throws UsageError */
export function usage<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof FormatError) throw new UsageError(`${what}: ${error.message}`);
    throw error;
  }
}

/** The value of an option that was given. */
export function optional<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  return text === undefined ? undefined : parse(text);
}

/** Collects an option that may be repeated. */
export function gather(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
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

/** What `--host-timeout` says of itself. */
export const HOST_TIMEOUT = 'seconds of this host until it is given up (default: by CPUs and memory)';

/** A million seconds are eleven days. */
export function hostTimeoutArgument(text: string): number {
  return integerArgument('--host-timeout', text, 1, 1_000_000);
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
