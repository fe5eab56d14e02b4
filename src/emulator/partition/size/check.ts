/**
 * Refuses sizes that no machine can have, before a worker, an arena or a file is made for them: the one place for the
 * command line, REST and fleet files.
 *
 * A machine's memory, registers, TLBs and decoded code lie in one WebAssembly memory, whose addresses have 32 bits.
 */

import { FormatError } from '../../../base/errors.ts';
import type { PartitionConfig } from '../../contract/partition.ts';
import { LARGEST_ARENA } from '../../memory/arena.ts';

/** Room in the arena beside RAM: code slots, vCPU blocks and TLBs, and what the guest's tables cost nothing of. */
export const ARENA_OVERHEAD = 0x1000_0000;
/** RAM of a machine, all ranges together: 3839 MiB and some. */
export const MOST_MEMORY: number = LARGEST_ARENA - ARENA_OVERHEAD;
/** RAM ends below the address that message-signalled interrupts are written to, and so below every device. */
const MOST_ADDRESS = 2 ** 42;
/** More than any firmware describes. */
const MOST_RANGES = 64;
const GRANULE = 0x1_0000;
const SECTOR = 512;
/** A disk's written chunks are kept in a byte each (devices/virtio/stores.ts). */
const MOST_DISK = 2 ** 40;
const MIB = 2 ** 20;

/** @throws FormatError `memory/limit`, `memory/rma`, `disk/size` */
export function checkSizes({ memory, rma, disks }: Pick<PartitionConfig, 'memory' | 'rma' | 'disks'>): void {
  const total = memory.reduce((sum, { size }) => sum + size, 0);
  if (total > MOST_MEMORY)
    throw refused(
      'memory/limit',
      `${inMib(total)} of memory are more than a machine can have`,
      MOST_MEMORY,
      total,
    );
  const end = Math.max(...memory.map(({ base, size }) => base + size));
  if (end > MOST_ADDRESS)
    throw refused('memory/limit', 'memory reaches the addresses of devices', MOST_ADDRESS, end);
  if (memory.length > MOST_RANGES)
    throw new FormatError('memory/limit', `memory has ${memory.length} ranges: at most ${MOST_RANGES}`, {
      expected: `at most ${MOST_RANGES}`,
      actual: String(memory.length),
    });
  const first = memory[0]?.size ?? 0;
  if (rma !== undefined && (rma <= 0 || rma % GRANULE !== 0 || rma > first))
    throw new FormatError(
      'memory/rma',
      `a real-mode area of ${rma} bytes: it is whole 64 KiB of the first range of memory, ${inMib(first)}`,
      { expected: `whole 64 KiB up to 0x${first.toString(16)}`, actual: `0x${rma.toString(16)}` },
    );
  for (const disk of disks) {
    if (disk.kind === 'file') continue;
    if (disk.bytes <= 0 || disk.bytes % SECTOR !== 0 || disk.bytes > MOST_DISK)
      throw new FormatError(
        'disk/size',
        `a disk of ${disk.bytes} bytes: it is whole sectors of 512 bytes, at most 1 TiB`,
        { expected: `whole 512 bytes up to ${MOST_DISK}`, actual: String(disk.bytes) },
      );
  }
}

function refused(code: string, what: string, most: number, actual: number): FormatError {
  return new FormatError(code, `${what}: at most ${inMib(most)}`, {
    expected: `at most 0x${most.toString(16)}`,
    actual: `0x${actual.toString(16)}`,
  });
}

function inMib(bytes: number): string {
  return `${Math.floor(bytes / MIB)} MiB`;
}
