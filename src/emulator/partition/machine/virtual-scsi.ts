/** The virtual SCSI adapter of a machine: its window, its disks, its node in the tree. */

import { type FdtNode, node } from '../../../base/fdt/index.ts';
import type { BlockStore } from '../../devices/contract.ts';
import type { AllocatedInterrupt } from '../../devices/index.ts';
import { ScsiDisk, Vscsi } from '../../devices/vscsi/index.ts';
import type { FirmwareMachine } from '../../platform/contract/contract.ts';
import { FIRST_VIO_SOURCE, VSCSI_UNIT } from '../../platform/index.ts';
import { TceTable, tceDma } from '../../platform/pci/index.ts';

/** Disks on the adapter, each with its number among all of the machine's. */
export type ScsiDisks = readonly { readonly index: number; readonly store: BlockStore }[];

export type VirtualScsi = { readonly adapter: Vscsi; readonly table: TceTable; readonly node: FdtNode };

const UNIT_NUMBER = 0xff;
/** As large as the bridge's: a crash kernel reads every entry back. */
const WINDOW_BYTES = 0x400_0000;

/** Target n of the adapter is the n-th of `disks`. */
export function createVirtualScsi(
  machine: FirmwareMachine,
  interrupts: { allocate(kind: 'msi', first: number): AllocatedInterrupt },
  disks: ScsiDisks,
  on: {
    readonly written: (disk: number, offset: number, length: number) => void;
    readonly deferred: () => void;
  },
): VirtualScsi {
  const { memory, clock, unsupported } = machine;
  const table = new TceTable(memory, WINDOW_BYTES, VSCSI_UNIT);
  const { number, line } = interrupts.allocate('msi', FIRST_VIO_SOURCE + (VSCSI_UNIT & UNIT_NUMBER));
  const adapter = new Vscsi({
    unit: VSCSI_UNIT,
    dma: tceDma(table, memory),
    line,
    clock,
    unsupported,
    onDeferred: on.deferred,
    disks: disks.map(
      ({ index, store }) =>
        new ScsiDisk({
          store,
          name: `kdumpd-disk${index}`,
          unsupported,
          onWrite: (offset, length) => on.written(index, offset, length),
        }),
    ),
  });
  return {
    adapter,
    table,
    node: node(`v-scsi@${VSCSI_UNIT.toString(16)}`, {
      device_type: 'vscsi',
      compatible: 'IBM,v-scsi',
      reg: VSCSI_UNIT,
      interrupts: [number, 0],
      'ibm,my-dma-window': [table.liobn, 0n, BigInt(table.windowBytes)],
      'ibm,#dma-address-cells': 2,
      'ibm,#dma-size-cells': 2,
      '#address-cells': 2,
      '#size-cells': 0,
    }),
  };
}
