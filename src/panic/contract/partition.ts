/** A partition of the fleet: what is asked for, and what REST shows. */

import type { Actor } from './access.ts';
import type { UnsupportedUse } from './unsupported.ts';

export type PartitionState = 'stopped' | 'starting' | 'ready' | 'busy' | 'crashed' | 'failed';

/** A member of the fleet. */
export type PartitionView = {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly state: PartitionState;
  /** Why it is in this state, where that needs saying. */
  readonly reason?: string;
  readonly processor: 'power8' | 'power9';
  readonly mmu: 'hash' | 'radix';
  readonly firmware: 'flat' | 'open-firmware';
  readonly interrupts: 'xics' | 'xive';
  readonly diskBus: 'virtio' | 'vscsi';
  readonly cpus: number;
  /** Threads of a core; the last core may have fewer. */
  readonly threads: number;
  readonly memoryBytes: number;
  readonly instructions: number;
  readonly crashes: number;
  /** Seconds that its machine has kept a processor of the host busy since the service started. */
  readonly hostSeconds: number;
  /** Absent: the daemon itself, or an earlier release, which did not keep it. */
  readonly createdBy?: Actor;
  /** Of the power cycle that is on; absent: the guest has emitted nothing, or the partition is off. */
  readonly output?: PartitionOutput;
  /** What the guest of the power cycle that is on used that the machine lacks, the first kinds; absent: nothing. */
  readonly unsupported?: readonly UnsupportedUse[];
};

/** What a guest has emitted in its power cycle so far. */
export type PartitionOutput = {
  readonly consoleBytes: number;
  /** Bytes on the second terminal, and the agent's lines among them. */
  readonly agentBytes: number;
  readonly agentLines: number;
  /** Times that a terminal was busy because the guest printed faster than its limits allow. */
  readonly busyAnswers: number;
  /** Milliseconds for which the guest had to wait until the service had taken what it emitted. */
  readonly throttledMs: number;
  /** Uses of instructions, calls and devices that the machine lacks, as last reported. */
  readonly unsupported: number;
};

/** What a guest may print; absent: the defaults (docs/adr/011). */
export type OutputLimitsRequest = {
  /** On the first terminal, in a power cycle; slow output is not counted. A guest that prints more is stopped. */
  readonly consoleBytes?: number;
  /** In a second of the guest's time, once much was printed: a guest that prints faster has to wait. */
  readonly consoleBytesPerSecond?: number;
  /** As `consoleBytes`, on the second terminal. */
  readonly agentBytes?: number;
};

export type PartitionRequest = {
  readonly name?: string;
  readonly image: string;
  readonly processor?: 'power8' | 'power9';
  readonly mmu?: 'hash' | 'radix';
  /** How the kernel is entered: with a flattened tree, the default, or with Open Firmware's client interface. */
  readonly firmware?: 'flat' | 'open-firmware';
  /** The interrupt controller; default `xics`. */
  readonly interrupts?: 'xics' | 'xive';
  /** How disks are attached; default `virtio`. */
  readonly diskBus?: 'virtio' | 'vscsi';
  readonly cpus?: number;
  /** Threads of each core: a divisor of `cpus`; absent: two, and where `cpus` is odd the last core has one. */
  readonly threads?: number;
  /** As on the command line: `1G`, `64M,16M@4G`. */
  readonly memory?: string;
  readonly append?: string;
  readonly crashAppend?: string;
  readonly seed?: number;
  /** H_SIGNAL_SYS_RESET answers H_Function: the guest can stop CPUs by IPIs only. */
  readonly refuseSysReset?: boolean;
  /** What ibm,os-term does, which a kernel calls that panicked: `return`, the default, or `end` the power cycle. */
  readonly osTerm?: 'return' | 'end';
  /** Size of the real-mode area, as `256M`; default: see PartitionConfig. */
  readonly rma?: string;
  /** Size of the dump device, as `2G`; default: all memory and 64 MiB for headers. */
  readonly dumpDevice?: string;
  /** Who plans the segments of kexec_load: kexec-tools in the guest, or kdumpd; absent: what the image says. */
  readonly loader?: 'stock' | 'own';
  readonly limits?: OutputLimitsRequest;
};
