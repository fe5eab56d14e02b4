/**
 * What decides how the running vCPU's accesses are translated: read from MSR and the translation registers before each
 * entry to compiled code.
 */

import { MSR_LOW } from '../../base/power.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import type { MmuContext } from '../mmu/contract.ts';
import * as tlb from '../mmu/tlb.ts';

export type TranslationState = {
  vcpu: Vcpu;
  dataReal: boolean;
  codeReal: boolean;
  context: { -readonly [K in keyof MmuContext]: MmuContext[K] };
  /** The sets of the vCPU's TLB that hold its translations. */
  dataSet: number;
  codeSet: number;
};

/** As {@link followMode} fills it; one object, which the slow path holds. */
export function translationState(vcpu: Vcpu): TranslationState {
  return {
    vcpu,
    dataReal: true,
    codeReal: true,
    context: {
      problemState: false,
      pid: 0,
      amrWrite: false,
      amrRead: false,
      iamrExecute: false,
      amr: 0n,
      iamr: 0n,
      slb: vcpu.slb,
    },
    dataSet: 0,
    codeSet: 0,
  };
}

/** As the vCPU's MSR and its translation registers are now. */
export function followMode(state: TranslationState, vcpu: Vcpu): void {
  const problem = vcpu.msrHas(MSR_LOW.PR);
  // Decoded records are of one byte order, which execute entries do not name: code of the other order than that of
  // interrupts, such as firmware called by a little-endian kernel, has sets of its own.
  if (vcpu.interruptLittleEndian !== vcpu.executesLittleEndian) {
    vcpu.executesLittleEndian = vcpu.interruptLittleEndian;
    vcpu.tlb.flushExecute();
  }
  const ordinary = vcpu.littleEndian === vcpu.executesLittleEndian;
  state.dataReal = !vcpu.msrHas(MSR_LOW.DR);
  state.codeReal = !vcpu.msrHas(MSR_LOW.IR);
  const amr = vcpu.amrKey0;
  const translated = problem ? tlb.CONTEXT_USER : tlb.CONTEXT_KERNEL + amr;
  state.dataSet = state.dataReal ? tlb.CONTEXT_REAL : translated;
  const code = state.codeReal ? tlb.CONTEXT_REAL : problem ? tlb.CONTEXT_USER : tlb.CONTEXT_KERNEL;
  state.codeSet = ordinary ? code : code + tlb.OTHER_ORDER;
  const context = state.context;
  context.problemState = problem;
  context.pid = vcpu.pid;
  context.slb = vcpu.slb;
  context.amr = vcpu.amr;
  context.iamr = vcpu.iamr;
  context.amrWrite = (amr & 2) !== 0;
  context.amrRead = (amr & 1) !== 0;
  context.iamrExecute = (vcpu.iamrKey0 & 1) !== 0;
}
