/**
 * The machine around the vCPUs for one power cycle: interrupt controller, PCI with its disks, firmware. Every power-on
 * makes a new one, with NVRAM freshly formatted, so that power cycles of one seed are alike; disks are given to it.
 */

import type { EoiEvent } from '../../contract/events.ts';
import type { DiskBus, InterruptController, PartitionConfig } from '../../contract/partition.ts';
import type { BlockStore, MmioRegion } from '../../devices/contract.ts';
import { Xics } from '../../devices/index.ts';
import { VirtioBlock, VirtioPci } from '../../devices/virtio/index.ts';
import { type ConfiguredQueue, Xive, xivePages } from '../../devices/xive/index.ts';
import type { MmioBus } from '../../engine/translation.ts';
import type { FirmwareMachine } from '../../platform/contract/contract.ts';
import {
  type BootDescription,
  createPlatform,
  crqHcalls,
  NVRAM_UNIT,
  type OnRtas,
  type Platform,
  VTY_UNITS,
  XICS_PHANDLE,
} from '../../platform/index.ts';
import type { OpenFirmware } from '../../platform/of-client/index.ts';
import {
  PciHostBridge,
  pciHostBridgeNode,
  pciRtasFamily,
  TceTable,
  tceHcallFamily,
} from '../../platform/pci/index.ts';
import type { BootLayout, ClientLayout } from './boot-image.ts';
import { createVirtualScsi } from './virtual-scsi.ts';

export type MachineOptions = {
  readonly machine: FirmwareMachine;
  readonly disks: readonly { readonly store: BlockStore; readonly bus: DiskBus }[];
  readonly processor: PartitionConfig['processor'];
  readonly interruptController: InterruptController;
  /** The hardware id of the vCPU that executes. */
  readonly running: () => number;
  readonly refuseSysReset?: boolean;
  readonly output: (vty: 0 | 1, bytes: Uint8Array) => void;
  /** Whether a terminal takes nothing for now. */
  readonly isBusy: (vty: 0 | 1) => boolean;
  readonly onRtas?: OnRtas;
  readonly onDiskWrite?: (disk: number, offset: number, length: number) => void;
  /** A disk moved data later than usual, because there was so much of it. */
  readonly onDeferred?: () => void;
  /** The guest ended an interrupt that was pending. */
  readonly onEoi?: (eoi: Pick<EoiEvent, 'controller' | 'source' | 'cppr'>) => void;
};

export type Machine = {
  readonly platform: Platform;
  readonly bus: MmioBus;
  /** Disk requests that wait for their completion, and TCEs that allow an access. */
  readonly inFlight: () => number;
  readonly tces: () => number;
  /** Registered command queues. */
  readonly crqs: () => number;
  /** XIVE's event queues in memory. */
  readonly eventQueues: () => readonly ConfiguredQueue[];
  /** The flattened tree for a boot. */
  readonly flatTree: (layout: BootLayout, rma: number, bootargs: string) => Uint8Array;
  /** Open Firmware for a boot by its client interface. */
  readonly openFirmware: (layout: ClientLayout, rma: number, bootargs: string) => OpenFirmware;
};

type Size = 1 | 2 | 4 | 8;

