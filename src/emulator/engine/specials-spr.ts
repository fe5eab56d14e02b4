/** Special purpose registers with effects, Power ISA 3.0B, Book III, §4.4 and §6.4, and darn. */

import { EXIT } from '../cpu/exit.ts';
import { MSR_PR } from '../cpu/layout.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import { bits } from '../isa/index.ts';
import * as tlb from '../mmu/tlb.ts';
import type { Special, SpecialHost } from './specials.ts';

/** Nanoseconds to ticks of the 512 MHz timebase, exactly for integers. */
export function timebaseAt(nanoseconds: number): bigint {
  return (BigInt(nanoseconds) * 512n) / 1000n;
}
/** The first nanosecond at which the timebase shows `ticks`. */
export function nanosecondsAt(ticks: bigint): number {
  return Number((ticks * 1000n + 511n) / 512n);
}

/** ibm,dec-bits: width of the large decrementer. */
export const DECREMENTER_BITS = 56;

type Reader = (vcpu: Vcpu) => bigint;
type Writer = (vcpu: Vcpu, value: bigint) => number;

export function decrementerAt(vcpu: Vcpu, timebase: bigint): bigint {
  return BigInt.asIntN(DECREMENTER_BITS, vcpu.decrementerValue - (timebase - vcpu.decrementerSetAt));
}

/** Sets the decrementer and the instant at which it turns negative. */
export function setDecrementer(vcpu: Vcpu, value: bigint, nowNs: number): void {
  const timebase = timebaseAt(nowNs);
  const signed = BigInt.asIntN(DECREMENTER_BITS, value);
  vcpu.decrementerValue = signed;
  vcpu.decrementerSetAt = timebase;
  vcpu.decrementerExpiry = signed < 0n ? nowNs : nanosecondsAt(timebase + signed + 1n);
}

export function sprSpecials(s: SpecialHost): [string, Special][] {
  const timebase = (): bigint => timebaseAt(s.now());
  const users = new Set([1, 3, 8, 9, 13, 136, 259, 268, 269]);
  const readers = new Map<number, Reader>([
    [13, (vcpu) => vcpu.amr],
    [29, (vcpu) => vcpu.amr],
    [61, (vcpu) => vcpu.iamr],
    [22, (vcpu) => decrementerAt(vcpu, timebase())],
    [48, (vcpu) => BigInt(vcpu.pid)],
    [136, (vcpu) => vcpu.spr(152)],
    [259, (vcpu) => vcpu.spr(275)],
    [268, timebase],
    [269, () => timebase() >> 32n],
    [287, () => BigInt(s.host.processorVersion)],
    // PURR and SPURR advance with the vCPU's own instructions, one a nanosecond.
    [308, (vcpu) => timebaseAt(vcpu.instructions)],
    [309, (vcpu) => timebaseAt(vcpu.instructions)],
    [446, (vcpu) => BigInt(s.host.threadNumber(vcpu))],
    [1023, (vcpu) => BigInt(vcpu.hardwareId)],
    [848, (vcpu) => BigInt(vcpu.instructions)],
    [849, timebase],
  ]);
  const flushTranslated = (vcpu: Vcpu): void => {
    for (let context = tlb.CONTEXT_USER; context < tlb.CONTEXTS; context++) vcpu.tlb.flushContext(context);
  };
  const resume = (vcpu: Vcpu): number => {
    vcpu.nia = vcpu.cia + 4n;
    return EXIT.special;
  };
  const setAmr: Writer = (vcpu, value) => {
    vcpu.amr = value;
    return resume(vcpu);
  };
  const writers = new Map<number, Writer>([
    [13, setAmr],
    [29, setAmr],
    [
      61,
      (vcpu, value) => {
        vcpu.iamr = value;
        flushTranslated(vcpu);
        return resume(vcpu);
      },
    ],
    [
      22,
      (vcpu, value) => {
        setDecrementer(vcpu, value, s.now());
        s.requestStop();
        return resume(vcpu);
      },
    ],
    [
      48,
      (vcpu, value) => {
        const pid = Number(value & 0xfffffn);
        if (pid !== vcpu.pid) flushTranslated(vcpu);
        vcpu.pid = pid;
        return resume(vcpu);
      },
    ],
    [
      152,
      (vcpu, value) => {
        vcpu.setSpr(152, value & 1n);
        return 0;
      },
    ],
  ]);
  const number = (word: number): number => (bits(word, 16, 20) << 5) | bits(word, 11, 15);
  const where = (vcpu: Vcpu): string => `0x${vcpu.cia.toString(16).padStart(16, '0')}`;
  /** A register that is not there: Book III §4.4.4. The first is reported; in privileged state nothing happens. */
  const absent = (vcpu: Vcpu, spr: number, mnemonic: string): number => {
    const problem = vcpu.get32(MSR_PR) !== 0;
    s.host.unsupported({ kind: 'spr', key: `${mnemonic} ${spr}`, where: where(vcpu) });
    if (problem) return (spr & 0x10) !== 0 ? EXIT.privileged : EXIT.illegal;
    return spr === 0 || (spr >= 4 && spr <= 6) ? EXIT.illegal : 0;
  };
  const denied = (vcpu: Vcpu, spr: number): boolean => vcpu.get32(MSR_PR) !== 0 && !users.has(spr);
  return [
    [
      'mfspr',
      (word) => {
        const vcpu = s.vcpu();
        const spr = number(word);
        const read = readers.get(spr);
        if (read === undefined) return absent(vcpu, spr, 'mfspr');
        if (denied(vcpu, spr)) return EXIT.privileged;
        vcpu.setGpr(bits(word, 6, 10), read(vcpu));
        return 0;
      },
    ],
    [
      'mtspr',
      (word) => {
        const vcpu = s.vcpu();
        const spr = number(word);
        const write = writers.get(spr);
        if (write === undefined) return absent(vcpu, spr, 'mtspr');
        if (denied(vcpu, spr)) return EXIT.privileged;
        return write(vcpu, vcpu.gpr(bits(word, 6, 10)));
      },
    ],
    [
      'darn',
      (word) => {
        const vcpu = s.vcpu();
        const view = new DataView(s.host.randomBytes(8).buffer);
        const format = bits(word, 14, 15);
        const value = view.getBigUint64(0, true);
        vcpu.setGpr(
          bits(word, 6, 10),
          format === 0 ? value & 0xffffffffn : format === 3 ? (1n << 64n) - 1n : value,
        );
        return 0;
      },
    ],
  ];
}
