/** Load/store multiple, string and quadword: Power ISA 3.0B, Book I, §3.3.5–3.3.8 and Book II §4.6.2.1. */

import { EXIT } from '../cpu/exit.ts';
import * as layout from '../cpu/layout.ts';
import { bits, isAmong } from '../isa/index.ts';
import { highHalf, lowHalf } from '../mmu/contract.ts';
import type { Special, SpecialHost } from './special-host.ts';

export function multipleSpecials(s: SpecialHost): [string, Special][] {
  const littleEndian = (): boolean => s.vcpu().littleEndian;

  /** An alignment interrupt with the operand's address. */
  const misaligned = (ea: bigint): number => {
    s.vcpu().set64(layout.HELPER, s.vcpu().effective(ea));
    return EXIT.alignment;
  };

  /** Every page is resolved before any byte is moved, so that a fault leaves the instruction without effect. */
  const transfer = (
    ea: bigint,
    length: number,
    write: boolean,
    act: (addresses: readonly number[]) => void,
  ): number => {
    const addresses: number[] = [];
    while (addresses.length < length) {
      const next = s.vcpu().effective(ea + BigInt(addresses.length));
      const lo = lowHalf(next);
      const hi = highHalf(next);
      const run = Math.min(length - addresses.length, 4096 - (lo & 4095));
      const from = write ? s.storage.resolveWrite(lo, hi, run) : s.storage.resolveRead(lo, hi, 1);
      if (from < 0) return EXIT.fault;
      // Device registers are not string storage.
      if (from === layout.SCRATCH) return misaligned(ea);
      for (let i = 0; i < run; i++) addresses.push(from + i);
    }
    act(addresses);
    return 0;
  };
  const base = (word: number): bigint => (bits(word, 11, 15) === 0 ? 0n : s.vcpu().gpr(bits(word, 11, 15)));
  const displacement = (word: number, mask: number): bigint => BigInt(((word & mask) << 16) >> 16);

  const multiple = (word: number, store: boolean): number => {
    const ea = base(word) + displacement(word, 0xffff);
    if (littleEndian()) return misaligned(ea);
    const first = bits(word, 6, 10);
    const vcpu = s.vcpu();
    return transfer(ea, (32 - first) * 4, store, (at) => {
      for (let n = first; n < 32; n++) {
        const from = (n - first) * 4;
        if (store)
          for (let i = 0; i < 4; i++)
            s.arena.bytes[at[from + i] as number] = Number((vcpu.gpr(n) >> BigInt(24 - 8 * i)) & 0xffn);
        else
          vcpu.setGpr(
            n,
            [0, 1, 2, 3].reduce(
              (v, i) => (v << 8n) | BigInt(s.arena.bytes[at[from + i] as number] as number),
              0n,
            ),
          );
      }
    });
  };
  const string = (word: number, length: number, ea: bigint, store: boolean): number => {
    if (littleEndian()) return misaligned(ea);
    const vcpu = s.vcpu();
    const first = bits(word, 6, 10);
    return transfer(ea, length, store, (at) => {
      for (let i = 0; i < length; i++) {
        const register = (first + (i >> 2)) % 32;
        const shift = BigInt(24 - 8 * (i & 3));
        const byte = at[i] as number;
        if (store) s.arena.bytes[byte] = Number((vcpu.gpr(register) >> shift) & 0xffn);
        else {
          const kept = (i & 3) === 0 ? 0n : vcpu.gpr(register);
          vcpu.setGpr(register, kept | (BigInt(s.arena.bytes[byte] as number) << shift));
        }
      }
    });
  };
  const count = (): number => s.vcpu().get32(layout.XER_COUNT) & 127;
  /** An invalid form of lswx: RA or RB is among the registers loaded. */
  const loadsItsAddress = (word: number): boolean =>
    [bits(word, 11, 15), bits(word, 16, 20)].some((register) =>
      isAmong(register, bits(word, 6, 10), Math.ceil(count() / 4)),
    );
  const immediateCount = (word: number): number => bits(word, 16, 20) || 32;
  const indexed = (word: number): bigint => base(word) + s.vcpu().gpr(bits(word, 16, 20));

  /** The pair RT, RT+1: in little-endian order RT holds the more significant doubleword as well. */
  const quad = (word: number, ea: bigint, store: boolean): number => {
    const vcpu = s.vcpu();
    const even = bits(word, 6, 10) & ~1;
    if ((ea & 15n) !== 0n) return misaligned(ea);
    const operand = s.vcpu().effective(ea);
    const lo = lowHalf(operand);
    const hi = highHalf(operand);
    const at = store ? s.storage.resolveWrite(lo, hi, 16) : s.storage.resolveRead(lo, hi, 16);
    if (at < 0) return EXIT.fault;
    if (at === layout.SCRATCH) return misaligned(ea);
    const le = littleEndian();
    const high = le ? at + 8 : at;
    const low = le ? at : at + 8;
    if (store) {
      s.arena.view.setBigUint64(high, vcpu.gpr(even), le);
      s.arena.view.setBigUint64(low, vcpu.gpr(even + 1), le);
    } else {
      const first = s.arena.view.getBigUint64(high, le);
      vcpu.setGpr(even + 1, s.arena.view.getBigUint64(low, le));
      vcpu.setGpr(even, first);
    }
    return 0;
  };
  return [
    ['lmw', (word) => multiple(word, false)],
    ['stmw', (word) => multiple(word, true)],
    ['lswi', (word) => string(word, immediateCount(word), base(word), false)],
    ['stswi', (word) => string(word, immediateCount(word), base(word), true)],
    ['lswx', (word) => (loadsItsAddress(word) ? EXIT.illegal : string(word, count(), indexed(word), false))],
    ['stswx', (word) => string(word, count(), indexed(word), true)],
    ['lq', (word) => quad(word, base(word) + displacement(word, 0xfff0), false)],
    ['stq', (word) => quad(word, base(word) + displacement(word, 0xfffc), true)],
    [
      'lqarx',
      (word) => {
        const operand = s.vcpu().effective(indexed(word));
        const lo = lowHalf(operand);
        const hi = highHalf(operand);
        const code = quad(word, indexed(word), false);
        if (code === 0) s.vcpu().set32(layout.RESERVE, s.storage.resolveRead(lo, hi, 16) & -128);
        return code;
      },
    ],
    [
      'stqcx',
      (word) => {
        const vcpu = s.vcpu();
        if ((indexed(word) & 15n) !== 0n) return misaligned(indexed(word));
        const operand = s.vcpu().effective(indexed(word));
        const lo = lowHalf(operand);
        const hi = highHalf(operand);
        const at = s.storage.resolveWrite(lo, hi, 16);
        if (at < 0) return EXIT.fault;
        const held = vcpu.get32(layout.RESERVE) === (at & -128);
        const code = held ? quad(word, indexed(word), true) : 0;
        if (code !== 0) return code;
        vcpu.set32(layout.RESERVE, -1);
        vcpu.set32(layout.CR, (held ? 2 : 0) | vcpu.get32(layout.XER_SO));
        return 0;
      },
    ],
  ];
}
