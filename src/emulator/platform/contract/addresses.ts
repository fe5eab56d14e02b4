/** Real addresses and numbers as guests pass them: unsigned 64-bit values that need not make sense. */

import type { FirmwareMachine, FirmwareVcpu } from './contract.ts';

/** `value` as a number; undefined past 2^53, beyond every number, address or id of this platform. */
export function exactNumber(value: bigint): number | undefined {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

/** The real address when `length` bytes from it are RAM. */
export function ramAddress(machine: FirmwareMachine, value: bigint, length: number): number | undefined {
  const raddr = exactNumber(value);
  return raddr !== undefined && machine.memory.isRam(raddr, length) ? raddr : undefined;
}

export function vcpuByHardwareId(machine: FirmwareMachine, id: bigint | number): FirmwareVcpu | undefined {
  return machine.vcpus.find((vcpu) => BigInt(vcpu.hardwareId) === BigInt(id));
}
