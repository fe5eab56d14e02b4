/**
 * Accesses to logical memory on the partition's behalf, and H_PAGE_INIT.
 *
 * Source: QEMU 7.2 hw/ppc/spapr_hcall.c (sizes 1, 2, 4, 8; pages of 4 KiB), with natural alignment required. Values are as a big-endian load or store has them. Cache operations have
 * nothing to do here: memory is coherent, and stores drop translated code. Left out: other devices' registers unless
 * the machine gives them by {@link LogicalOptions.mmio}.
 */

import { hex64 } from '../../../base/hex.ts';
import type { MmioRegion } from '../../devices/contract.ts';
import { exactNumber, ramAddress } from '../contract/addresses.ts';
import type { FirmwareMachine, HcallFamily, HcallHandler, HcallResult } from '../contract/contract.ts';
import { H, status, success } from '../contract/status.ts';
import { arg, family } from './table.ts';

export type LogicalOptions = {
  /** The device window that holds a real address. */
  readonly mmio?: (raddr: number) => MmioRegion | undefined;
};

type Size = 1 | 2 | 4 | 8;

const PAGE = 4096;
const PAGE_INIT_ZERO = 1n << 15n;
const PAGE_INIT_COPY = 1n << 14n;
const PAGE_INIT_FLAGS = PAGE_INIT_ZERO | PAGE_INIT_COPY | (1n << 23n) | (1n << 22n);

export function logicalHcalls(machine: FirmwareMachine, options: LogicalOptions = {}): HcallFamily {
  const { memory } = machine;
  const nowhere = (raddr: number): HcallResult => {
    machine.unsupported({ kind: 'mmio', key: 'logical-access', where: hex64(raddr) });
    return status(H.parameter);
  };
  const uncachedLoad: HcallHandler = (_vcpu, args) => {
    const size = accessSize(arg(args, 0));
    const raddr = exactNumber(arg(args, 1));
    if (size === undefined || raddr === undefined || raddr % size !== 0) return status(H.parameter);
    if (memory.isRam(raddr, size)) return success(joined(memory.read(raddr, size)));
    const region = regionAt(options, raddr, size);
    if (region === undefined) return nowhere(raddr);
    return success(swapped(region.read(raddr - region.base, size), size));
  };
  const uncachedStore: HcallHandler = (_vcpu, args) => {
    const size = accessSize(arg(args, 0));
    const raddr = exactNumber(arg(args, 1));
    if (size === undefined || raddr === undefined || raddr % size !== 0) return status(H.parameter);
    const value = BigInt.asUintN(size * 8, arg(args, 2));
    if (memory.isRam(raddr, size)) {
      memory.write(raddr, split(value, size));
      return status(H.success);
    }
    const region = regionAt(options, raddr, size);
    if (region === undefined) return nowhere(raddr);
    region.write(raddr - region.base, size, swapped(value, size));
    return status(H.success);
  };
  const ramOnly =
    (handler: HcallHandler): HcallHandler =>
    (vcpu, args) =>
      ramAddress(machine, arg(args, 1), 1) === undefined ? status(H.parameter) : handler(vcpu, args);
  const cacheOperation: HcallHandler = (_vcpu, args) =>
    status(ramAddress(machine, arg(args, 0), 1) === undefined ? H.parameter : H.success);
  return family({
    H_LOGICAL_CI_LOAD: uncachedLoad,
    H_LOGICAL_CI_STORE: uncachedStore,
    H_LOGICAL_CACHE_LOAD: ramOnly(uncachedLoad),
    H_LOGICAL_CACHE_STORE: ramOnly(uncachedStore),
    H_LOGICAL_ICBI: cacheOperation,
    H_LOGICAL_DCBF: cacheOperation,
    H_PAGE_INIT: (_vcpu, args) => {
      const flags = arg(args, 0);
      const target = ramAddress(machine, arg(args, 1), PAGE);
      if ((flags & ~PAGE_INIT_FLAGS) !== 0n || target === undefined || target % PAGE !== 0) {
        return status(H.parameter);
      }
      if ((flags & PAGE_INIT_COPY) !== 0n) {
        const source = ramAddress(machine, arg(args, 2), PAGE);
        if (source === undefined || source % PAGE !== 0) return status(H.parameter);
        memory.write(target, memory.read(source, PAGE));
      } else if ((flags & PAGE_INIT_ZERO) !== 0n) memory.fill(target, PAGE, 0);
      return status(H.success);
    },
  });
}

function accessSize(value: bigint): Size | undefined {
  return value === 1n || value === 2n || value === 4n || value === 8n ? (Number(value) as Size) : undefined;
}

function regionAt(options: LogicalOptions, raddr: number, size: number): MmioRegion | undefined {
  const region = options.mmio?.(raddr);
  if (region === undefined || raddr < region.base || raddr + size > region.base + region.size)
    return undefined;
  return region;
}

function joined(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function split(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * (size - 1 - i))) & 0xffn));
}

/** A bus value, little-endian, as a big-endian access sees it, and back. */
function swapped(value: bigint, size: number): bigint {
  return joined(split(value, size).reverse());
}
