/**
 * Lists what a machine can be made of: the choices, the limits of each processor, and the defaults. Plain data without
 * imports: REST, the command line and the dashboard read the same tables. guest/machine-spec.ts resolves a request to a
 * machine.
 */

import type { PartitionRequest, PartitionView } from './partition.ts';

/** CPUs of a partition at the most: as many as tests and the matrix of crashes go up to. */
export const MAXIMUM_CPUS = 8;

type Processor = PartitionView['processor'];

/** What a processor supports. The first of each list is the default. */
export type ProcessorTraits = {
  /** As documentation writes it. */
  readonly title: string;
  readonly mmus: readonly PartitionView['mmu'][];
  readonly interrupts: readonly PartitionView['interrupts'][];
  /** Threads that a core can have, ascending; the default is two. Of a POWER9 that runs as its architecture says, QEMU, too, shows four (target/ppc/compat.c). */
  readonly threads: readonly number[];
};

/** Radix translation came with Power ISA 3.0 and XIVE with POWER9: POWER8, which implements 2.07, has neither. */
export const PROCESSOR_TRAITS: Readonly<Record<Processor, ProcessorTraits>> = {
  power9: { title: 'POWER9', mmus: ['radix', 'hash'], interrupts: ['xics', 'xive'], threads: [1, 2, 4] },
  power8: { title: 'POWER8', mmus: ['hash'], interrupts: ['xics'], threads: [1, 2, 4, 8] },
};

/** In order of listing. */
export const PROCESSORS: readonly Processor[] = ['power8', 'power9'];
export const MMU_MODES: readonly PartitionView['mmu'][] = ['hash', 'radix'];
export const FIRMWARES: readonly PartitionView['firmware'][] = ['flat', 'open-firmware'];
export const INTERRUPT_CONTROLLERS: readonly PartitionView['interrupts'][] = ['xics', 'xive'];
/** The first is the default. */
export const OS_TERM_POLICIES: readonly NonNullable<PartitionRequest['osTerm']>[] = ['return', 'end'];
export const DISK_BUSES: readonly PartitionView['diskBus'][] = ['virtio', 'vscsi'];

/** The parts of a request that describe the machine. */
export type MachineRequest = Pick<
  PartitionRequest,
  | 'processor'
  | 'mmu'
  | 'firmware'
  | 'interrupts'
  | 'diskBus'
  | 'cpus'
  | 'threads'
  | 'memory'
  | 'seed'
  | 'append'
  | 'refuseSysReset'
  | 'osTerm'
  | 'rma'
  | 'dumpDevice'
  | 'limits'
>;

/** The defaults of a request. The MMU and the interrupt controller default to the processor's first. */
export const MACHINE_DEFAULTS: {
  readonly processor: Processor;
  readonly firmware: PartitionView['firmware'];
  readonly diskBus: PartitionView['diskBus'];
  readonly cpus: number;
  readonly memory: string;
  readonly seed: number;
} = { processor: 'power9', firmware: 'flat', diskBus: 'virtio', cpus: 1, memory: '1G', seed: 1 };
