/**
 * Atomic memory operations, copy and paste: Power ISA 3.0B, Book II §4.4 and §4.5. DSISR bits as Linux 6.1 names them
 * (arch/powerpc/include/asm/reg.h).
 *
 * Accelerators are not modelled: paste. names none, so it never moves anything, and what copy takes is not kept.
 */

import { EXIT } from '../cpu/exit.ts';
import * as layout from '../cpu/layout.ts';
import { bits } from '../isa/index.ts';
import { DSISR_STORE, highHalf, lowHalf } from '../mmu/contract.ts';
import type { Special, SpecialHost } from './special-host.ts';

type Width = 4 | 8;
/** What is in storage and what the registers after RT hold → what goes to storage, and to RT where it is not the former. */
type Change = { readonly stored: bigint; readonly result?: bigint };
type Operation = (old: bigint, operand: bigint, third: bigint, width: Width) => bigint;

/** DSISR bits 37, 60 and 61. */
const UNCACHED = 0x04000000;
const BAD_COPY_PASTE = 0x8;
const BAD_FUNCTION = 0x4;

/** An aligned block that both operands of one operation lie in. */
const BLOCK = 32n;
const COPY_BLOCK = 128n;

const signed = (value: bigint, width: Width): bigint => BigInt.asIntN(width * 8, value);
const greater = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Functions 0 to 7 of loads and stores alike. */
const COMMON: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  [0, (old, operand) => old + operand],
  [1, (old, operand) => old ^ operand],
  [2, (old, operand) => old | operand],
  [3, (old, operand) => old & operand],
  [4, greater],
  [5, (old, operand, _, width) => greater(signed(old, width), signed(operand, width))],
  [6, smaller],
  [7, (old, operand, _, width) => smaller(signed(old, width), signed(operand, width))],
]);
/** Those of loads alone: swap, compare and swap not equal. */
const LOADS: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  ...COMMON,
  [8, (_, operand) => operand],
  [16, (old, operand, third) => (old === operand ? old : third)],
]);
/** Counting with a bound, which is the neighbour: which side it is on, when the count changes and by what. */
const BOUNDED: ReadonlyMap<
  number,
  { readonly side: 1 | -1; readonly whenEqual: boolean; readonly by: bigint }
> = new Map([
  [24, { side: 1, whenEqual: false, by: 1n }],
  [25, { side: 1, whenEqual: true, by: 1n }],
  [28, { side: -1, whenEqual: false, by: -1n }],
]);
const STORE_TWIN = 24;

