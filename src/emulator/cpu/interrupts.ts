/** Interrupt vectors and delivery: Power ISA 3.0B, Book III, §6.5 and figure 65, without hypervisor state. */

import * as layout from './layout.ts';
import * as msr from './msr.ts';
import type { Vcpu } from './vcpu.ts';

type VectorName =
  | 'systemReset'
  | 'machineCheck'
  | 'dataStorage'
  | 'dataSegment'
  | 'instructionStorage'
  | 'instructionSegment'
  | 'external'
  | 'alignment'
  | 'program'
  | 'fpUnavailable'
  | 'decrementer'
  | 'doorbell'
  | 'systemCall'
  | 'trace'
  | 'vectorUnavailable'
  | 'vsxUnavailable'
  | 'facilityUnavailable';

export const VECTOR: Readonly<Record<VectorName, number>> = {
  systemReset: 0x100,
  machineCheck: 0x200,
  dataStorage: 0x300,
  dataSegment: 0x380,
  instructionStorage: 0x400,
  instructionSegment: 0x480,
  external: 0x500,
  alignment: 0x600,
  program: 0x700,
  fpUnavailable: 0x800,
  decrementer: 0x900,
  doorbell: 0xa00,
  systemCall: 0xc00,
  trace: 0xd00,
  vectorUnavailable: 0xf20,
  vsxUnavailable: 0xf40,
  facilityUnavailable: 0xf60,
};

/** SRR1 bits that delivery sets or clears whatever MSR holds: 33–36 and 42–47. */
const SRR1_STATUS = 0x783f0000n;
const SRR0 = 26;
const SRR1 = 27;

/** Interrupts that AIL never moves and that clear MSR[ME]-independent state. */
const NEVER_RELOCATED: ReadonlySet<number> = new Set([0x100, 0x200]);

/** Takes an interrupt: saves where (`returnTo`) and MSR, enters the vector. `status` are the SRR1 bits of the cause. */
export function deliver(vcpu: Vcpu, vector: number, returnTo: bigint, status = 0n): void {
  const old = vcpu.msr;
  vcpu.setSpr(SRR0, returnTo);
  vcpu.setSpr(SRR1, (old & ~SRR1_STATUS) | status);
  enter(vcpu, vector, old, 0n);
}

/** scv: LR and CTR take the place of SRR0 and SRR1, and EE and RI stay. */
export function deliverSystemCallVectored(vcpu: Vcpu, level: number, returnTo: bigint): void {
  const old = vcpu.msr;
  vcpu.set64(layout.LR, returnTo);
  vcpu.set64(layout.CTR, old & ~SRR1_STATUS);
  const translated = relocates(vcpu, 0x3000, old);
  setMsr(vcpu, old, translated, old & (msr.MSR_EE_BIT | msr.MSR_RI_BIT));
  vcpu.nia = (translated ? 0xc000000000003000n : 0x17000n) + BigInt(level * 32);
}

function enter(vcpu: Vcpu, vector: number, old: bigint, keep: bigint): void {
  const relocated = relocates(vcpu, vector, old);
  setMsr(vcpu, old, relocated, keep);
  const base = !relocated ? 0n : vcpu.alternateLocation === 3 ? 0xc000000000004000n : 0x18000n;
  vcpu.nia = base + BigInt(vector);
}

/** AIL: only when translation was on for both, and never for the two resets. */
function relocates(vcpu: Vcpu, vector: number, old: bigint): boolean {
  const both = msr.MSR_IR_BIT | msr.MSR_DR_BIT;
  return vcpu.alternateLocation !== 0 && (old & both) === both && !NEVER_RELOCATED.has(vector);
}

function setMsr(vcpu: Vcpu, old: bigint, translated: boolean, keep: bigint): void {
  let next = msr.MSR_SF_BIT | (old & (msr.MSR_ME_BIT | msr.MSR_HV_BIT)) | keep;
  if (vcpu.interruptLittleEndian) next |= msr.MSR_LE_BIT;
  if (translated) next |= msr.MSR_IR_BIT | msr.MSR_DR_BIT;
  vcpu.msr = next;
}
