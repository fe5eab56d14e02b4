/** Runs the guest on a partition of kdumpd, with the instruction count at every mark. */

import { join } from 'node:path';
import { openPartition, type PartitionConfig } from '../../src/emulator/host/index.ts';
import type { GuestMachine, GuestSpec, Output } from './crash-run.ts';

/** The partition that a spec describes. */
export function partitionConfig(spec: GuestSpec): PartitionConfig {
  const { files } = spec.image;
  const initrd = files.initrd;
  const disk = files.disk;
  if (initrd === undefined || disk === undefined)
    throw new Error(`image ${spec.image.name} lacks an initramfs or a disk`);
  return {
    processor: spec.processor,
    mmu: spec.processor === 'power8' ? 'hash' : 'radix',
    cpus: spec.cpus,
    memory: [{ base: 0, size: spec.memoryBytes }],
    kernel: join(spec.folder, files.kernel.file),
    initrd: join(spec.folder, initrd.file),
    append: spec.append,
    seed: 1,
    disks: [
      { kind: 'file', path: join(spec.folder, disk.file), readOnly: true },
      { kind: 'scratch', bytes: spec.dumpDiskBytes },
    ],
  };
}

/** Powers on. Bytes of both vtys go to `output`; a power cycle that ends otherwise than by power-off or reboot is an error. */
export function powerOnOurs(spec: GuestSpec, output: Output): GuestMachine {
  const begun = performance.now();
  const partition = openPartition(partitionConfig(spec));
  let resolve: () => void;
  let reject: (reason: Error) => void;
  const over = new Promise<void>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  const at = (instructions: number): { readonly seconds: number; readonly instructions: number } => ({
    seconds: (performance.now() - begun) / 1000,
    instructions,
  });
  partition.subscribe((notice) => {
    if (notice.kind === 'console') output(notice.vty, notice.bytes, at(notice.insn));
    else if (notice.kind === 'unsupported') {
      const { what } = notice;
      reject(
        new Error(
          `not implemented: ${what.kind} ${what.key} at ${what.where ?? 'no address'} ${what.detail ?? ''}`,
        ),
      );
    } else if (notice.kind === 'ended') {
      if (notice.end.kind === 'reboot' || notice.end.kind === 'power-off' || notice.end.kind === 'stopped')
        resolve();
      else
        reject(
          new Error(
            `the partition ended: ${notice.end.kind} ${'message' in notice.end ? notice.end.message : ''}`,
          ),
        );
    }
  });
  const failed = (error: unknown): void => reject(error instanceof Error ? error : new Error(String(error)));
  partition.start().catch(failed);
  return {
    over,
    agentInput: (text) => void partition.input(1, Buffer.from(text)).catch(failed),
    close: () => partition.close(),
  };
}
