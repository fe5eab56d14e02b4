/**
 * Where a kernel, its initramfs, its tree and RTAS lie when the partition starts, and how they get there.
 *
 * The kernel is at p_paddr plus an offset; RTAS, the tree and the initramfs lie at the top of the real-mode area, in
 * that order downwards, where a kernel running at 0 does not grow into them.
 */

import { readFileSync } from 'node:fs';
import { arraySource } from '../../base/bytes.ts';
import { EM_PPC64, PT_LOAD, parseElf, readSegment } from '../../base/elf/index.ts';
import { FormatError } from '../../base/errors.ts';
import type { GuestMemory } from '../memory/contract.ts';

/** A loaded kernel: the real address of its entry and of the first byte past it. */
export type LoadedKernel = { readonly entry: number; readonly end: number };

export type BootLayout = {
  readonly rtasBase: number;
  readonly treeBase: number;
  readonly treeLimit: number;
  readonly initrd?: { readonly start: number; readonly end: number };
};

const KIB64 = 0x10000;
const TREE_BYTES = 0x100000;

/** Loads the PT_LOADs of an ELF64 for ppc64. @throws FormatError when it is no such file or does not fit. */
export function loadKernel(memory: GuestMemory, path: string, loadAt: number): LoadedKernel {
  const elf = parseElf(arraySource(readFileSync(path)));
  if (elf.header.machine !== EM_PPC64) {
    throw new FormatError('boot/machine', `${path} is not for ppc64`, {
      expected: String(EM_PPC64),
      actual: String(elf.header.machine),
    });
  }
  const loads = elf.programs.filter((each) => each.type === PT_LOAD && each.memsz > 0);
  if (loads.length === 0) throw new FormatError('boot/no-segments', `${path} has nothing to load`);
  let end = 0;
  let entry: number | undefined;
  for (const each of loads) {
    const base = Number(each.paddr) + loadAt;
    if (!memory.isRam(base, each.memsz)) {
      throw new FormatError('boot/memory', `${path} does not fit into memory`, {
        expected: 'RAM',
        actual: `0x${base.toString(16)}+0x${each.memsz.toString(16)}`,
      });
    }
    memory.write(base, readSegment(elf, each));
    memory.fill(base + each.filesz, each.memsz - each.filesz, 0);
    end = Math.max(end, base + each.memsz);
    const offset = elf.header.entry - each.vaddr;
    if (offset >= 0n && offset < BigInt(each.memsz)) entry = base + Number(offset);
  }
  // A kernel that is not linked at its virtual address gives its entry as a physical one.
  return { entry: entry ?? Number(elf.header.entry) + loadAt, end };
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
