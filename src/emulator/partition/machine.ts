/**
 * The machine around the vCPUs for one life: interrupt controller, PCI with its disks, firmware. Every
 * power-on makes a new one, with NVRAM freshly formatted, so that lives of one seed are alike; disks are given to it.
 */

import type { BlockStore } from '../devices/contract.ts';
import { Xics } from '../devices/index.ts';
import { VirtioBlock, VirtioPci } from '../devices/virtio/index.ts';
import type { MmioBus } from '../engine/translation.ts';
import type { FirmwareMachine, FirmwareVcpu } from '../platform/contract.ts';
import { createPlatform, type Platform, XICS_PHANDLE } from '../platform/index.ts';
import {
  PciHostBridge,
  pciHostBridgeNode,
  pciRtasFamily,
  TceTable,
  tceHcallFamily,
} from '../platform/pci/index.ts';
import type { BootLayout } from './boot-image.ts';

export type MachineOptions = {
  readonly machine: FirmwareMachine;
  readonly disks: readonly BlockStore[];
  readonly refuseSysReset?: boolean;
  readonly output: (vty: 0 | 1, bytes: Uint8Array) => void;
  readonly onRtas?: (vcpu: FirmwareVcpu, name: string, args: readonly number[]) => void;
  readonly onDiskWrite?: (disk: number, offset: number, length: number) => void;
};

export type Machine = {
  readonly platform: Platform;
  readonly bus: MmioBus;
  /** The flattened tree for a boot. */
  readonly flatTree: (layout: BootLayout, rma: number, bootargs: string) => Uint8Array;
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
  );
  const bridge = new PciHostBridge({ allocate: (kind) => xics.allocate(kind), unsupported });
  disks.forEach((store, index) => {
    const block = new VirtioBlock({
      memory,
      store,
      id: `kdumpd-disk${index}`,
      unsupported,
      observer: { onWrite: (offset, length) => options.onDiskWrite?.(index, offset, length) },
    });
    bridge.attach(index, new VirtioPci(block, { memory, clock, unsupported }));
  });
  const tces = new TceTable(memory);
  const bus = mmioBus(bridge);
  const platform = createPlatform({
    machine,
    xics,
    output: options.output,
    hcalls: [tceHcallFamily(tces, memory)],
    rtas: [pciRtasFamily(bridge)],
    mmio: (raddr) => bridge.find(raddr)?.region,
    ...(options.refuseSysReset === undefined ? {} : { refuseSysReset: options.refuseSysReset }),
    ...(options.onRtas === undefined ? {} : { onRtas: options.onRtas }),
  });
  return {
    platform,
    bus,
    flatTree: (layout, rma, bootargs) =>
      platform.flatTree(
        {
          bootHardwareId: machine.vcpus[0]?.hardwareId ?? 0,
          rma,
          bootargs,
          rtasBase: layout.rtasBase,
          ...(layout.initrd === undefined ? {} : { initrd: layout.initrd }),
          nodes: [pciHostBridgeNode(bridge, tces, { interruptPhandle: XICS_PHANDLE })],
          hypertas: ['hcall-tce', 'hcall-multi-tce'],
          rtasProperties: { 'ibm,change-msix-capable': true },
        },
        layout.treeBase,
      ),
  };
}

/** Device registers for the engine: bytes in bus order, in one access of 1, 2, 4 or 8. */
function mmioBus(bridge: PciHostBridge): MmioBus {
  const access = (raddr: number, length: number) => {
    const found =
      length === 1 || length === 2 || length === 4 || length === 8 ? bridge.find(raddr) : undefined;
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
