/**
 * Which interrupt follows an access that could not be made, or an exit of compiled code, and what the processor leaves in
 * its registers beside: Power ISA 3.0B, Book III, §6.5.
 */

import { BugError } from '../../base/errors.ts';
import { VECTOR } from '../../base/power.ts';
import { EXIT } from '../cpu/exit.ts';
import { HELPER } from '../cpu/layout.ts';
import { SPR } from '../cpu/spr.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import type { Isa } from '../isa/index.ts';
import { faultAddress, type StorageFault } from './translation.ts';

/** An interrupt's vector and the bits that it sets in SRR1. */
export type Cause = { readonly vector: number; readonly status: bigint };

/** SRR1 of an instruction storage interrupt: bits 33–36 and 42–47. */
const FETCH_STATUS = 0x783f0000n;
/**
 * Machine checks of accesses to what is not there, which the ISA leaves to the processor (Book III §6.5.2): Linux 6.1
 * arch/powerpc/kernel/mce_power.c, mce_p8_derror_table and its kin, reads SRR1 bit 42 as "by a load or store, see DSISR",
 * and else SRR1 bits 36 and 43–45. POWER9 tells a bad real address apart and finds a store's later, without an
 * address of the instruction; to POWER8 all are uncorrectable errors.
 */
const LOAD_STORE = 0x0020_0000n;
const MACHINE_CHECKS = {
  '2.07': {
    'bad-load': { status: LOAD_STORE, dsisr: 0x8000n },
    'bad-store': { status: LOAD_STORE, dsisr: 0x8000n },
    'bad-fetch': { status: 0x0004_0000n, dsisr: undefined },
  },
  '3.0': {
    'bad-load': { status: LOAD_STORE, dsisr: 0x40n },
    'bad-store': { status: 0x0814_0000n, dsisr: undefined },
    'bad-fetch': { status: 0x080c_0000n, dsisr: undefined },
  },
} as const;

const plain = (vector: number): Cause => ({ vector, status: 0n });
const program = (status: bigint): Cause => ({ vector: VECTOR.program, status });

const BY_EXIT: ReadonlyMap<number, Cause> = new Map([
  [EXIT.illegal, program(0x00080000n)],
  [EXIT.privileged, program(0x00040000n)],
  [EXIT.trap, program(0x00020000n)],
  [EXIT.fpEnabled, program(0x00100000n)],
  [EXIT.fpUnavailable, plain(VECTOR.floatingPointUnavailable)],
  [EXIT.vectorUnavailable, plain(VECTOR.vectorUnavailable)],
  [EXIT.vsxUnavailable, plain(VECTOR.vsxUnavailable)],
  [EXIT.alignment, plain(VECTOR.alignment)],
]);

/** Sets DAR and DSISR of the vCPU as the fault asks for. */
export function causeOfFault(vcpu: Vcpu, fault: StorageFault, isa: Isa): Cause {
  switch (fault.kind) {
    case 'data':
      vcpu.setSpr(SPR.DAR, faultAddress(fault));
      vcpu.setSpr(SPR.DSISR, BigInt(fault.status >>> 0));
      return plain(VECTOR.dataStorage);
    case 'data-segment':
      vcpu.setSpr(SPR.DAR, faultAddress(fault));
      return plain(VECTOR.dataSegment);
    case 'instruction':
      return { vector: VECTOR.instructionStorage, status: BigInt(fault.status >>> 0) & FETCH_STATUS };
    case 'instruction-segment':
      return plain(VECTOR.instructionSegment);
    case 'bad-load':
    case 'bad-store':
    case 'bad-fetch': {
      const { status, dsisr } = MACHINE_CHECKS[isa][fault.kind];
      // On the side of instructions DAR and DSISR stay as they are: SRR0 is the address.
      if (dsisr !== undefined) {
        vcpu.setSpr(SPR.DAR, faultAddress(fault));
        vcpu.setSpr(SPR.DSISR, dsisr);
      }
      return { vector: VECTOR.machineCheck, status };
    }
    case 'none':
      throw new BugError('a fault has a kind');
  }
}

/** Sets DAR of the vCPU for an alignment interrupt. */
export function causeOfExit(vcpu: Vcpu, code: number): Cause {
  const cause = BY_EXIT.get(code);
  if (cause === undefined) throw new BugError(`exit code ${code} is handled`);
  // Code that exits by it leaves the operand's address in HELPER.
  if (code === EXIT.alignment) vcpu.setSpr(SPR.DAR, vcpu.get64(HELPER));
  return cause;
}
