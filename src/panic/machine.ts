/** The machine for an image: its disks, and room for a dump. */

import type { DiskConfig, MmuMode, PartitionConfig, Processor } from '../emulator/host/index.ts';
import { panicError } from './errors.ts';
import type { BootImage } from './image.ts';

export type MachineChoice = {
  readonly processor: Processor;
  readonly mmu: MmuMode;
  readonly cpus: number;
  readonly memory: PartitionConfig['memory'];
  readonly rma?: number;
  readonly seed: number;
  readonly refuseSysReset?: boolean;
  /** Size of the dump device; default: all memory and 64 MiB for headers. */
  readonly dumpBytes?: number;
};

const DUMP_MARGIN = 64 * 2 ** 20;

/**
 * A read-only disk with the image's crash kernel, where it has one, then the dump device.
 * @throws FormatError `panic/unsupported-machine`
 */
export function makeConfig(boot: BootImage, choice: MachineChoice): PartitionConfig {
  if (choice.processor !== 'power9' || choice.mmu !== 'radix') {
    throw panicError('panic/unsupported-machine', 'guests run on POWER9 with radix translation', {
      expected: 'power9 radix',
      actual: `${choice.processor} ${choice.mmu}`,
    });
  }
  const memory = choice.memory.reduce((sum, { size }) => sum + size, 0);
  const system: DiskConfig[] =
    boot.disk === undefined ? [] : [{ kind: 'file', path: boot.disk, readOnly: true }];
  return {
    processor: choice.processor,
    mmu: choice.mmu,
    cpus: choice.cpus,
    memory: choice.memory,
    ...(choice.rma === undefined ? {} : { rma: choice.rma }),
    kernel: boot.kernel,
    ...(boot.initrd === undefined ? {} : { initrd: boot.initrd }),
    append: boot.append,
    seed: choice.seed,
    ...(choice.refuseSysReset === true ? { refuseSysReset: true } : {}),
    disks: [...system, { kind: 'scratch', bytes: choice.dumpBytes ?? memory + DUMP_MARGIN }],
  };
}
