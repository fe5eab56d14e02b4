/**
 * A kernel of some forty instructions that has a virtio disk read and write without end: 256 chains a notification, each of them all
 * of memory several times over by one indirect table. For test/synth/bare-kernel.ts; real mode, hypercalls alone.
 * Source: VIRTIO 1.1, §2.6 (split queues, little-endian), §4.1.4.3 (common configuration), §5.2.6 (requests); LoPAR 2.9,
 * ibm,write-pci-config, H_LOGICAL_CI_STORE.
 */

import { PCI_WINDOWS, PHB_BUID } from '../../src/emulator/platform/pci/index.ts';
import { KERNEL_ENTRY } from './bare-kernel.ts';
import { b, bc, dForm, li, li64, SC1, word, xForm } from './power-words.ts';

const MEBI = 2 ** 20;
const H_LOGICAL_CI_STORE = 0x40;
const H_RTAS = 0xf000;
const RTAS_WRITE_PCI_CONFIG = 0x2017;
const CHAINS = 256;

/** Where the driver keeps its own: all in the file, behind the program. */
const QUEUE = KERNEL_ENTRY + 0x1000;
const AVAILABLE = QUEUE + 16 * CHAINS;
const USED = AVAILABLE + 0x400;
const TABLE = USED + 0xc00;
const HEADER = TABLE + 0x400;
const STATUS = HEADER + 16;
const END = HEADER + 0x100;

const BAR = 4;
const STRUCTURES = (PCI_WINDOWS[2]?.base ?? 0) + 0x10000;
const NOTIFY = STRUCTURES + 0x3000;

/** @param slot of the disk. @param read from the disk into memory; else the disk is written */
export function diskChains(memory: number, slot: number, isRead: boolean): number[] {
  const bytes = new DataView(new ArrayBuffer(END - KERNEL_ENTRY));
  const config = configWrites(slot);
  const stores = registerStores();
  const code = program(config.length / 9, stores.length / 6);
  for (const [i, each] of [...code, ...config, ...stores].entries()) bytes.setUint32(4 * i, each, false);
  const descriptor = (at: number, address: number, length: number, flags: number, next: number): void => {
    bytes.setBigUint64(at - KERNEL_ENTRY, BigInt(address), true);
    bytes.setUint32(at - KERNEL_ENTRY + 8, length, true);
    bytes.setUint16(at - KERNEL_ENTRY + 12, flags, true);
    bytes.setUint16(at - KERNEL_ENTRY + 14, next, true);
  };
  const [NEXT, WRITE, INDIRECT] = [1, 2, 4];
  for (let i = 0; i < CHAINS; i++) {
    descriptor(QUEUE + 16 * i, TABLE, 16 * 6, INDIRECT, 0);
    bytes.setUint16(AVAILABLE - KERNEL_ENTRY + 4 + 2 * i, i, true);
  }
  // A header, four times the upper half of memory, a status.
  descriptor(TABLE, HEADER, 16, NEXT, 1);
  for (let i = 1; i <= 4; i++)
    descriptor(TABLE + 16 * i, memory / 2, memory / 2 - MEBI, NEXT | (isRead ? WRITE : 0), i + 1);
  descriptor(TABLE + 16 * 5, STATUS, 1, WRITE, 0);
  bytes.setUint32(HEADER - KERNEL_ENTRY, isRead ? 0 : 1, true);
  return Array.from({ length: bytes.byteLength / 4 }, (_, i) => bytes.getUint32(4 * i, false));
}

