/**
 * The dispatch trace log: a ring of 48-byte entries in guest memory, one for each time that a vCPU is dispatched after
 * a wait of a kind that the VPA's mask asks for.
 *
 * Source: Linux 6.1 arch/powerpc/include/asm/dtl.h and lppaca.h (layout, mask). All fields
 * are big-endian. Only voluntary waits (H_CEDE, H_JOIN) occur: a vCPU is never dispatched late nor faults on behalf of
 * the hypervisor. The platform does not know what woke a vCPU; the reason is always "firmware scheduling".
 */

import { putU16, putU32, putU64 } from '../../../base/bytes.ts';
import type { GuestMemory } from '../../memory/contract.ts';
import type { FirmwareVcpu } from '../contract/contract.ts';

export const DISPATCH_LOG_ENTRY_BYTES = 48;
/** In the VPA: which dispatches are logged, and how many have been. */
const MASK_AT = 0xb8;
const COUNT_AT = 0x218;
const MASK_VOLUNTARY = 1;
const REASON_FIRMWARE_SCHEDULING = 5;
const PREEMPTED_BY_CEDE = 2;
const ENTRY = {
  dispatch: 0,
  preempt: 1,
  processor: 2,
  waiting: 12,
  timebase: 16,
  srr0: 32,
  srr1: 40,
} as const;

export type DispatchLog = { readonly raddr: number; readonly bytes: number };

/** Logs a dispatch after a voluntary wait from timebase `since` to `now`, if the mask in the VPA asks for it. */
export function logDispatch(
  memory: GuestMemory,
  vcpu: FirmwareVcpu,
  vpa: number,
  log: DispatchLog,
  since: bigint,
  now: bigint,
): void {
  if ((memory.readU8(vpa + MASK_AT) & MASK_VOLUNTARY) === 0) return;
  const entry = new Uint8Array(DISPATCH_LOG_ENTRY_BYTES);
  entry[ENTRY.dispatch] = REASON_FIRMWARE_SCHEDULING;
  entry[ENTRY.preempt] = PREEMPTED_BY_CEDE;
  putU16(entry, ENTRY.processor, vcpu.hardwareId, 'big');
  putU32(entry, ENTRY.waiting, Number(BigInt.asUintN(32, now - since)), 'big');
  putU64(entry, ENTRY.timebase, now, 'big');
  putU64(entry, ENTRY.srr0, vcpu.nia, 'big');
  putU64(entry, ENTRY.srr1, vcpu.msr, 'big');
  const count = memory.readU64(vpa + COUNT_AT, false);
  const slots = BigInt(Math.floor(log.bytes / DISPATCH_LOG_ENTRY_BYTES));
  memory.write(log.raddr + Number(count % slots) * DISPATCH_LOG_ENTRY_BYTES, entry);
  memory.writeU64(vpa + COUNT_AT, BigInt.asUintN(64, count + 1n), false);
}
