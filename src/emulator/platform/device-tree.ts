/**
 * The machine's device tree, as the kernel finds it when it is entered by flattened tree: all that Open Firmware and
 * the kernel's prom_init would have left, and nothing that calls back into firmware.
 *
 * Source: Devicetree Specification 0.4; QEMU 7.2 hw/ppc/spapr.c (nodes and properties of PAPR); the root says that the machine is QEMU's pseries,
 * which is what it looks like. Left out: dynamic reconfiguration (no DRC properties), event sources.
 */

import { alignUp } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';
import { buildFdt, type FdtNode, type FdtReservation, type FdtTree, node } from '../../base/fdt/index.ts';
import { TIMA_SYSTEM, TIMA_USER, PAGE_SHIFT as XIVE_PAGE_SHIFT } from '../devices/xive/index.ts';
import { LEAST_GUEST_PRIORITY } from './hcall/xive.ts';
import { RTAS_BYTES } from './rtas/stub.ts';
import { chosenNode } from './tree/chosen.ts';
import { cpusNode } from './tree/cpus.ts';
import type { TreeDescription } from './tree/description.ts';
import { rtasNode } from './tree/rtas-node.ts';

/** Associativity of all memory: one domain, node 0. */
const ASSOCIATIVITY = [1, 0] as const;
/** The size in which the kernel reserves. */
const PAGE = 0x1_0000;

/**
 * The whole tree with its reservation map.
 * @param self Where the flattened tree will lie, for the map; absent: the tree does not reserve itself.
 */
export function buildDeviceTree(
  description: TreeDescription,
  self?: { readonly address: number; readonly size: number },
): FdtTree {
  const reservations: FdtReservation[] = [
    { address: BigInt(description.rtasBase), size: BigInt(alignUp(RTAS_BYTES, PAGE)) },
  ];
  const { initrd } = description;
  if (initrd !== undefined && initrd.end > initrd.start) {
    reservations.push({ address: BigInt(initrd.start), size: BigInt(initrd.end - initrd.start) });
  }
  if (self !== undefined) reservations.push({ address: BigInt(self.address), size: BigInt(self.size) });
  return { root: rootNode(description), reservations, bootCpu: description.bootHardwareId };
}

/** The flattened tree as it will lie at `address`, itself reserved. */
export function flattenDeviceTree(description: TreeDescription, address: number): Uint8Array {
  // The map's entry for the tree does not change its size: measure with any, then build.
  const { length } = buildFdt(buildDeviceTree(description, { address, size: 1 }));
  const blob = buildFdt(buildDeviceTree(description, { address, size: length }));
  assert(blob.length === length, 'a tree that reserves itself keeps its size');
  return blob;
}

function rootNode(description: TreeDescription): FdtNode {
  return node(
    '',
    {
      '#address-cells': 2,
      '#size-cells': 2,
      compatible: 'qemu,pseries',
      device_type: 'chrp',
      model: 'IBM pSeries (emulated by qemu)',
      'vm,uuid': uuidText(description.uuid),
      'system-id': uuidText(description.uuid),
      ...(description.xive === undefined
        ? {}
        : { 'ibm,plat-res-int-priorities': [LEAST_GUEST_PRIORITY + 1, 0xff - LEAST_GUEST_PRIORITY - 1] }),
    },
    [
      chosenNode(description),
      cpusNode(description),
      ...memoryNodes(description),
      rtasNode(description),
      interruptControllerNode(description),
      vdeviceNode(description),
      ...description.nodes,
    ],
  );
}

const LARGEST_BLOCK = 2 ** 28;

/** memory@0 is the real-mode area; the rest of its range and every further range have nodes of their own. */
function memoryNodes(description: TreeDescription): FdtNode[] {
  const [first, ...rest] = description.memory;
  assert(first !== undefined && first.base === 0, 'memory starts at 0');
  const { rma } = description;
  assert(rma > 0 && rma <= first.size, 'the real-mode area lies in the first range');
  const ranges = [{ base: 0, size: rma }];
  if (first.size > rma) ranges.push(...blocks(rma, first.size - rma));
  for (const range of rest) ranges.push(...blocks(range.base, range.size));
  return ranges.map(({ base, size }) =>
    node(`memory@${base.toString(16)}`, {
      device_type: 'memory',
      reg: [BigInt(base), BigInt(size)],
      'ibm,associativity': [...ASSOCIATIVITY],
    }),
  );
}

/**
 * A range as naturally aligned powers of two of at most 256 MiB, the size of a logical memory block on PowerVM: Linux
 * takes a node's size for the size of its memory blocks and accepts powers of two alone (6.1, pseries_memory_block_size).
 */
function blocks(base: number, size: number): { base: number; size: number }[] {
  const out: { base: number; size: number }[] = [];
  const end = base + size;
  for (let at = base; at < end; ) {
    let block = LARGEST_BLOCK;
    while (at % block !== 0 || at + block > end) block /= 2;
    out.push({ base: at, size: block });
    at += block;
  }
  return out;
}

function interruptControllerNode(description: TreeDescription): FdtNode {
  if (description.xive !== undefined) return xiveNode(description, description.xive.ipis);
  const last = description.hardwareIds[description.hardwareIds.length - 1] ?? 0;
  return node('interrupt-controller', {
    device_type: 'PowerPC-External-Interrupt-Presentation',
    compatible: 'IBM,ppc-xicp',
    'interrupt-controller': true,
    '#interrupt-cells': 2,
    'ibm,interrupt-server-ranges': [0, last + 1],
    phandle: description.interruptController,
    'linux,phandle': description.interruptController,
  });
}

/** Views of the TIMA: the user's, then the system's. Queues are of one page of the guest's. */
function xiveNode(description: TreeDescription, ipis: number): FdtNode {
  const page = 2 ** XIVE_PAGE_SHIFT;
  return node(`interrupt-controller@${TIMA_USER.toString(16)}`, {
    device_type: 'power-ivpe',
    compatible: 'ibm,power-ivpe',
    reg: [BigInt(TIMA_USER), BigInt(page), BigInt(TIMA_SYSTEM), BigInt(page)],
    'ibm,xive-eq-sizes': XIVE_PAGE_SHIFT,
    'ibm,xive-lisn-ranges': [0, ipis],
    'interrupt-controller': true,
    '#interrupt-cells': 2,
    phandle: description.interruptController,
    'linux,phandle': description.interruptController,
  });
}

function vdeviceNode(description: TreeDescription): FdtNode {
  return node(
    'vdevice',
    {
      device_type: 'vdevice',
      compatible: 'IBM,vdevice',
      '#address-cells': 1,
      '#size-cells': 0,
      '#interrupt-cells': 2,
      'interrupt-controller': true,
    },
    [
      ...description.vtys.map(({ unit, interrupt }) =>
        node(`vty@${unit.toString(16)}`, {
          device_type: 'serial',
          compatible: 'hvterm1',
          reg: unit,
          // The second cell: an edge.
          interrupts: [interrupt, 0],
        }),
      ),
      node(`nvram@${description.nvram.unit.toString(16)}`, {
        device_type: 'nvram',
        compatible: 'qemu,spapr-nvram',
        reg: description.nvram.unit,
        '#bytes': description.nvram.bytes,
      }),
      ...(description.vdevices ?? []),
    ],
  );
}

function uuidText(uuid: Uint8Array): string {
  assert(uuid.length === 16, 'a UUID has 16 bytes');
  const hex = [...uuid].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
