/** Interrupt vectors and delivery: Power ISA 3.0B, Book III, §6.5 and figure 65, without hypervisor state. */

import { MSR, MSR_TRANSLATION, VECTOR } from '../../base/power.ts';
import * as layout from './layout.ts';
import { SPR } from './spr.ts';
import type { Vcpu } from './vcpu.ts';

/** SRR1 bits that delivery sets or clears whatever MSR holds: 33–36 and 42–47. */
const SRR1_STATUS = 0x783f0000n;

/** Interrupts that AIL never moves and that clear MSR[ME]-independent state. */
const NEVER_RELOCATED: ReadonlySet<number> = new Set([VECTOR.systemReset, VECTOR.machineCheck]);

/** Takes an interrupt: saves where (`returnTo`) and MSR, enters the vector. `status` are the SRR1 bits of the cause. */
export function deliver(vcpu: Vcpu, vector: number, returnTo: bigint, status = 0n): void {
  const old = vcpu.msr;
  vcpu.setSpr(SPR.SRR0, returnTo);
  vcpu.setSpr(SPR.SRR1, (old & ~SRR1_STATUS) | status);
  enter(vcpu, vector, old, 0n);
}

/** scv: LR and CTR take the place of SRR0 and SRR1, and EE and RI stay. */
export function deliverSystemCallVectored(vcpu: Vcpu, level: number, returnTo: bigint): void {
  const old = vcpu.msr;
  vcpu.set64(layout.LR, returnTo);
  vcpu.set64(layout.CTR, old & ~SRR1_STATUS);
  const translated = relocates(vcpu, 0x3000, old);
  setMsr(vcpu, old, translated, old & (MSR.EE | MSR.RI));
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
  return (
    vcpu.alternateLocation !== 0 &&
    (old & MSR_TRANSLATION) === MSR_TRANSLATION &&
    !NEVER_RELOCATED.has(vector)
  );
}

function setMsr(vcpu: Vcpu, old: bigint, translated: boolean, keep: bigint): void {
  let next = MSR.SF | (old & (MSR.ME | MSR.HV)) | keep;
  if (vcpu.interruptLittleEndian) next |= MSR.LE;
  if (translated) next |= MSR_TRANSLATION;
  vcpu.msr = next;
}
