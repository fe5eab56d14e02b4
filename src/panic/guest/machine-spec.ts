/**
 * Resolves a request to a whole machine: the one place where defaults are filled in and impossible machines are refused,
 * for the command line, REST and the fleet. The tables are in contract/machine.ts.
 */

import { defined } from '../../base/defined.ts';
import type { OutputLimits, PartitionConfig, Processor } from '../../emulator/host/index.ts';
import { parseMemorySpec } from '../../emulator/partition/index.ts';
import { panicError } from '../contract/errors.ts';
import {
  MACHINE_DEFAULTS,
  type MachineRequest,
  type PartitionView,
  PROCESSOR_TRAITS,
} from '../contract/index.ts';
import { outputLimits } from './output-limits.ts';
import { translationOf } from './translation.ts';

/** A request with the options that only the command line has. */
export type MachineOptions = MachineRequest & {
  /** Size of the real-mode area in bytes; default: see PartitionConfig. */
  readonly rma?: number;
  /** Size of the dump device in bytes; default: all memory and 64 MiB for headers. */
  readonly dumpBytes?: number;
};

/** A machine without its image: nothing is left to choose. */
export type MachineSpec = Pick<
  PartitionView,
  'processor' | 'mmu' | 'firmware' | 'interrupts' | 'diskBus' | 'cpus'
> & {
  readonly memory: PartitionConfig['memory'];
  readonly seed: number;
  readonly refuseSysReset: boolean;
  /** Absent: the machine's defaults. */
  readonly limits?: OutputLimits;
  readonly rma?: number;
  readonly dumpBytes?: number;
  /** As in PartitionConfig. */
  readonly threads?: number;
};

/** @throws FormatError `panic/unsupported-machine`, `memory/…` */
export function resolveMachine(request: MachineOptions): MachineSpec {
  const processor = request.processor ?? MACHINE_DEFAULTS.processor;
  const { title, mmus, interrupts } = PROCESSOR_TRAITS[processor];
  const cpus = request.cpus ?? MACHINE_DEFAULTS.cpus;
  return {
    processor,
    mmu: allowed(`${title} has no radix translation`, mmus, translationOf(mmus, request.mmu, request.append)),
    firmware: request.firmware ?? MACHINE_DEFAULTS.firmware,
    interrupts: allowed(`${title} has no XIVE`, interrupts, request.interrupts),
    diskBus: request.diskBus ?? MACHINE_DEFAULTS.diskBus,
    cpus,
    memory: parseMemorySpec(request.memory ?? MACHINE_DEFAULTS.memory),
    seed: request.seed ?? MACHINE_DEFAULTS.seed,
    refuseSysReset: request.refuseSysReset ?? false,
    ...defined({ limits: outputLimits(request.limits), rma: request.rma, dumpBytes: request.dumpBytes }),
    ...(request.threads === undefined ? {} : { threads: wholeCores(processor, cpus, request.threads) }),
  };
}

/** Every core has all its threads, as QEMU demands of `-smp cores=,threads=` (hw/core/machine-smp.c). */
function wholeCores(processor: Processor, cpus: number, threads: number): number {
  const { title, threads: choices } = PROCESSOR_TRAITS[processor];
  if (!choices.includes(threads))
    throw panicError('panic/unsupported-machine', `a core of ${title} has no ${threads} threads`, {
      expected: choices.join(' or '),
      actual: `${threads}`,
    });
  if (cpus % threads !== 0)
    throw panicError(
      'panic/unsupported-machine',
      `${cpus} CPUs are no whole cores of ${threads} threads: give a multiple`,
      { expected: `a multiple of ${threads}`, actual: `${cpus}` },
    );
  return threads;
}

/** Bytes of RAM. */
export function memoryBytesOf({ memory }: Pick<MachineSpec, 'memory'>): number {
  return memory.reduce((sum, { size }) => sum + size, 0);
}

/** The requested value, or the first one that is supported. */
function allowed<T extends string>(refusal: string, choices: readonly T[], asked: T | undefined): T {
  const found = asked === undefined ? choices[0] : choices.find((each) => each === asked);
  if (found !== undefined) return found;
  throw panicError('panic/unsupported-machine', refusal, {
    expected: choices.join(' or '),
    actual: `${asked}`,
  });
}