export function createMachine(options: MachineOptions): Machine {
  const { machine, disks } = options;
  const { memory, clock, unsupported } = machine;
  const xics = new Xics(
    machine.vcpus.map((vcpu) => ({
      hardwareId: vcpu.hardwareId,
      setExternalInterrupt: (asserted: boolean) => vcpu.setExternalInterrupt(asserted),
    })),
    (source, cppr) => options.onEoi?.({ controller: 'xics', source, cppr }),
  );
  const xive =
    options.interruptController === 'xive'
      ? new Xive(memory, machine.vcpus, (source) => options.onEoi?.({ controller: 'xive', source }))
      : undefined;
  const interrupts = xive ?? xics;
  const bridge = new PciHostBridge({ allocate: (kind) => interrupts.allocate(kind), unsupported });
  const numbered = disks.map((disk, index) => ({ ...disk, index }));
  const transports = numbered
    .filter(({ bus }) => bus === 'virtio')
    .map(({ store, index }) => {
      const block = new VirtioBlock({
        memory,
        store,
        id: `kdumpd-disk${index}`,
        unsupported,
        observer: { onWrite: (offset, length) => options.onDiskWrite?.(index, offset, length) },
      });
      const transport = new VirtioPci(block, {
        memory,
        clock,
        unsupported,
        ...(options.onDeferred === undefined ? {} : { onDeferred: options.onDeferred }),
      });
      bridge.attach(index, transport);
      return transport;
    });
  const onScsi = numbered.filter(({ bus }) => bus === 'vscsi');
  const scsi =
    onScsi.length === 0
      ? []
      : [
          createVirtualScsi(machine, interrupts, onScsi, {
            written: (...written) => options.onDiskWrite?.(...written),
            deferred: () => options.onDeferred?.(),
          }),
        ];
  const tces = new TceTable(memory);
  const tables = [tces, ...scsi.map(({ table }) => table)];
  const pages = xive === undefined ? [] : xivePages(xive, options.running, unsupported);
  const find = (raddr: number): { region: MmioRegion; offset: number } | undefined => {
    const region = pages.find(({ base, size }) => raddr >= base && raddr < base + size);
    return region === undefined ? bridge.find(raddr) : { region, offset: raddr - region.base };
  };
  const bus = mmioBus(find);
  const platform = createPlatform({
    machine,
    processor: options.processor,
    xics,
    ...(xive === undefined ? {} : { xive }),
    output: options.output,
    isBusy: options.isBusy,
    hcalls: [
      tceHcallFamily(tables, machine),
      crqHcalls(
        scsi.map(({ adapter }) => adapter),
        [...VTY_UNITS, NVRAM_UNIT],
      ),
    ],
    rtas: [pciRtasFamily(bridge)],
    mmio: (raddr) => find(raddr)?.region,
    ...(options.refuseSysReset === undefined ? {} : { refuseSysReset: options.refuseSysReset }),
    ...(options.onRtas === undefined ? {} : { onRtas: options.onRtas }),
  });
  const describe = (rma: number, bootargs: string, rtasBase: number): BootDescription => ({
    bootHardwareId: machine.vcpus[0]?.hardwareId ?? 0,
    rma,
    bootargs,
    rtasBase,
    nodes: [pciHostBridgeNode(bridge, tces, { interruptPhandle: XICS_PHANDLE })],
    vdevices: scsi.map((each) => each.node),
    hypertas: ['hcall-tce', 'hcall-multi-tce', ...(scsi.length === 0 ? [] : ['hcall-vio', 'hcall-crq'])],
    rtasProperties: { 'ibm,change-msix-capable': true },
  });
  return {
    platform,
    bus,
    inFlight: () =>
      [...transports, ...scsi.map(({ adapter }) => adapter)].reduce((sum, each) => sum + each.inFlight, 0),
    tces: () => tables.reduce((sum, each) => sum + each.used, 0),
    eventQueues: () => xive?.queues() ?? [],
    crqs: () => scsi.filter(({ adapter }) => adapter.queue.registered).length,
    flatTree: (layout, rma, bootargs) =>
      platform.flatTree(
        {
          ...describe(rma, bootargs, layout.rtasBase),
          ...(layout.initrd === undefined ? {} : { initrd: layout.initrd }),
        },
        layout.treeBase,
      ),
    // The client places RTAS; nothing of the tree that it reads says where.
    openFirmware: (layout, rma, bootargs) =>
      platform.startOpenFirmware(describe(rma, bootargs, 0), [
        layout.kernel,
        ...(layout.initrd === undefined ? [] : [layout.initrd]),
      ]),
  };
}

/** Device registers for the engine: bytes in bus order, in one access of 1, 2, 4 or 8. */
function mmioBus(
  find: (raddr: number) => { readonly region: MmioRegion; readonly offset: number } | undefined,
): MmioBus {
  const access = (raddr: number, length: number) => {
    const found = length === 1 || length === 2 || length === 4 || length === 8 ? find(raddr) : undefined;
    return found === undefined ? undefined : { ...found, size: length as Size };
  };
  return {
    read: (raddr, target) => {
      const at = access(raddr, target.length);
      if (at === undefined) return false;
      let value = at.region.read(at.offset, at.size);
      for (let i = 0; i < target.length; i++, value >>= 8n) target[i] = Number(value & 0xffn);
      return true;
    },
    write: (raddr, source) => {
      const at = access(raddr, source.length);
      if (at === undefined) return false;
      let value = 0n;
      for (let i = source.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(source[i] as number);
      at.region.write(at.offset, at.size, value);
      return true;
    },
  };
}
