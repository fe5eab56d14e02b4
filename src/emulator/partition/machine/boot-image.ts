/**
 * Where a kernel, its initramfs, its tree and RTAS lie when the partition starts, and how they get there.
 *
 * The kernel is at p_paddr plus an offset; RTAS, the tree and the initramfs lie at the top of the real-mode area, in
 * that order downwards, where a kernel running at 0 does not grow into them.
 */

import { EM_PPC64, PT_LOAD, parseElf } from '../../../base/elf/index.ts';
import { FormatError } from '../../../base/errors.ts';
import type { Ram } from '../../memory/ram.ts';
import type { BootFile } from './boot-file.ts';

/** A loaded kernel: the real address of its entry, of its first byte and of the first byte past it. */
export type LoadedKernel = { readonly entry: number; readonly start: number; readonly end: number };

export type BootLayout = {
  readonly rtasBase: number;
  readonly treeBase: number;
  readonly treeLimit: number;
  readonly initrd?: { readonly start: number; readonly end: number };
};

/** What lies in memory when a client of Open Firmware is started. */
export type ClientLayout = {
  readonly kernel: { readonly start: number; readonly end: number };
  readonly initrd?: { readonly start: number; readonly end: number };
};

/** Where a client of Open Firmware is put by default: clear of firmware at the bottom, as QEMU has it. */
export const CLIENT_LOAD_AT = 0x40_0000;

const KIB64 = 0x10000;
const TREE_BYTES = 0x100000;

/** Loads the PT_LOADs of an ELF64 for ppc64. @throws FormatError when it is no such file or does not fit. */
export function loadKernel(ram: Ram, file: BootFile, loadAt: number): LoadedKernel {
  const elf = parseElf(file);
  if (elf.header.machine !== EM_PPC64) {
    throw new FormatError('boot/machine', 'the kernel is not for ppc64', {
      expected: String(EM_PPC64),
      actual: String(elf.header.machine),
    });
  }
  const loads = elf.programs.filter((each) => each.type === PT_LOAD && each.memsz > 0);
  if (loads.length === 0) throw new FormatError('boot/no-segments', 'the kernel has nothing to load');
  let start = Number.POSITIVE_INFINITY;
  let end = 0;
  let entry: number | undefined;
  for (const each of loads) {
    const base = Number(each.paddr) + loadAt;
    if (!ram.isRam(base, each.memsz)) {
      throw new FormatError('boot/memory', 'the kernel does not fit into memory', {
        expected: 'RAM',
        actual: `0x${base.toString(16)}+0x${each.memsz.toString(16)}`,
      });
    }
    file.load(ram, base, each.offset, each.filesz);
    ram.fill(base + each.filesz, each.memsz - each.filesz, 0);
    start = Math.min(start, base);
    end = Math.max(end, base + each.memsz);
    const offset = elf.header.entry - each.vaddr;
    if (offset >= 0n && offset < BigInt(each.memsz)) entry = base + Number(offset);
  }
  // A kernel that is not linked at its virtual address gives its entry as a physical one.
  return { entry: entry ?? Number(elf.header.entry) + loadAt, start, end };
}

/** Places RTAS, tree and initramfs below `rma`. @throws FormatError when the kernel and they do not fit. */
export function placeBoot(
  rma: number,
  kernelEnd: number,
  rtasBytes: number,
  initrdBytes: number,
): BootLayout {
  const down = (from: number, bytes: number): number => Math.floor((from - bytes) / KIB64) * KIB64;
  const rtasBase = down(rma, rtasBytes);
  const treeBase = down(rtasBase, TREE_BYTES);
  const start = down(treeBase, initrdBytes);
  if (start < kernelEnd) {
    throw new FormatError('boot/real-mode-area', 'kernel, initramfs and tree do not fit the real-mode area', {
      expected: `at most 0x${rma.toString(16)}`,
      actual: `0x${(kernelEnd + initrdBytes + TREE_BYTES + rtasBytes).toString(16)}`,
    });
  }
  return {
    rtasBase,
    treeBase,
    treeLimit: TREE_BYTES,
    ...(initrdBytes > 0 ? { initrd: { start, end: start + initrdBytes } } : {}),
  };
}

/**
 * Places the initramfs after the kernel, where a client of Open Firmware wants it: what lies above is left to be claimed.
 * @throws FormatError when kernel and initramfs do not fit between firmware and the end of the real-mode area.
 */
export function placeClient(
  rma: number,
  firmwareEnd: number,
  kernel: LoadedKernel,
  initrdBytes: number,
): ClientLayout {
  const start = Math.ceil((kernel.end + KIB64) / KIB64) * KIB64;
  if (kernel.start < firmwareEnd || start + initrdBytes > rma) {
    throw new FormatError('boot/real-mode-area', 'kernel and initramfs do not fit the real-mode area', {
      expected: `0x${firmwareEnd.toString(16)} to 0x${rma.toString(16)}`,
      actual: `0x${kernel.start.toString(16)} to 0x${(start + initrdBytes).toString(16)}`,
    });
  }
  return {
    kernel: { start: kernel.start, end: kernel.end },
    ...(initrdBytes > 0 ? { initrd: { start, end: start + initrdBytes } } : {}),
  };
}
