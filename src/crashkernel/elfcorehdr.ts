/**
 * Builds elfcorehdr, the ELF header by which the crash kernel shows the old memory as /proc/vmcore. It holds no data: each
 * program header's p_offset is a real address of the old kernel's memory.
 *
 * It has a PT_NOTE for each CPU's register notes, one for VMCOREINFO, then PT_LOADs: the first 64 KiB, whose bytes are in
 * the backup region, and all other memory but the reservation; where RTAS lies in the reservation, RTAS. It is in the byte
 * order of the crash kernel, which does not convert it.
 * Source: Linux 6.1 fs/proc/vmcore.c (p_offset, elfcorehdr=), kexec-tools 2.0.25 kexec/crashdump-elf.c and
 * kexec/arch/ppc64/crashdump-ppc64.c (order and contents); docs/handoff.md (`backup-64k`, `memory-64bit`).
 * Left out: PN_XNUM (Linux reads e_phnum alone, so more headers are refused); a first kernel's mem= limit: all memory
 * is shown, used or not.
 */

import { concatBytes, type Endian } from '../base/bytes.ts';
import {
  buildElfHeader,
  buildProgramHeader,
  EM_PPC64,
  ET_CORE,
  PF_R,
  PF_W,
  PF_X,
  PN_XNUM,
  type ProgramHeader,
  PT_LOAD,
  PT_NOTE,
} from '../base/elf/index.ts';
import { loadError } from './errors.ts';
import type { GuestFacts } from './guest-facts.ts';
import type { MachineFacts } from './machine-tree.ts';
import { intersectRanges, PAGE, type Range, subtractRanges } from './ranges.ts';

/** What is saved before the new kernel's vectors overwrite it. */
export const BACKUP: Range = { start: 0, end: PAGE };
/** Where ppc64 kernels map memory (Linux 6.1 PAGE_OFFSET; the built-in kernel's too). */
const LINEAR_MAPPING = 0xc000000000000000n;
const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;

/** The old kernel's memory that a dump shows, beside the first 64 KiB. */
export function dumpRanges(machine: MachineFacts, reserved: Range): Range[] {
  const rtas = machine.rtas === undefined ? [] : intersectRanges([machine.rtas], [reserved]);
  return [...subtractRanges(machine.memory, [BACKUP, reserved]), ...rtas];
}

/** @throws FormatError `load/too-many-headers` */
export function elfcorehdrSize(machine: MachineFacts, facts: GuestFacts, reserved: Range): number {
  return ELF_HEADER_BYTES + programs(machine, facts, reserved, 0).length * PROGRAM_HEADER_BYTES;
}

/**
 * @param backup real address of the backup region
 * @throws FormatError `load/too-many-headers`
 */
export function buildElfcorehdr(
  endian: Endian,
  machine: MachineFacts,
  facts: GuestFacts,
  reserved: Range,
  backup: number,
): Uint8Array {
  const headers = programs(machine, facts, reserved, backup);
  const header = buildElfHeader(
    {
      endian,
      osAbi: 0,
      abiVersion: 0,
      type: ET_CORE,
      machine: EM_PPC64,
      entry: 0n,
      flags: 0,
      phoff: ELF_HEADER_BYTES,
      shoff: 0,
      shstrndx: 0,
    },
    headers.length,
    0,
  );
  return concatBytes([header, ...headers.map((each) => buildProgramHeader(each, endian))]);
}

function programs(
  machine: MachineFacts,
  facts: GuestFacts,
  reserved: Range,
  backup: number,
): ProgramHeader[] {
  const notes = facts.notes.map((start): Range => ({ start, end: start + facts.noteSize }));
  if (facts.vmcoreinfo !== undefined) notes.push(facts.vmcoreinfo);
  const headers = [
    ...notes.map(noteHeader),
    loadHeader(BACKUP, backup),
    ...dumpRanges(machine, reserved).map((each) => loadHeader(each, each.start)),
  ];
  if (headers.length >= PN_XNUM)
    throw loadError('load/too-many-headers', 'memory is in too many pieces for one ELF file', {
      expected: `at most ${PN_XNUM - 1} program headers`,
      actual: `${headers.length}`,
    });
  return headers;
}

function noteHeader({ start, end }: Range): ProgramHeader {
  const bytes = end - start;
  return {
    type: PT_NOTE,
    flags: 0,
    offset: start,
    vaddr: 0n,
    paddr: BigInt(start),
    filesz: bytes,
    memsz: bytes,
    align: 0n,
  };
}

function loadHeader({ start, end }: Range, offset: number): ProgramHeader {
  const bytes = end - start;
  return {
    type: PT_LOAD,
    flags: PF_R | PF_W | PF_X,
    offset,
    vaddr: LINEAR_MAPPING + BigInt(start),
    paddr: BigInt(start),
    filesz: bytes,
    memsz: bytes,
    align: 0n,
  };
}
