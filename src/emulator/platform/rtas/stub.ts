/**
 * The code that the guest calls as RTAS: five instructions that turn the call into a private hypercall.
 *
 * RTAS is entered in real mode, big-endian and 32-bit, with r3 = the real address of the argument buffer and r4 = the
 * base of RTAS (Linux 6.1 arch/powerpc/kernel/rtas.c). The stub moves r3 to r4, loads H_RTAS (0xf000, the number that KVM and QEMU use) into
 * r3, makes the hypercall and returns to LR. It uses r3 and r4 alone, both volatile; the status of the service is in
 * the argument buffer, and r3 holds the hypercall's own status on return.
 */

import { concatBytes } from '../../../base/bytes.ts';
import { u32 } from '../../../base/fdt/index.ts';
import { OPCODE } from '../contract/opcodes.ts';

/**
 * What /rtas says as rtas-size: the memory that RTAS keeps. A whole page of the largest base size: a crash kernel that
 * runs around it takes what lies past its end for its own, while the dump has RTAS by whole pages.
 */
export const RTAS_BYTES = 0x10000;

/** The stub at offset 0 of RTAS's memory; the entry point is its first word. */
export function rtasStub(): Uint8Array {
  return concatBytes([
    u32(0x7c64_1b78), // mr   r4,r3
    u32(0x3c60_0000 | (OPCODE.H_RTAS >>> 16)), // lis  r3,H_RTAS@h
    u32(0x6063_0000 | (OPCODE.H_RTAS & 0xffff)), // ori  r3,r3,H_RTAS@l
    u32(0x4400_0022), // sc   1
    u32(0x4e80_0020), // blr
  ]);
}
