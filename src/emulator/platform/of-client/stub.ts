/**
 * The code that a client calls as Open Firmware: five instructions that turn the call into a private hypercall, as the
 * RTAS stub does.
 *
 * Source: IEEE 1275-1994 §6.3.1 and its PowerPC processor binding 2.1 §10 (r3 = the argument array on entry, the call's result on return; r5 = the entry when the client is
 * started; big-endian, here real mode; the client brings its own stack or uses the firmware's). Linux calls it with MSR[SF] = 0.
 * H_OF_CLIENT (0xf005) is the number that QEMU's virtual Open Firmware uses.
 */

import { concatBytes } from '../../../base/bytes.ts';
import { u32 } from '../../../base/fdt/index.ts';
import { OPCODE } from '../contract/opcodes.ts';

/**
 * Firmware's memory: the bottom of it all. The first 0x100 bytes are left to the client's copy of its own start; the entry
 * follows; the upper half is the client's first stack, as large as the binding asks.
 */
export const FIRMWARE_BASE = 0;
export const FIRMWARE_BYTES = 0x1_0000;
export const CLIENT_ENTRY = 0x100;
/** A frame's minimum below the end of the stack. */
export const CLIENT_STACK: number = FIRMWARE_BYTES - 0x200;

export function clientStub(): Uint8Array {
  return concatBytes([
    u32(0x7c64_1b78), // mr   r4,r3
    u32(0x3c60_0000 | (OPCODE.H_OF_CLIENT >>> 16)), // lis  r3,H_OF_CLIENT@h
    u32(0x6063_0000 | (OPCODE.H_OF_CLIENT & 0xffff)), // ori  r3,r3,H_OF_CLIENT@l
    u32(0x4400_0022), // sc   1
    u32(0x4e80_0020), // blr
  ]);
}
