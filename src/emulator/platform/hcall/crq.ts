/**
 * The hypercalls of virtual I/O adapters: H_REG_CRQ, H_FREE_CRQ, H_SEND_CRQ, H_ENABLE_CRQ, H_VIO_SIGNAL.
 * Source: LoPAR, "Reliable Command/Response Transport Option" and "H_VIO_SIGNAL"; QEMU 7.2 hw/ppc/spapr_vio.c (sizes and errors). A queue lies at a page of the
 * adapter's window; a crash kernel finds its predecessor's registered (H_RESOURCE) and frees it.
 */

import { putU64 } from '../../../base/bytes.ts';
import { CRQ, type Sent, type Vscsi } from '../../devices/vscsi/index.ts';
import type { HcallFamily, HcallHandler, HcallResult, HcallStatus } from '../contract/contract.ts';
import { H, status } from '../contract/status.ts';
import { arg, family } from './table.ts';

const PAGE = 0x1000n;
const LARGEST_QUEUE = 0x1000_0000n;
/** H_VIO_SIGNAL: interrupts wanted. The second bit is for adapters with a receive queue of their own. */
const SIGNAL = 1n;
const SENT: Readonly<Record<Sent, HcallStatus>> = {
  taken: H.success,
  'no-queue': H.closed,
  full: H.dropped,
};

/** @param others unit addresses of devices that have no signal to switch on */
export function crqHcalls(adapters: readonly Vscsi[], others: readonly number[] = []): HcallFamily {
  const on =
    (work: (adapter: Vscsi, args: readonly bigint[]) => HcallResult): HcallHandler =>
    (_vcpu, args) => {
      const adapter = adapters.find((each) => BigInt(each.unit) === arg(args, 0));
      return adapter === undefined ? status(H.parameter) : work(adapter, args);
    };
  return family({
    H_REG_CRQ: on((adapter, args) => {
      const [ioba, bytes] = [arg(args, 1), arg(args, 2)];
      if (bytes < PAGE || bytes > LARGEST_QUEUE || bytes % PAGE !== 0n || ioba % PAGE !== 0n) {
        return status(H.parameter);
      }
      if (adapter.queue.registered) return status(H.resource);
      adapter.queue.register(ioba, Number(bytes));
      return status(H.success);
    }),
    H_FREE_CRQ: on((adapter) => {
      adapter.close();
      return status(H.success);
    }),
    H_SEND_CRQ: on((adapter, args) => {
      const element = new Uint8Array(CRQ.bytes);
      putU64(element, 0, arg(args, 1), 'big');
      putU64(element, 8, arg(args, 2), 'big');
      return status(SENT[adapter.send(element)]);
    }),
    // Queues here are never disabled by an event: there is nothing to enable again.
    H_ENABLE_CRQ: on(() => status(H.success)),
    H_VIO_SIGNAL: (_vcpu, args) => {
      const [unit, mode] = [arg(args, 0), arg(args, 1)];
      const adapter = adapters.find((each) => BigInt(each.unit) === unit);
      if (adapter === undefined)
        return status(mode === 0n && others.some((each) => BigInt(each) === unit) ? H.success : H.parameter);
      if ((mode & ~SIGNAL) !== 0n) return status(H.parameter);
      adapter.queue.signal((mode & SIGNAL) !== 0n);
      return status(H.success);
    },
  });
}
