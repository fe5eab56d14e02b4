/** Makes the configuration of a partition for an image: its disks, and a dump device. */

import { defined } from '../../base/defined.ts';
import type { DiskConfig, PartitionConfig } from '../../emulator/host/index.ts';
import { checkSizes } from '../../emulator/partition/size/index.ts';
import { panicError } from '../contract/errors.ts';
import { LOAD_CALLS } from '../facts/index.ts';
import { AGENT_LINES } from './agent-line.ts';
import type { BootImage, MachineVariant } from './boot-image.ts';
import { type MachineSpec, memoryBytesOf } from './machine-spec.ts';
import { translationOf } from './translation.ts';

const DUMP_MARGIN = 64 * 2 ** 20;

/** Bytes of a dump device for all memory of a machine. */
export function dumpBytesOf(spec: MachineSpec): number {
  return spec.dumpBytes ?? memoryBytesOf(spec) + DUMP_MARGIN;
}

/**
 * A read-only disk with the image's crash kernel, where it has one, then the dump device.
 * @throws FormatError `panic/unsupported-machine` where the image's guest has no driver for the machine; `memory/…` and
 *   `disk/size` for a machine that cannot be
 */
export function makeConfig(boot: BootImage, spec: MachineSpec): PartitionConfig {
  const { processor, mmu, cpus, memory, seed, firmware, interrupts, diskBus } = spec;
  // The image's own command line, too, may ask for hash.
  translationOf([mmu], mmu, boot.append);
  checkDrivers(boot, { firmware, interruptController: interrupts, diskBus });
  const dump: DiskConfig = { kind: 'scratch', bytes: dumpBytesOf(spec) };
  const config: PartitionConfig = {
    processor,
    mmu,
    cpus,
    memory,
    kernel: boot.kernel,
    ...defined({ rma: spec.rma, threads: spec.threads, initrd: boot.initrd }),
    append: boot.append,
    seed,
    systemCalls: LOAD_CALLS,
    ...(boot.agent ? { lineTerminal: AGENT_LINES } : {}),
    ...defined({ limits: spec.limits }),
    ...(spec.refuseSysReset ? { refuseSysReset: true } : {}),
    ...(spec.endsAtOsTerm ? { endsAtOsTerm: true } : {}),
    firmware,
    interruptController: interrupts,
    disks: [...systemDisk(boot), dump].map((disk) => ({ ...disk, bus: diskBus })),
  };
  checkSizes(config);
  return config;
}

/** Refuses a machine that the guest has no driver for: the guest would stand still and print nothing. */
function checkDrivers(boot: BootImage, asked: Required<MachineVariant>): void {
  const { machine } = boot;
  if (machine === undefined) return;
  for (const part of ['firmware', 'interruptController', 'diskBus'] as const) {
    if (asked[part] === machine[part]) continue;
    throw panicError(
      'panic/unsupported-machine',
      `the guest of image ${boot.name} has no driver for ${asked[part]}: use ${machine[part]}`,
      { expected: machine[part], actual: asked[part] },
    );
  }
}

/** The disk that the guest loads kernels from: the image's own, or one for kdumpd's plans. */
function systemDisk({ disk, loading }: BootImage): DiskConfig[] {
  if (loading !== undefined) return [{ kind: 'memory', bytes: loading.diskBytes, readOnly: true }];
  return disk === undefined ? [] : [{ kind: 'file', path: disk, readOnly: true }];
}
