/**
 * Parses and builds NT_PRSTATUS of ppc64: a CPU's registers as the crashed kernel saved them. 0x1f8 bytes, in the kernel's
 * byte order.
 * Source: Linux 6.1 include/linux/elfcore.h (elf_prstatus), arch/powerpc/include/uapi/asm/elf.h (48 registers) and
 * uapi/asm/ptrace.h (their order). Registers 44 to 47 are unused padding of the register set.
 */

import type { Endian } from '../../base/bytes.ts';
import { getU64, putU64 } from '../../base/bytes.ts';
import { buildStruct, parseStruct } from '../../base/fields.ts';
import { vmcoreError } from './errors.ts';

export const NT_PRSTATUS = 1;
/** Name of the note in a core file. */
export const CORE_NOTE_NAME = 'CORE';

export const PRSTATUS = {
  name: 'elf_prstatus (ppc64)',
  size: 0x1f8,
  fields: {
    si_signo: { offset: 0, type: 'i32', source: 'linux/elfcore.h elf_siginfo' },
    si_code: { offset: 4, type: 'i32', source: 'linux/elfcore.h elf_siginfo' },
    si_errno: { offset: 8, type: 'i32', source: 'linux/elfcore.h elf_siginfo' },
    pr_cursig: { offset: 12, type: 'u16', source: 'linux/elfcore.h elf_prstatus_common' },
    pr_sigpend: { offset: 16, type: 'u64', source: 'linux/elfcore.h elf_prstatus_common' },
    pr_sighold: { offset: 24, type: 'u64', source: 'linux/elfcore.h elf_prstatus_common' },
    pr_pid: { offset: 32, type: 'i32', source: 'linux/elfcore.h; 0 for the idle task' },
    pr_ppid: { offset: 36, type: 'i32', source: 'linux/elfcore.h elf_prstatus_common' },
    pr_pgrp: { offset: 40, type: 'i32', source: 'linux/elfcore.h elf_prstatus_common' },
    pr_sid: { offset: 44, type: 'i32', source: 'linux/elfcore.h elf_prstatus_common' },
    pr_times: {
      offset: 48,
      type: 'bytes',
      size: 64,
      source: 'linux/elfcore.h: utime, stime, cutime, cstime',
    },
    pr_reg: { offset: 112, type: 'bytes', size: 384, source: 'asm/elf.h ELF_NGREG 48, eight bytes each' },
    pr_fpvalid: { offset: 496, type: 'i32', source: 'linux/elfcore.h elf_prstatus' },
  },
} as const;

/** Registers after the 32 GPRs, by index in pr_reg. Source: asm/ptrace.h PT_NIP to PT_RESULT. */
export const PR_REGISTERS = {
  nip: 32,
  msr: 33,
  origGpr3: 34,
  ctr: 35,
  link: 36,
  xer: 37,
  ccr: 38,
  softe: 39,
  trap: 40,
  dar: 41,
  dsisr: 42,
  result: 43,
} as const;

export type PrRegister = keyof typeof PR_REGISTERS;

/** `gpr` has 32 values. */
export type Registers = { readonly gpr: readonly bigint[] } & Readonly<Record<PrRegister, bigint>>;

/** A CPU's saved state. */
export type Prstatus = { readonly pid: number; readonly signal: number } & Registers;

/** The state in a note's descriptor. @throws FormatError `vmcore/bad-prstatus`. */
export function parsePrstatus(desc: Uint8Array, endian: Endian): Prstatus {
  if (desc.length !== PRSTATUS.size) {
    throw vmcoreError('vmcore/bad-prstatus', 'NT_PRSTATUS is not that of a ppc64 kernel', {
      expected: `${PRSTATUS.size} bytes`,
      actual: `${desc.length}`,
    });
  }
  const raw = parseStruct(PRSTATUS, desc, endian);
  return { pid: raw.pr_pid, signal: raw.pr_cursig, ...parseRegisters(raw.pr_reg, endian) };
}

/** The registers of a note or of a frame in memory: 384 bytes, as in struct pt_regs. */
export function parseRegisters(bytes: Uint8Array, endian: Endian): Registers {
  const register = (index: number): bigint => getU64(bytes, index * 8, endian);
  const special = Object.fromEntries(
    Object.entries(PR_REGISTERS).map(([name, index]) => [name, register(index)]),
  );
  return {
    gpr: Array.from({ length: 32 }, (_, i) => register(i)),
    ...(special as Record<PrRegister, bigint>),
  };
}

/** A note's descriptor: 0x1f8 bytes; whatever {@link Prstatus} does not hold is 0. */
export function buildPrstatus(state: Prstatus, endian: Endian): Uint8Array {
  const registers = new Uint8Array(PRSTATUS.fields.pr_reg.size);
  state.gpr.forEach((value, i) => {
    putU64(registers, i * 8, value, endian);
  });
  for (const [name, index] of Object.entries(PR_REGISTERS))
    putU64(registers, index * 8, state[name as PrRegister], endian);
  const values = {
    si_signo: 0,
    si_code: 0,
    si_errno: 0,
    pr_cursig: state.signal,
    pr_sigpend: 0n,
    pr_sighold: 0n,
    pr_pid: state.pid,
    pr_ppid: 0,
    pr_pgrp: 0,
    pr_sid: 0,
    pr_times: new Uint8Array(64),
    pr_reg: registers,
    pr_fpvalid: 0,
  };
  return buildStruct(PRSTATUS, values, endian);
}
