/** Special purpose registers with effects, Power ISA 3.0B, Book III, §4.4 and §6.4, and darn. */

import { hex64 } from '../../base/hex.ts';
import { EXIT } from '../cpu/exit.ts';
import { MSR_PR } from '../cpu/layout.ts';
import { processorModel } from '../cpu/processor.ts';
import { nanosecondsAt, timebaseAt } from '../cpu/timebase.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import { bits } from '../isa/index.ts';
import type { Special, SpecialHost } from './special-host.ts';

const XER = 1;
const UAMOR = 157;
const ALL_KEYS = (1n << 64n) - 1n;

type Reader = (vcpu: Vcpu) => bigint;
type Writer = (vcpu: Vcpu, value: bigint) => number;

/** The decrementer of `bits` bits as it is read: sign-extended where it is a large one. */
export function decrementerAt(vcpu: Vcpu, timebase: bigint, bits: number): bigint {
  const value = vcpu.decrementerValue - (timebase - vcpu.decrementerSetAt);
  return bits > 32 ? BigInt.asIntN(bits, value) : BigInt.asUintN(32, value);
}

/**
 * Sets the decrementer of `bits` bits and the instant at which it turns negative. That it turns positive again, unread
 * for a whole turn, is left out: the interrupt stays.
 */
export function setDecrementer(vcpu: Vcpu, value: bigint, nowNs: number, bits: number): void {
  const timebase = timebaseAt(nowNs);
  const signed = BigInt.asIntN(bits, value);
  vcpu.decrementerValue = signed;
  vcpu.decrementerSetAt = timebase;
  vcpu.decrementerExpiry = signed < 0n ? nowNs : nanosecondsAt(timebase + signed + 1n);
}

export function sprSpecials(s: SpecialHost): [string, Special][] {
  const timebase = (): bigint => timebaseAt(s.now());
  const users = new Set([1, 3, 8, 9, 13, 136, 259, 268, 269]);
  const model = processorModel(s.host.processorVersion);
  const readers = new Map<number, Reader>([
    [13, (vcpu) => vcpu.amr],
    [29, (vcpu) => vcpu.amr],
    [61, (vcpu) => vcpu.iamr],
    [22, (vcpu) => decrementerAt(vcpu, timebase(), model.decrementerBits)],
    [XER, (vcpu) => BigInt(vcpu.xer)],
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
    vcpu.tlb.flushTranslated();
  };
  const resume = (vcpu: Vcpu): number => {
    vcpu.nia = vcpu.cia + 4n;
    return EXIT.special;
  };
  /** In problem state only what UAMOR gives to programs. Hash keeps no translations by key, so those made by the old ones go. */
  const setAmr: Writer = (vcpu, value) => {
    const mask = vcpu.get32(MSR_PR) === 0 ? ALL_KEYS : vcpu.spr(UAMOR);
    const next = (vcpu.amr & ~mask) | (value & mask);
    if (s.storage.mmu.kind === 'hash' && next !== vcpu.amr) flushTranslated(vcpu);
    vcpu.amr = next;
    return resume(vcpu);
  };
  const writers = new Map<number, Writer>([
    [13, setAmr],
    [29, setAmr],
    [
      XER,
      (vcpu, value) => {
        vcpu.xer = Number(value & 0xffffffffn);
        return 0;
      },
    ],
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
        setDecrementer(vcpu, value, s.now(), model.decrementerBits);
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
  /** A register that is not there: Book III §4.4.4. The first is reported; in privileged state nothing happens. */
  const absent = (vcpu: Vcpu, spr: number, mnemonic: string): number => {
    const problem = vcpu.get32(MSR_PR) !== 0;
    s.host.unsupported({ kind: 'spr', key: `${mnemonic} ${spr}`, where: hex64(vcpu.cia) });
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
