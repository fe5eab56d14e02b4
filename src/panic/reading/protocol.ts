/**
 * Defines the messages between the daemon's thread and a thread that reads what a guest made. The reading thread asks for
 * memory and disks of the machine, and sleeps until it has them: parsers then read as from a file.
 */

import type { MessagePort } from 'node:worker_threads';
import type { PartitionHandle } from '../../emulator/host/index.ts';

/** What can be read of a machine from another thread. */
export type MachineReads = Pick<
  PartitionHandle,
  'readMemory' | 'readInstant' | 'readDisk' | 'instant' | 'changes' | 'compareDisk' | 'config'
>;

export type ReadName = Exclude<keyof MachineReads, 'config'>;

/** The name of an instruction at an address when `insn` had been executed. Names are known in the daemon's thread. */
export type NameAt = (nia: bigint, insn: number) => string | undefined;

/** Begins one reading. `woken` is counted up after each answer. */
export type Job = {
  readonly input: unknown;
  readonly config: PartitionHandle['config'] | undefined;
  readonly port: MessagePort;
  readonly woken: Int32Array<SharedArrayBuffer>;
};

export type Ask = {
  readonly kind: 'ask';
  readonly name: ReadName | 'nameAt';
  readonly args: readonly unknown[];
};

/** Structured cloning would lose the class of an error: OutsideMemory and FormatError are told apart by what they carry. */
export type Failure = {
  readonly message: string;
  readonly outside?: { readonly raddr: number; readonly length: number };
  readonly code?: string;
};

export type Answer = { readonly value: unknown } | { readonly failure: Failure };

export type FromReader = Ask | ({ readonly kind: 'end' } & Answer);
