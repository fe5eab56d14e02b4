/** A partition of the fleet: what is asked for, and what REST shows. */

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
  readonly memoryBytes: number;
  readonly instructions: number;
  readonly crashes: number;
  /** Seconds that its machine has kept a processor of the host busy since the service started. */
  readonly hostSeconds: number;
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
  /** As on the command line: `1G`, `64M,16M@4G`. */
  readonly memory?: string;
  readonly append?: string;
  readonly crashAppend?: string;
  readonly seed?: number;
  /** H_SIGNAL_SYS_RESET answers H_Function: the guest can stop CPUs by IPIs only. */
  readonly refuseSysReset?: boolean;
  /** Who plans the segments of kexec_load: kexec-tools in the guest, or kdumpd; absent: what the image says. */
  readonly loader?: 'stock' | 'own';
};
