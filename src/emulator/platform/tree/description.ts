/** What a device tree is built from: the machine as data. Addresses and sizes are in bytes. */

import type { FdtNode, PropertyValue } from '../../../base/fdt/index.ts';
import type { MemoryRange } from '../../memory/contract.ts';
import type { FeatureName } from './features.ts';

export type ByteRange = { readonly start: number; readonly end: number };

export type TreeVty = { readonly unit: number; readonly interrupt: number };

export type TreeDescription = {
  /** Hardware ids of all vCPUs, ascending; those of one core share all but the lowest three bits. */
  readonly hardwareIds: readonly number[];
  readonly bootHardwareId: number;
  /** RAM, ascending; the first range starts at 0. */
  readonly memory: readonly MemoryRange[];
  /** Size of the real-mode area: memory@0 has this size. */
  readonly rma: number;
  readonly bootargs: string;
  readonly initrd?: ByteRange;
  /** Where RTAS lies: its stub is at the base. */
  readonly rtasBase: number;
  /** RTAS services by name with their tokens. */
  readonly rtasTokens: ReadonlyMap<string, number>;
  /** What ibm,hypertas-functions names beside the platform's own, such as hcall-tce. */
  readonly hypertas: readonly string[];
  /** Further properties of /rtas, such as ibm,change-msix-capable. */
  readonly rtasProperties: Readonly<Record<string, PropertyValue>>;
  /** 32 bytes for /chosen/rng-seed. */
  readonly rngSeed: Uint8Array;
  /** 16 bytes. */
  readonly uuid: Uint8Array;
  /** The console first. */
  readonly vtys: readonly TreeVty[];
  readonly nvram: { readonly unit: number; readonly bytes: number };
  /** Further nodes on the virtual I/O bus. */
  readonly vdevices?: readonly FdtNode[];
  /** XIVE, with so many numbers for interprocessor interrupts; absent: XICS. */
  readonly xive?: { readonly ipis: number };
  /** The interrupt controller's phandle, for nodes that name it. */
  readonly interruptController: number;
  /** Host bridges and whatever else stands at the root. */
  readonly nodes: readonly FdtNode[];
  readonly processor: 'power8' | 'power9';
  /** log2 of the bytes of the hashed page table; absent: the processors translate by radix trees. */
  readonly hashTableShift?: number;
  /** Processor facilities; absent: those of the processor as executed here. */
  readonly features?: readonly FeatureName[];
};
