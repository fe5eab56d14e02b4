/** The machine for an image: its disks, and room for a dump. */

import type { DiskConfig, MmuMode, PartitionConfig, Processor } from '../../emulator/host/index.ts';
import { panicError } from '../contract/errors.ts';
import { KEXEC_LOAD_CALL } from '../facts/index.ts';
import type { BootImage, MachineVariant } from './boot-image.ts';

export type { MachineVariant } from './boot-image.ts';

export type MachineChoice = {
  readonly processor: Processor;
  readonly mmu: MmuMode;
  readonly cpus: number;
  readonly memory: PartitionConfig['memory'];
  readonly rma?: number;
  readonly seed: number;
  readonly refuseSysReset?: boolean;
  readonly variant?: MachineVariant;
  /** Size of the dump device; default: all memory and 64 MiB for headers. */
  readonly dumpBytes?: number;
};

/** How a processor translates when nothing is said. */
export function defaultMmu(processor: Processor): MmuMode {
  return processor === 'power8' ? 'hash' : 'radix';
}

const DUMP_MARGIN = 64 * 2 ** 20;

/**
 * A read-only disk with the image's crash kernel, where it has one, then the dump device.
 * @throws FormatError `panic/unsupported-machine`
 */
export function makeConfig(boot: BootImage, choice: MachineChoice): PartitionConfig {
  if (choice.processor === 'power8' && choice.mmu === 'radix') {
    throw panicError('panic/unsupported-machine', 'POWER8 has no radix translation', {
      expected: 'power8 hash, power9 hash or power9 radix',
      actual: `${choice.processor} ${choice.mmu}`,
    });
  }
  if (choice.processor === 'power8' && choice.variant?.interruptController === 'xive') {
    throw panicError('panic/unsupported-machine', 'POWER8 has no XIVE', {
      expected: 'xics',
      actual: 'power8 with xive',
    });
  }
  checkDrivers(boot, choice.variant);
  const memory = choice.memory.reduce((sum, { size }) => sum + size, 0);
  const { diskBus, ...variant } = choice.variant ?? {};
  const bus = diskBus === undefined ? {} : { bus: diskBus };
  const dump: DiskConfig = { kind: 'scratch', bytes: choice.dumpBytes ?? memory + DUMP_MARGIN };
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
    systemCall: KEXEC_LOAD_CALL,
    ...(choice.refuseSysReset === true ? { refuseSysReset: true } : {}),
    ...variant,
    disks: [...systemDisk(boot), dump].map((disk) => ({ ...disk, ...bus })),
  };
}

/** A guest without a driver would stand still, and nobody could tell why. */
function checkDrivers(boot: BootImage, variant: MachineVariant = {}): void {
  const { machine } = boot;
  if (machine === undefined) return;
  for (const part of ['firmware', 'interruptController', 'diskBus'] as const) {
    const asked = variant[part];
    if (asked === undefined || asked === machine[part]) continue;
    throw panicError(
      'panic/unsupported-machine',
      `the guest of image ${boot.name} cannot deal with ${asked}: it takes ${machine[part]} alone`,
      { expected: machine[part], actual: asked },
    );
  }
}

/** What the guest loads kernels from: the image's own disk, or one for our plans. */
function systemDisk({ disk, loading }: BootImage): DiskConfig[] {
  if (loading !== undefined) return [{ kind: 'memory', bytes: loading.diskBytes, readOnly: true }];
  return disk === undefined ? [] : [{ kind: 'file', path: disk, readOnly: true }];
}
