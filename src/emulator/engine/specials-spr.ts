/** Special purpose registers with effects, Power ISA 3.0B, Book III, §4.4 and §6.4, and darn. */

import { hex64 } from '../../base/hex.ts';
import { EXIT } from '../cpu/exit.ts';
import { MSR_PR, TAR } from '../cpu/layout.ts';
import { processorModel } from '../cpu/processor.ts';
import {
  SPR,
  type SprKey,
  type SprKeysOf,
  type SprRow,
  type SprState,
  sprRow,
  type WritableSprKeysOf,
} from '../cpu/spr.ts';
import { nanosecondsAt, timebaseAt } from '../cpu/timebase.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import { bits } from '../isa/index.ts';
import { FACILITY, facilityUnavailable } from './facility.ts';
import type { Special, SpecialHost } from './special-host.ts';
import {
  eventBasedBranches,
  offered,
  performanceMonitor,
  type Reader,
  type Writer,
} from './specials-spr-programs.ts';

const ALL_KEYS = (1n << 64n) - 1n;
const LOW_WORD = 0xffff_ffffn;
/** The bits of PIDR that exist. */
const PID = 0xfffffn;
/** Numbers with this bit (the most significant of the encoding's second half) are of privileged registers. */
const PRIVILEGED_NUMBER = 0x10;
/** Reserved numbers that do nothing in any state. */
const RESERVED: ReadonlySet<number> = new Set([808, 809, 810, 811]);
/** Numbers that are illegal in privileged state as well. */
const NEVER_AN_SPR: ReadonlySet<number> = new Set([0, 4, 5, 6]);

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
  const model = processorModel(s.host.processorVersion);
  const events = eventBasedBranches(s);
  const monitor = performanceMonitor(s);
  const readers: Readonly<Record<SprKeysOf<'special'> | 'XER', Reader>> = {
    AMR_USER: (vcpu) => vcpu.amr,
    AMR: (vcpu) => vcpu.amr,
    IAMR: (vcpu) => vcpu.iamr,
    DEC: (vcpu) => decrementerAt(vcpu, timebase(), model.decrementerBits),
    XER: (vcpu) => BigInt(vcpu.xer),
    PIDR: (vcpu) => BigInt(vcpu.pid),
    TBU: () => timebase() >> 32n,
    PVR: () => BigInt(s.host.processorVersion),
    // PURR and SPURR advance with the vCPU's own instructions, one a nanosecond.
    PURR: (vcpu) => timebaseAt(vcpu.instructions),
    SPURR: (vcpu) => timebaseAt(vcpu.instructions),
    TIR: (vcpu) => BigInt(s.host.threadNumber(vcpu)),
    PIR: (vcpu) => BigInt(vcpu.hardwareId),
    IC: (vcpu) => BigInt(vcpu.instructions),
    VTB: timebase,
    DPDES: (vcpu) => (vcpu.doorbell ? 1n << BigInt(s.host.threadNumber(vcpu)) : 0n),
    PPR32: (vcpu) => vcpu.spr(SPR.PPR) >> 32n,
    // Where branches find it.
    TAR: (vcpu) => offered(s, vcpu, FACILITY.targetRegister) ?? vcpu.get64(TAR),
    DSCR_USER: (vcpu) => offered(s, vcpu, FACILITY.dscr) ?? vcpu.spr(SPR.DSCR),
    ...events.readers,
    ...monitor.readers,
  };
  const flushTranslated = (vcpu: Vcpu): void => {
    vcpu.tlb.flushTranslated();
  };
  const resume = (vcpu: Vcpu): number => {
    vcpu.nia = vcpu.cia + 4n;
    return EXIT.special;
  };
  /** In problem state only what UAMOR gives to programs. Hash keeps no translations by key, so those made by the old ones go. */
  const setAmr: Writer = (vcpu, value) => {
    const mask = vcpu.get32(MSR_PR) === 0 ? ALL_KEYS : vcpu.spr(SPR.UAMOR);
    const next = (vcpu.amr & ~mask) | (value & mask);
    if (s.storage.mmu.kind === 'hash' && next !== vcpu.amr) flushTranslated(vcpu);
    vcpu.amr = next;
    return resume(vcpu);
  };
  const writers: Readonly<Record<WritableSprKeysOf<'special'> | 'XER', Writer>> = {
    AMR_USER: setAmr,
    AMR: setAmr,
    XER: (vcpu, value) => {
      vcpu.xer = Number(value & 0xffffffffn);
      return 0;
    },
    IAMR: (vcpu, value) => {
      vcpu.iamr = value;
      flushTranslated(vcpu);
      return resume(vcpu);
    },
    DEC: (vcpu, value) => {
      setDecrementer(vcpu, value, s.now(), model.decrementerBits);
      s.requestStop();
      return resume(vcpu);
    },
    PIDR: (vcpu, value) => {
      const pid = Number(value & PID);
      // What the kernel has translated by its own tree, that of process 0, stays. Hash does not ask for the process.
      if (pid !== vcpu.pid && s.storage.mmu.kind === 'radix') vcpu.tlb.flushPrograms();
      vcpu.pid = pid;
      return resume(vcpu);
    },
    PPR32: (vcpu, value) => {
      vcpu.setSpr(SPR.PPR, (vcpu.spr(SPR.PPR) & LOW_WORD) | (value << 32n));
      return 0;
    },
    TAR: (vcpu, value) => {
      const refused = offered(s, vcpu, FACILITY.targetRegister);
      if (refused !== undefined) return refused;
      vcpu.set64(TAR, value);
      return 0;
    },
    DSCR_USER: (vcpu, value) => {
      const refused = offered(s, vcpu, FACILITY.dscr);
      if (refused !== undefined) return refused;
      vcpu.setSpr(SPR.DSCR, value);
      return 0;
    },
    ...events.writers,
    ...monitor.writers,
  };
  const number = (word: number): number => (bits(word, 16, 20) << 5) | bits(word, 11, 15);
  /**
   * A register that is not there, or that no state of a guest may access: Book III §4.4.4. It is reported; in privileged
   * state nothing happens.
   */
  const absent = (vcpu: Vcpu, spr: number, mnemonic: string): number => {
    if (RESERVED.has(spr)) return 0;
    if (sprRow(spr)?.kind === 'unavailable') return facilityUnavailable(s, FACILITY.transactionalMemory);
    const problem = vcpu.get32(MSR_PR) !== 0;
    const name = sprRow(spr)?.name;
    s.host.unsupported({
      kind: 'spr',
      key: `${mnemonic} ${spr}`,
      where: hex64(vcpu.cia),
      ...(name === undefined ? {} : { detail: name }),
    });
    if (problem) return (spr & PRIVILEGED_NUMBER) !== 0 ? EXIT.privileged : EXIT.illegal;
    return NEVER_AN_SPR.has(spr) ? EXIT.illegal : 0;
  };
  const denied = (vcpu: Vcpu, state: SprState): boolean => state !== 'problem' && vcpu.get32(MSR_PR) !== 0;
  return [
    [
      'mfspr',
      (word) => {
        const vcpu = s.vcpu();
        const row = sprRow(number(word));
        const read = row === undefined ? undefined : of(readers, row);
        if (row === undefined || read === undefined) return absent(vcpu, number(word), 'mfspr');
        if (denied(vcpu, row.reads)) return EXIT.privileged;
        const value = read(vcpu);
        if (typeof value === 'number') return value;
        vcpu.setGpr(bits(word, 6, 10), value);
        return 0;
      },
    ],
    [
      'mtspr',
      (word) => {
        const vcpu = s.vcpu();
        const row = sprRow(number(word));
        const write = row === undefined ? undefined : of(writers, row);
        if (row === undefined || write === undefined) return absent(vcpu, number(word), 'mtspr');
        if (denied(vcpu, row.writes)) return EXIT.privileged;
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

function of<T>(table: Partial<Readonly<Record<SprKey, T>>>, row: SprRow): T | undefined {
  return table[row.key];
}
