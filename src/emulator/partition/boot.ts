/**
 * Enters a kernel when a power cycle starts: with a flattened tree, as kexec enters one, or as a client of Open Firmware.
 * boot-image.ts says where everything lies.
 */

import type { PartitionConfig } from '../contract/partition.ts';
import { RTAS_BYTES } from '../platform/index.ts';
import { CLIENT_STACK, FIRMWARE_BASE, FIRMWARE_BYTES } from '../platform/of-client/index.ts';
import { BootFile } from './machine/boot-file.ts';
import {
  CLIENT_LOAD_AT,
  type LoadedKernel,
  loadKernel,
  placeBoot,
  placeClient,
} from './machine/boot-image.ts';
import type { PartitionVcpu } from './machine/firmware-vcpu.ts';
import { type Hardware, totalBytes } from './machine/hardware.ts';
import type { PowerCycle } from './power-cycle.ts';

const MIB256 = 0x1000_0000;

/** What is in memory before firmware is. */
type Loaded = { readonly kernel: LoadedKernel; readonly initrd: BootFile | undefined; readonly rma: number };

/**
 * Loads kernel and initramfs; vCPU 0 is at the kernel's entry.
 * @returns the flattened tree that the kernel is given; undefined where Open Firmware gives none
 * @throws FormatError when kernel or initramfs cannot be loaded
 */
export function boot(config: PartitionConfig, hardware: Hardware, cycle: PowerCycle): Uint8Array | undefined {
  const byClient = config.firmware === 'open-firmware';
  const loadAt = config.loadAt ?? (byClient ? CLIENT_LOAD_AT : 0);
  const kernel = reading('the kernel', config.kernel, (file) => loadKernel(hardware.ram, file, loadAt));
  const rma = config.rma ?? Math.min(totalBytes(config) / 2, MIB256);
  // Radix has no real-mode area: its real addresses are the hypervisor's to limit.
  if (config.mmu === 'hash') hardware.engine.storage.realLimit = rma;
  const enter = (initrd: BootFile | undefined): Uint8Array | undefined => {
    const loaded = { kernel, initrd, rma };
    if (!byClient) return enterWithTree(config, hardware, cycle, loaded);
    enterAsClient(config, hardware, cycle, loaded);
    return undefined;
  };
  return config.initrd === undefined ? enter(undefined) : reading('the initramfs', config.initrd, enter);
}

/** Opens a file for as long as it is used. */
function reading<T>(role: string, path: string, use: (file: BootFile) => T): T {
  const file = new BootFile(role, path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

/** r3 = the tree, r4 = where the kernel lies, r5 = 0: no client interface. */
function enterWithTree(
  config: PartitionConfig,
  { ram }: Hardware,
  { machine, firmware }: PowerCycle,
  { kernel, initrd, rma }: Loaded,
): Uint8Array {
  const layout = placeBoot(rma, kernel.end, RTAS_BYTES, initrd?.size ?? 0);
  ram.write(layout.rtasBase, machine.platform.rtasBlob);
  if (layout.initrd !== undefined) initrd?.load(ram, layout.initrd.start, 0, initrd.size);
  const tree = machine.flatTree(layout, rma, config.append);
  ram.write(layout.treeBase, tree);
  const first = firmware[0] as PartitionVcpu;
  first.start(kernel.entry, BigInt(layout.treeBase));
  first.setGpr(4, BigInt(kernel.entry));
  first.setGpr(5, 0n);
  return tree;
}

/** r3, r4 = the initramfs and its size, r5 = the client interface, a stack in r1. */
function enterAsClient(
  config: PartitionConfig,
  { ram }: Hardware,
  { machine, firmware }: PowerCycle,
  { kernel, initrd, rma }: Loaded,
): void {
  const layout = placeClient(rma, FIRMWARE_BASE + FIRMWARE_BYTES, kernel, initrd?.size ?? 0);
  if (layout.initrd !== undefined) initrd?.load(ram, layout.initrd.start, 0, initrd.size);
  const openFirmware = machine.openFirmware(layout, rma, config.append);
  const first = firmware[0] as PartitionVcpu;
  first.start(kernel.entry, BigInt(layout.initrd?.start ?? 0));
  first.setGpr(1, BigInt(CLIENT_STACK));
  first.setGpr(4, BigInt(initrd?.size ?? 0));
  first.setGpr(5, BigInt(openFirmware.entry));
}
