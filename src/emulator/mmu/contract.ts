/**
 * What the engine asks of a memory management unit, whichever way it finds its translations. Bits of DSISR and SRR1:
 * Power ISA 3.0B, Book III, §6.5.3 and §6.5.5.
 */

import type { Slb } from './slb.ts';
import type { Tlb } from './tlb.ts';

export type Access = 'read' | 'write' | 'execute';

/** DSISR and SRR1 bits. */
export const DSISR_NO_TRANSLATION = 0x40000000;
export const SRR1_NO_EXECUTE = 0x10000000;
export const DSISR_PROTECTION = 0x08000000;
export const DSISR_STORE = 0x02000000;
export const DSISR_KEY = 0x00200000;
export const DSISR_BAD_TREE = 0x00080000;

/** What a translation depends on of the vCPU that makes the access. */
export type MmuContext = {
  readonly problemState: boolean;
  /** Process id (PIDR); radix alone asks. */
  readonly pid: number;
  /** AMR and IAMR key 0 (bits 0 and 1): write, read; execute. For radix they guard privileged access to user pages. */
  readonly amrWrite: boolean;
  readonly amrRead: boolean;
  readonly iamrExecute: boolean;
  /** The whole registers, two bits a key from the most significant on; hash asks. */
  readonly amr: bigint;
  readonly iamr: bigint;
  /** The vCPU's segment lookaside buffer; hash alone asks. */
  readonly slb: Slb;
};

/** Where a translation ends. `fault` holds the DSISR (or SRR1) bits, 0 when `raddr` is good; `segment` asks for a segment interrupt. */
export type Translation = { raddr: number; fault: number; segment: boolean; userPage: boolean };

export interface GuestMmu {
  readonly kind: 'hash' | 'radix';
  /**
   * Translates one effective address, given as halves, and updates reference and change as hardware does. The answer is
   * in `out`, which the caller reuses. A translation may be kept until the MMU, or an instruction, drops it.
   */
  translate(lo: number, hi: number, access: Access, context: MmuContext, out: Translation): void;
  /** An instruction of the guest's invalidates more than single pages in a vCPU's TLB: what may differ from the tables goes. */
  invalidate(tlb: Tlb): void;
}

/** Halves of an effective address as the MMU takes them: signed 32-bit numbers. */
export function lowHalf(ea: bigint): number {
  return Number(ea & 0xffffffffn) | 0;
}
export function highHalf(ea: bigint): number {
  return Number((ea >> 32n) & 0xffffffffn) | 0;
}
