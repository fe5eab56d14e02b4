/**
 * Parses and builds a vmcore as an ELF core: what it has beyond plain ELF.
 * Source: Linux 6.1 fs/proc/vmcore.c (merged PT_NOTE first, then PT_LOADs), makedumpfile b7587f1 IMPLEMENTATION ("The
 * ELF format": e_flags 1 marks an incomplete dump; p_filesz below p_memsz where the rest was filtered out).
 */

import type { Endian } from '../../base/bytes.ts';
import type { ElfFile, ElfNote, ProgramHeader } from '../../base/elf/index.ts';
import { buildElf, EM_PPC64, ET_CORE, PF_R, PF_W, PF_X, PT_LOAD } from '../../base/elf/index.ts';
import { vmcoreError } from './errors.ts';

/** In e_flags: the device was full. */
export const DUMP_ELF_INCOMPLETE = 1;
/** Where the kernel maps physical memory. Source: Linux 6.1 arch/powerpc/include/asm/page.h, PAGE_OFFSET. */
export const PAGE_OFFSET = 0xc000_0000_0000_0000n;

/** The memory segments of a core, in file order. @throws FormatError `vmcore/not-a-core`. */
export function coreLoads(elf: ElfFile): readonly ProgramHeader[] {
  if (elf.header.type !== ET_CORE || elf.header.machine !== EM_PPC64) {
    throw vmcoreError('vmcore/not-a-core', 'not a core of a 64-bit PowerPC kernel', {
      offset: 16,
      expected: 'ET_CORE (4), EM_PPC64 (21)',
      actual: `${elf.header.type}, ${elf.header.machine}`,
    });
  }
  return elf.programs.filter((program) => program.type === PT_LOAD);
}

/** A stretch of memory of a core to build. `memsz` defaults to the length of `data`; what is beyond it was left out. */
export type CoreRange = { readonly paddr: bigint; readonly data: Uint8Array; readonly memsz?: number };

export type CoreSpec = {
  readonly endian: Endian;
  readonly notes: readonly ElfNote[];
  readonly ranges: readonly CoreRange[];
  readonly incomplete?: boolean;
};

/** The whole core, in memory. */
export function buildElfCore(spec: CoreSpec): Uint8Array {
  return buildElf({
    endian: spec.endian,
    type: ET_CORE,
    flags: spec.incomplete === true ? DUMP_ELF_INCOMPLETE : 0,
    notes: spec.notes,
    segments: spec.ranges.map((range) => ({
      type: PT_LOAD,
      flags: PF_R | PF_W | PF_X,
      vaddr: PAGE_OFFSET + range.paddr,
      paddr: range.paddr,
      data: range.data,
      memsz: range.memsz ?? range.data.length,
      align: 0x10000n,
    })),
  });
}