/** Makes the RTAS calls, then the stores, then offers all chains again whenever the device has used them. */
function program(calls: number, stores: number): number[] {
  const mr = (to: number, from: number): number => dForm(24, from, to, 0); // ori
  const addi = (to: number, from: number, value: number): number => dForm(14, to, from, value);
  const ld = (to: number, from: number, at: number): number => dForm(58, to, from, at);
  const whileLeft = (body: readonly number[]): number[] => [
    ...body,
    addi(31, 31, -1),
    dForm(11, 1, 31, 0), // cmpdi r31,0
    bc(4, 2, -4 * (body.length + 2)), // bne
  ];
  const call = [mr(4, 30), ...word(3, H_RTAS), SC1, addi(30, 30, 36)];
  const store = [ld(4, 30, 0), ld(5, 30, 8), ld(6, 30, 16), li(3, H_LOGICAL_CI_STORE), SC1, addi(30, 30, 24)];
  const offer = [
    addi(20, 20, CHAINS),
    (0x70000000 | (20 << 21) | (20 << 16) | 0xffff) >>> 0, // andi. r20,r20,65535
    xForm(20, 0, 21, 918), // sthbrx r20,0,r21
  ];
  const loop = [
    xForm(23, 0, 22, 790), // lhbrx r23,0,r22
    xForm(1, 23, 20, 0), // cmpd r23,r20
    bc(4, 2, 4 * (offer.length + 1)), // bne
    ...offer,
    ...[li(4, 2), mr(5, 25), li(6, 0), li(3, H_LOGICAL_CI_STORE), SC1],
  ];
  const code = [
    ...word(30, 0), // replaced: where the calls are
    li(31, calls),
    ...whileLeft(call),
    li(31, stores), // the stores stand behind the calls
    ...whileLeft(store),
    li(20, 0),
    ...word(21, AVAILABLE + 2),
    ...word(22, USED + 2),
    ...li64(25, BigInt(NOTIFY)),
    ...loop,
    b(-4 * loop.length),
  ];
  code.splice(0, 2, ...word(30, KERNEL_ENTRY + 4 * code.length));
  return code;
}

/** Argument buffers of ibm,write-pci-config: the BAR is placed, then the function decodes it and is master of the bus. */
function configWrites(slot: number): number[] {
  const write = (offset: number, size: number, value: number): number[] => [
    ...[RTAS_WRITE_PCI_CONFIG, 5, 1],
    ...[(slot << 11) | offset, Number(PHB_BUID >> 32n), Number(PHB_BUID & 0xffff_ffffn), size, value, 0],
  ];
  const bar = 0x10 + 4 * BAR;
  return [
    ...write(bar, 4, STRUCTURES % 2 ** 32),
    ...write(bar + 4, 4, Math.floor(STRUCTURES / 2 ** 32)),
    ...write(4, 2, 6),
  ];
}

/** Size, address and value of each store that starts the device: a big-endian value is stored as it is, so its bytes are turned. */
function registerStores(): number[] {
  const store = (offset: number, size: 1 | 2 | 4, value: number): number[] => {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, value, true);
    const turned = view.getUint32(0, false) >>> (8 * (4 - size));
    const address = STRUCTURES + offset;
    return [0, size, Math.floor(address / 2 ** 32), address % 2 ** 32, 0, turned];
  };
  const [STATUS_REGISTER, ACKNOWLEDGED, FEATURES_OK, DRIVER_OK] = [0x14, 3, 8, 4];
  return [
    ...store(STATUS_REGISTER, 1, ACKNOWLEDGED),
    ...store(0x08, 4, 0),
    ...store(0x0c, 4, 2 ** 28), // indirect tables
    ...store(0x08, 4, 1),
    ...store(0x0c, 4, 1), // version 1
    ...store(STATUS_REGISTER, 1, ACKNOWLEDGED | FEATURES_OK),
    ...store(0x16, 2, 0),
    ...store(0x18, 2, CHAINS),
    ...[QUEUE, AVAILABLE, USED].flatMap((at, i) => [
      ...store(0x20 + 8 * i, 4, at),
      ...store(0x24 + 8 * i, 4, 0),
    ]),
    ...store(0x1c, 2, 1),
    ...store(STATUS_REGISTER, 1, ACKNOWLEDGED | FEATURES_OK | DRIVER_OK),
  ];
}
