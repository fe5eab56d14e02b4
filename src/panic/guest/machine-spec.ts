/**
 * Resolves a request to a whole machine: the one place where defaults are filled in and impossible machines are refused,
 * for the command line, REST and the fleet. The tables are in contract/machine.ts.
 */

import { defined } from '../../base/defined.ts';
import type { OutputLimits, PartitionConfig, Processor } from '../../emulator/host/index.ts';
import { parseMemorySpec, parseSize } from '../../emulator/partition/size/index.ts';
import { panicError } from '../contract/errors.ts';
import {
  MACHINE_DEFAULTS,
  type MachineRequest,
  type PartitionView,
  PROCESSOR_TRAITS,
} from '../contract/index.ts';
import { outputLimits } from './output-limits.ts';
import { translationOf } from './translation.ts';

/** A machine without its image: nothing is left to choose. */
export type MachineSpec = Pick<
  PartitionView,
  'processor' | 'mmu' | 'firmware' | 'interrupts' | 'diskBus' | 'cpus'
> & {
  readonly memory: PartitionConfig['memory'];
  readonly seed: number;
  readonly refuseSysReset: boolean;
  readonly endsAtOsTerm: boolean;
  /** Absent: the machine's defaults. */
  readonly limits?: OutputLimits;
  /** In bytes. */
  readonly rma?: number;
  readonly dumpBytes?: number;
  /** As in PartitionConfig. */
  readonly threads?: number;
};

/** @throws FormatError `panic/unsupported-machine`, `memory/…` */
export function resolveMachine(request: MachineRequest): MachineSpec {
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
    endsAtOsTerm: request.osTerm === 'end',
    ...defined({
      limits: outputLimits(request.limits),
      rma: sizeOf(request.rma),
      dumpBytes: sizeOf(request.dumpDevice),
    }),
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

function sizeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseSize(text);
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
