/**
 * Kernel modules for a hostile root of stock Debian: each executes a few instructions for ever in kernel mode, where `sc 1` reaches
 * the hypervisor. Sources: LoPAR 2.9, §14.5.3.1.1 (register linkage of hcalls), §16.6.1 (H_PUT_TERM_CHAR); Power ISA 3.0B.
 */

import { readFileSync } from 'node:fs';
import { cpioFile, patchedModule } from '../../test/synth/patched-module.ts';

const STOCK = 'virtio_blk';
const H_PUT_TERM_CHAR = 0x58;
/** The second terminal's unit address (src/emulator/platform/platform.ts). */
const VTY_1 = 0x7100_0001;

const SC_1 = 0x44000022;
const BRANCH_TO_ITSELF = 0x48000000;

/** What a module does, by its name, which is as long as that of the stock module. */
const PROGRAMS: Readonly<Record<ModuleName, readonly number[]>> = {
  hcall_many: unknownCalls(),
  hcall_term: terminalFlood(),
  irqs_block: spinWithInterruptsOff(),
};

export type ModuleName = 'hcall_many' | 'hcall_term' | 'irqs_block';
export const MODULE_NAMES: readonly ModuleName[] = ['hcall_many', 'hcall_term', 'irqs_block'];

/** @param initrd the image's initramfs, which holds the stock module */
export function hostileModule(initrd: string, name: ModuleName): Uint8Array {
  const stock = cpioFile(readFileSync(initrd), `lib/modules/${STOCK}.ko`);
  return patchedModule(stock, STOCK, name, PROGRAMS[name]);
}

/** Every call has an opcode that was not used before and that no hypervisor knows. */
function unknownCalls(): number[] {
  return [
    0x3fe00001, // lis   r31,1
    0x3bff0004, // addi  r31,r31,4
    0x7fe3fb78, // mr    r3,r31
    SC_1,
    branch(-3),
  ];
}

/** Three answers of the agent's protocol in each call of 16 bytes. */
function terminalFlood(): number[] {
  return [
    ...load64(30, 0x6f6b20610a6f6b20n),
    ...load64(31, 0x610a6f6b20610a0an),
    ...load64(29, BigInt(VTY_1)),
    0x38600000 + H_PUT_TERM_CHAR, // li r3,…
    0x7fa4eb78, // mr    r4,r29
    0x38a00010, // li    r5,16
    0x7fc6f378, // mr    r6,r30
    0x7fe7fb78, // mr    r7,r31
    SC_1,
    branch(-6),
  ];
}

function spinWithInterruptsOff(): number[] {
  return [
    0x38000000, // li     r0,0
    0x7c010164, // mtmsrd r0,1: EE and RI become 0
    BRANCH_TO_ITSELF,
  ];
}

/** `b` over so many instructions. */
function branch(instructions: number): number {
  return (BRANCH_TO_ITSELF | ((instructions * 4) & 0x03fffffc)) >>> 0;
}

/** A 64-bit value into a register. */
function load64(register: number, value: bigint): number[] {
  const part = (n: bigint): number => Number((value >> (n * 16n)) & 0xffffn);
  const target = register << 21;
  const both = target | (register << 16);
  return [
    ((0x3c000000 | target) + part(3n)) >>> 0, // lis
    ((0x60000000 | both) + part(2n)) >>> 0, // ori
    (0x780007c6 | both) >>> 0, // sldi …,32
    ((0x64000000 | both) + part(1n)) >>> 0, // oris
    ((0x60000000 | both) + part(0n)) >>> 0, // ori
  ];
}