export function atomicSpecials(s: SpecialHost): [string, Special][] {
  const littleEndian = (): boolean => s.vcpu().littleEndian;
  const base = (word: number): bigint => (bits(word, 11, 15) === 0 ? 0n : s.vcpu().gpr(bits(word, 11, 15)));
  const get = (at: number, width: Width): bigint =>
    width === 8
      ? s.arena.view.getBigUint64(at, littleEndian())
      : BigInt(s.arena.view.getUint32(at, littleEndian()));
  const put = (at: number, width: Width, value: bigint): void => {
    if (width === 8) s.arena.view.setBigUint64(at, BigInt.asUintN(64, value), littleEndian());
    else s.arena.view.setUint32(at, Number(BigInt.asUintN(32, value)), littleEndian());
  };

  const misaligned = (ea: bigint): number => {
    s.vcpu().set64(layout.HELPER, ea);
    return EXIT.alignment;
  };
  /** A data storage interrupt that translation did not raise. */
  const refuse = (ea: bigint, status: number): number => {
    const { fault } = s.storage;
    const lo = lowHalf(ea);
    const hi = highHalf(ea);
    fault.kind = 'data';
    fault.status = status;
    fault.lo = lo;
    fault.hi = hi;
    return EXIT.fault;
  };

  const load = (word: number, width: Width): number => {
    const vcpu = s.vcpu();
    const ea = s.vcpu().effective(base(word));
    const target = bits(word, 6, 10);
    const fc = bits(word, 16, 20);
    const plain = LOADS.get(fc);
    const bounded = BOUNDED.get(fc);
    if (plain === undefined && bounded === undefined) return refuse(ea, BAD_FUNCTION);
    const neighbour = bounded === undefined ? ea : ea + BigInt(bounded.side * width);
    if (ea % BigInt(width) !== 0n || ea / BLOCK !== neighbour / BLOCK) return misaligned(ea);
    const at = s.storage.resolveWrite(lowHalf(ea), highHalf(ea), width);
    if (at < 0) return EXIT.fault;
    if (at === layout.SCRATCH) return refuse(ea, UNCACHED);
    const old = get(at, width);
    const register = (n: number): bigint => BigInt.asUintN(width * 8, vcpu.gpr((target + n) % 32));
    let change: Change;
    if (plain !== undefined) change = { stored: plain(old, register(1), register(2), width) };
    else {
      const { side, whenEqual, by } = bounded as NonNullable<typeof bounded>;
      const counts = (old === get(at + side * width, width)) === whenEqual;
      change = counts ? { stored: old + by } : { stored: old, result: 1n << BigInt(width * 8 - 1) };
    }
    put(at, width, change.stored);
    vcpu.setGpr(target, change.result ?? old);
    return 0;
  };

  const store = (word: number, width: Width): number => {
    const ea = s.vcpu().effective(base(word));
    const fc = bits(word, 16, 20);
    const plain = COMMON.get(fc);
    if (plain === undefined && fc !== STORE_TWIN) return refuse(ea, BAD_FUNCTION | DSISR_STORE);
    const length = plain === undefined ? 2 * width : width;
    if (ea % BigInt(width) !== 0n || (ea % BLOCK) + BigInt(length) > BLOCK) return misaligned(ea);
    const at = s.storage.resolveWrite(lowHalf(ea), highHalf(ea), length);
    if (at < 0) return EXIT.fault;
    if (at === layout.SCRATCH) return refuse(ea, UNCACHED | DSISR_STORE);
    const source = BigInt.asUintN(width * 8, s.vcpu().gpr(bits(word, 6, 10)));
    const old = get(at, width);
    if (plain !== undefined) put(at, width, plain(old, source, 0n, width));
    else if (old === get(at + width, width)) for (const place of [at, at + width]) put(place, width, source);
    return 0;
  };

  /** The operand of copy and paste., or an exit code: it is readable RAM. */
  const block = (word: number): { readonly ea: bigint; readonly code: number } => {
    const ea = s.vcpu().effective(base(word) + s.vcpu().gpr(bits(word, 16, 20)));
    if (ea % COPY_BLOCK !== 0n) return { ea, code: misaligned(ea) };
    const at = s.storage.resolveRead(lowHalf(ea), highHalf(ea), 1);
    if (at < 0) return { ea, code: EXIT.fault };
    return { ea, code: at === layout.SCRATCH ? refuse(ea, BAD_COPY_PASTE) : 0 };
  };

  return [
    ['lwat', (word) => load(word, 4)],
    ['ldat', (word) => load(word, 8)],
    ['stwat', (word) => store(word, 4)],
    ['stdat', (word) => store(word, 8)],
    [
      'copy',
      (word) => {
        const { code } = block(word);
        if (code === 0) s.vcpu().set32(layout.COPY_BUFFER, 1);
        return code;
      },
    ],
    [
      'paste',
      (word) => {
        const vcpu = s.vcpu();
        // Out of sequence: nothing is moved, and CR0 says so.
        if (vcpu.get32(layout.COPY_BUFFER) === 0) {
          vcpu.set32(layout.CR, vcpu.get32(layout.XER_SO));
          return 0;
        }
        const { ea, code } = block(word);
        if (code !== 0) return code;
        return refuse(ea, BAD_COPY_PASTE | DSISR_STORE);
      },
    ],
    [
      'cpabort',
      () => {
        s.vcpu().set32(layout.COPY_BUFFER, 0);
        return 0;
      },
    ],
  ];
}
