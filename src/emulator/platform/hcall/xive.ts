/**
 * The hypercalls of XIVE exploitation mode: H_INT_*.
 * Source: LoPAR, "XIVE hcalls"; QEMU 7.2 hw/intc/spapr_xive.c (parameter errors). Numbers of sources are LISNs; targets are hardware
 * ids. Priority 7 is the hypervisor's (ibm,plat-res-int-priorities). A level source is managed by H_INT_ESB, which sees
 * that it is still asserted. Left out: reporting lines, pages of queues (answered as none).
 */

import {
  LEAST_FAVOURED,
  managementPage,
  PAGE_SHIFT,
  triggerPage,
  type Xive,
} from '../../devices/xive/index.ts';
import { exactNumber, ramAddress } from '../contract/addresses.ts';
import type { FirmwareMachine, HcallFamily, HcallHandler } from '../contract/contract.ts';
import { H, status, success } from '../contract/status.ts';
import { arg, family } from './table.ts';

/** The least favoured priority that the guest may use. */
export const LEAST_GUEST_PRIORITY = 6;

const BY_HCALL = 8n;
const LEVEL = 4n;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
const SET_DATA = 2n;
const MASK = 1n;
const ALWAYS_NOTIFY = 1n;
const STORE = 1n;
const DEBUG = 1n;
const QUEUE_SIZES: readonly bigint[] = [12n, 16n, 21n, 24n];
const SOURCE_PAGE = 0x1000n;

export function xiveHcalls(machine: FirmwareMachine, xive: Xive): HcallFamily {
  const lisn = (args: readonly bigint[], n: number): number | undefined => {
    const number = exactNumber(arg(args, n));
    return number !== undefined && xive.kindOf(number) !== undefined ? number : undefined;
  };
  const target = (args: readonly bigint[], n: number): number | undefined => {
    const id = exactNumber(arg(args, n));
    return id !== undefined && xive.thread(id) !== undefined ? id : undefined;
  };
  const priority = (args: readonly bigint[], n: number): number | undefined => {
    const value = arg(args, n);
    return value <= BigInt(LEAST_GUEST_PRIORITY) ? Number(value) : undefined;
  };
  const setQueue: HcallHandler = (_vcpu, args) => {
    const [id, level, page, size] = [target(args, 1), priority(args, 2), arg(args, 3), arg(args, 4)];
    if ((arg(args, 0) & ~ALWAYS_NOTIFY) !== 0n) return status(H.parameter);
    if (id === undefined) return status(H.p2);
    if (level === undefined) return status(H.p3);
    if (size === 0n) {
      xive.setQueue(id, level, undefined);
      return status(H.success);
    }
    if (!QUEUE_SIZES.includes(size)) return status(H.p5);
    const raddr = ramAddress(machine, page, 2 ** Number(size));
    if (raddr === undefined || page % (1n << size) !== 0n) return status(H.p4);
    xive.setQueue(id, level, {
      page: raddr,
      sizeLog2: Number(size),
      alwaysNotify: (arg(args, 0) & ALWAYS_NOTIFY) !== 0n,
    });
    return status(H.success);
  };
  return family({
    H_INT_GET_SOURCE_INFO: (_vcpu, args) => {
      const number = lisn(args, 1);
      if (arg(args, 0) !== 0n) return status(H.parameter);
      if (number === undefined) return status(H.p2);
      const shift = BigInt(PAGE_SHIFT);
      if (xive.kindOf(number) === 'level') return success(BY_HCALL | LEVEL, NO_PAGE, NO_PAGE, shift);
      return success(0n, BigInt(managementPage(number)), BigInt(triggerPage(number)), shift);
    },
    H_INT_SET_SOURCE_CONFIG: (_vcpu, args) => {
      const [flags, number] = [arg(args, 0), lisn(args, 1)];
      if ((flags & ~(SET_DATA | MASK)) !== 0n) return status(H.parameter);
      const before = number === undefined ? undefined : xive.route(number);
      if (number === undefined || before === undefined) return status(H.p2);
      const data = (flags & SET_DATA) === 0n ? before.data : Number(BigInt.asUintN(32, arg(args, 4)));
      if (arg(args, 3) === BigInt(LEAST_FAVOURED)) {
        xive.setRoute(number, { ...before, data, priority: LEAST_FAVOURED });
        return status(H.success);
      }
      const [id, level] = [target(args, 2), priority(args, 3)];
      if (id === undefined) return status(H.p3);
      if (level === undefined) return status(H.p4);
      xive.setRoute(number, { target: id, priority: level, data });
      return status(H.success);
    },
    H_INT_GET_SOURCE_CONFIG: (_vcpu, args) => {
      const number = lisn(args, 1);
      if (arg(args, 0) !== 0n) return status(H.parameter);
      const route = number === undefined ? undefined : xive.route(number);
      if (route === undefined) return status(H.p2);
      return success(BigInt(route.target), BigInt(route.priority), BigInt(route.data));
    },
    H_INT_GET_QUEUE_INFO: (_vcpu, args) => {
      if (arg(args, 0) !== 0n) return status(H.parameter);
      if (target(args, 1) === undefined) return status(H.p2);
      if (priority(args, 2) === undefined) return status(H.p3);
      return success(NO_PAGE, 0n);
    },
    H_INT_SET_QUEUE_CONFIG: setQueue,
    H_INT_GET_QUEUE_CONFIG: (_vcpu, args) => {
      const [flags, id, level] = [arg(args, 0), target(args, 1), priority(args, 2)];
      if ((flags & ~DEBUG) !== 0n) return status(H.parameter);
      if (id === undefined) return status(H.p2);
      if (level === undefined) return status(H.p3);
      const queue = xive.queue(id, level);
      if (queue === undefined) return success(0n, 0n, 0n, 0n);
      const { setting, position } = queue;
      const where = (BigInt(position.generation) << 62n) | BigInt(position.index);
      return success(
        setting.alwaysNotify ? ALWAYS_NOTIFY : 0n,
        BigInt(setting.page),
        BigInt(setting.sizeLog2),
        (flags & DEBUG) === 0n ? 0n : where,
      );
    },
    H_INT_ESB: (_vcpu, args) => {
      const [flags, number, offset] = [arg(args, 0), lisn(args, 1), arg(args, 2)];
      if ((flags & ~STORE) !== 0n) return status(H.parameter);
      if (number === undefined) return status(H.p2);
      if (offset >= SOURCE_PAGE) return status(H.p3);
      if ((flags & STORE) !== 0n) {
        xive.trigger(number);
        return success(NO_PAGE);
      }
      const value = xive.manage(number, Number(offset));
      return value === undefined ? status(H.p3) : success(BigInt(value));
    },
    // Events are in their queues when the instruction that caused them is over.
    H_INT_SYNC: (_vcpu, args) => {
      if (arg(args, 0) !== 0n) return status(H.parameter);
      return status(lisn(args, 1) === undefined ? H.p2 : H.success);
    },
    H_INT_RESET: (_vcpu, args) => {
      if (arg(args, 0) !== 0n) return status(H.parameter);
      xive.reset();
      return status(H.success);
    },
  });
}
