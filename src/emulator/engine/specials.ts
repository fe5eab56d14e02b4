/**
 * Special handlers: the TypeScript code of instructions that change more than registers and storage. Here are system
 * calls, MSR changes and returns; the files beside have system registers, translation management, multiple and string
 * accesses and atomic memory operations. A handler takes the instruction word and returns 0 (continue with the next
 * instruction) or an exit code. The table is complete for semantics/system/specials.ts.
 */

import { MSR, MSR_LOW, MSR_TRANSLATION, VECTOR } from '../../base/power.ts';
import { EXIT } from '../cpu/exit.ts';
import { deliver, deliverSystemCallVectored } from '../cpu/interrupts.ts';
import { CTR, LR } from '../cpu/layout.ts';
import { SPR } from '../cpu/spr.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import { bits } from '../isa/index.ts';
import { FACILITY, facilityUnavailable, isAvailable } from './facility.ts';
import type { Special, SpecialHost } from './special-host.ts';
import { atomicSpecials } from './specials-atomic.ts';
import { multipleSpecials } from './specials-multiple.ts';
import { sprSpecials } from './specials-spr.ts';
import { translationSpecials } from './specials-translation.ts';

export function specialTable(s: SpecialHost): ReadonlyMap<string, Special> {
  return new Map<string, Special>([
    ...linkage(s),
    ...sprSpecials(s),
    ...translationSpecials(s),
    ...multipleSpecials(s),
    ...atomicSpecials(s),
  ]);
}

/** MSR bits that software never sets through a return: hypervisor state, and TM, which POWER9 guests here lack. */
const NOT_RETURNED = MSR.HV | MSR.ME;

/** MSR from SRR1 or RS: problem state implies translation and interrupts. */
function effective(value: bigint): bigint {
  return (value & MSR.PR) === 0n ? value : value | MSR.EE | MSR_TRANSLATION;
}

function linkage(s: SpecialHost): [string, Special][] {
  const change = (vcpu: Vcpu, next: bigint, target?: bigint): void => {
    const before = vcpu.msr;
    vcpu.msr = next;
    s.host.msrChanged?.(vcpu, before, target);
    // The scheduler must take over: traced instructions are executed one by one.
    if ((next & (MSR.SE | MSR.BE)) !== 0n) s.requestStop();
  };
  const returnTo = (nia: bigint, status: bigint): number => {
    const vcpu = s.vcpu();
    vcpu.setSpr(SPR.CFAR, vcpu.cia);
    const next = effective((status & ~NOT_RETURNED) | (vcpu.msr & NOT_RETURNED));
    const target = nia & ~3n;
    vcpu.unreturned = 0;
    change(vcpu, next, target);
    vcpu.nia = (next & MSR.SF) === 0n ? target & 0xffffffffn : target;
    return EXIT.special;
  };
  const following = (vcpu: Vcpu): bigint => vcpu.effective(vcpu.cia + 4n);
  /** mtmsr and mtmsrd: `mask` are the bits that the form may change. */
  const moveToMsr = (word: number, mask: bigint): number => {
    const vcpu = s.vcpu();
    const source = vcpu.gpr(bits(word, 6, 10));
    const old = vcpu.msr;
    const allowed = bits(word, 15, 15) === 1 ? MSR.EE | MSR.RI : mask;
    const wanted = bits(word, 15, 15) === 1 ? source : effective(source);
    vcpu.nia = following(vcpu);
    change(vcpu, (old & ~allowed) | (wanted & allowed));
    return EXIT.special;
  };
  const low32 = 0xffffffffn;
  const fixed = MSR.HV | MSR.ME | MSR.LE;
  return [
    ['rfid', () => returnTo(s.vcpu().spr(SPR.SRR0), s.vcpu().spr(SPR.SRR1))],
    ['rfscv', () => returnTo(s.vcpu().get64(LR), s.vcpu().get64(CTR))],
    ['transactional', () => facilityUnavailable(s, FACILITY.transactionalMemory)],
    ['noTarget', () => facilityUnavailable(s, FACILITY.targetRegister)],
    ['hypervisor', () => EXIT.privileged],
    ['mtmsr', (word) => moveToMsr(word, low32 & ~fixed)],
    ['mtmsrd', (word) => moveToMsr(word, ((1n << 64n) - 1n) & ~fixed)],
    [
      'sc',
      (word) => {
        const vcpu = s.vcpu();
        const level = bits(word, 20, 26);
        const next = following(vcpu);
        vcpu.nia = next;
        if (level === 1 && !vcpu.msrHas(MSR_LOW.PR) && s.host.hypercall(vcpu)) return EXIT.special;
        s.host.systemCall?.(vcpu);
        deliver(vcpu, VECTOR.systemCall, next);
        s.host.interruptTaken(vcpu, VECTOR.systemCall, next);
        return EXIT.special;
      },
    ],
    [
      'scv',
      (word) => {
        const vcpu = s.vcpu();
        if (!isAvailable(s, FACILITY.systemCallVectored))
          return facilityUnavailable(s, FACILITY.systemCallVectored);
        s.host.systemCall?.(vcpu);
        deliverSystemCallVectored(vcpu, bits(word, 20, 26), following(vcpu));
        return EXIT.special;
      },
    ],
  ];
}
