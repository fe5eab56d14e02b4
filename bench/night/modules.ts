/**
 * Kernel modules by which stock Debian crashes by itself: each does one thing in its init function that the kernel does not survive.
 * Sources: Power ISA 3.0B; Linux 6.1 arch/powerpc/kernel/exceptions-64s.S (a bad stack pointer), arch/powerpc/kernel/watchdog.c.
 */

import { readFileSync } from 'node:fs';
import { concatBytes } from '../../src/base/bytes.ts';
import { buildCpio } from '../../src/images/cpio.ts';
import { cpioFile, patchedModule } from '../../test/synth/patched-module.ts';

const STOCK = 'virtio_blk';

/** By the module's name, which is as long as that of the stock module. */
const PROGRAMS: Readonly<Record<ModuleName, readonly number[]>> = {
  /** Stores to address 0. */
  oops_null0: [
    0x38600000, // li  r3,0
    0xf8630000, // std r3,0(r3)
  ],
  /** A trap that no table of the kernel's names. */
  oops_trap0: [0x7fe00008],
  /** Faults while the stack pointer is none. */
  oops_stack: [
    0x38200000, // li r1,0
    0xe8610000, // ld r3,0(r1)
  ],
  /** Loads from a real address far behind memory, with data translation off: a machine check. */
  oops_mchek: [
    0x7d2000a6, // mfmsr  r9
    0x39400010, // li     r10,0x10
    0x7d295078, // andc   r9,r9,r10
    0x3d000001, // lis    r8,1
    0x7908e0e4, // sldi   r8,r8,28
    0x7d200164, // mtmsrd r9
    0x4c00012c, // isync
    0xe8680000, // ld     r3,0(r8)
  ],
  /** Spins with interrupts off; another CPU's watchdog resets it and panics. */
  hangs_hard: [
    0x38000002, // li     r0,2
    0x7c010164, // mtmsrd r0,1: EE becomes 0, RI stays
    0x48000000, // b      to itself
  ],
};

export type ModuleName = 'oops_null0' | 'oops_trap0' | 'oops_stack' | 'oops_mchek' | 'hangs_hard';
export const OOPS: ModuleName = 'oops_null0';
/** Modules by which one CPU crashes the kernel. */
export const CRASHING: readonly ModuleName[] = ['oops_null0', 'oops_trap0', 'oops_stack', 'oops_mchek'];
export const HANGING: ModuleName = 'hangs_hard';

/** Where the guest finds a module. */
export function modulePath(name: ModuleName): string {
  return `/${name}.ko`;
}

/** An initramfs and, behind it, a second archive with the modules: the kernel unpacks both. */
export function withModules(path: string): Uint8Array {
  const initrd = readFileSync(path);
  const stock = cpioFile(initrd, `lib/modules/${STOCK}.ko`);
  const names = Object.keys(PROGRAMS) as ModuleName[];
  const files = names.map((name) => {
    const data = patchedModule(stock, STOCK, name, PROGRAMS[name]);
    return [modulePath(name).slice(1), { kind: 'file', mode: 0o644, data } as const] as const;
  });
  const padding = new Uint8Array((4 - (initrd.length % 4)) % 4);
  return concatBytes([initrd, padding, buildCpio(new Map(files))]);
}
