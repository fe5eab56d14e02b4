/** Big-endian kernels of a few words at real address 0x4000, for partitions whose every instruction a test chooses. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildElf, EM_PPC64, ET_EXEC, PF_R, PF_X, PT_LOAD } from '../../src/base/elf/index.ts';
import type { BlockStore } from '../../src/emulator/devices/contract.ts';
import type { MachineEvent, ObservePlan, PartitionConfig } from '../../src/emulator/host/index.ts';
import { Partition } from '../../src/emulator/partition/index.ts';
import { ATTN } from './power-words.ts';

export const KERNEL_ENTRY = 0x4000;

export type BareRun = {
  readonly partition: Partition;
  readonly events: readonly MachineEvent[];
  /** What was printed on each terminal, as latin1. */
  readonly printed: readonly [string[], string[]];
  /** What it asked for that there is not. */
  readonly unsupported: readonly string[];
};

/** The words as an ELF file that is entered at its first one. */
export function bareKernelFile(words: readonly number[]): Uint8Array {
  const data = new Uint8Array(4 * words.length);
  const view = new DataView(data.buffer);
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word, false);
  const at = BigInt(KERNEL_ENTRY);
  return buildElf({
    endian: 'big',
    type: ET_EXEC,
    machine: EM_PPC64,
    entry: at,
    segments: [{ type: PT_LOAD, flags: PF_R | PF_X, vaddr: at, paddr: at, data }],
  });
}

/**
 * Powers on a partition, by default of one vCPU, with the words as its kernel; it has not run yet. Every interrupt ends
 * the program by attn.
 */
export function bareKernel(
  words: readonly number[],
  plan?: Partial<ObservePlan>,
  disks: readonly BlockStore[] = [],
  change: Partial<
    Pick<PartitionConfig, 'cpus' | 'interruptController' | 'jit' | 'limits' | 'lineTerminal'>
  > = {},
): BareRun {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-kernel-'));
  try {
    const kernel = join(folder, 'kernel');
    writeFileSync(kernel, bareKernelFile(words));
    const events: MachineEvent[] = [];
    const printed: [string[], string[]] = [[], []];
    const unsupported: string[] = [];
    const partition = new Partition(
      {
        processor: 'power9',
        mmu: 'radix',
        cpus: 1,
        memory: [{ base: 0, size: 64 * 2 ** 20 }],
        kernel,
        append: '',
        seed: 1,
        disks: [],
        ...change,
      },
      disks,
      {
        console: (vty, bytes) => printed[vty].push(Buffer.from(bytes).toString('latin1')),
        unsupported: ({ kind, key }) => unsupported.push(`${kind} ${key}`),
        event: (event) => events.push(event),
      },
    );
    partition.powerOn();
    for (let vector = 0x100; vector < 0x1000; vector += 0x20) partition.ram.writeU32(vector, ATTN, false);
    partition.observe({
      probes: [],
      stores: [],
      executes: [],
      msrMask: 0n,
      vectors: [],
      hcallsExcept: [],
      ...plan,
    });
    return { partition, events, printed, unsupported };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
