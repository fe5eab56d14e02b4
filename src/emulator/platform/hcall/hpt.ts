/**
 * The hashed page table: H_ENTER, H_REMOVE, H_BULK_REMOVE, H_READ, H_PROTECT, H_CLEAR_MOD, H_CLEAR_REF, H_CLEAR_HPT.
 * Source: LoPAR §14.5.4.1; Linux 6.1 arch/powerpc/platforms/pseries/lpar.c (the caller), arch/powerpc/kvm/
 * book3s_hv_rm_mmu.c; QEMU 7.2 hw/ppc/spapr_softmmu.c.
 *
 * Entries are in the form of ISA 2.07 on every processor. A RAM page has to be coherent, cached and whole in RAM; any
 * other page has to be cache-inhibited, whatever lies there. Left out: real addresses by H_READ's translation flag (they
 * are the logical ones), hints about caches and coalescing, which have nothing to do here.
 */

import {
  AVPN_LO,
  frameOf,
  GROUP,
  type HashTable,
  R_CHANGE,
  R_KEY_HI,
  R_KEY_LO,
  R_NO_EXECUTE,
  R_PP,
  R_PP0,
  R_REFERENCE,
  R_WIMG,
  V_VALID,
  WORDS,
} from '../../mmu/hash/table.ts';
import { entrySizes } from '../../mmu/page-sizes.ts';
import type { FirmwareMachine, HcallFamily, HcallHandler, HcallResult } from '../contract/contract.ts';
import { bytesNs } from '../contract/cost.ts';
import { H, status, success } from '../contract/status.ts';
import { arg, family } from './table.ts';

/** Flags, by hypercall argument. */
const EXACT = 1n << 39n;
const READ_4 = 1n << 37n;
const BY_AVPN = 0x80000000n;
const AND_CONDITION = 0x40000000n;
const ZERO_PAGE = 1n << 15n;

const WIMG_MEMORY = 0x10;
const INHIBITED = 0x20;
const WRITE_THROUGH = 0x40;
/** Of a first doubleword: bits that software may not set (QEMU and KVM clear them), and segment sizes that do not exist. */
const V_UNUSED = 0x60;
const V_BAD_SEGMENT = 0x80000000 | 0;

/** H_CLEAR_HPT: entries a call, a megabyte of table. */
const CLEARED_A_CALL = 0x10000;

const ENTRY_BYTES = 16;

const LOW = 0xffffffffn;
const low = (value: bigint): number => Number(value & LOW) | 0;
const high = (value: bigint): number => Number((value >> 32n) & LOW) | 0;
const join = (hi: number, lo: number): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);

/** How taking an entry away ended: what H_BULK_REMOVE answers in two bits. */
type Removal =
  | { readonly code: 0; readonly v: bigint; readonly r: bigint }
  | { readonly code: 1 | 2; readonly v: 0n; readonly r: 0n };
const NOT_FOUND: Removal = { code: 1, v: 0n, r: 0n };
const BAD_INDEX: Removal = { code: 2, v: 0n, r: 0n };

export function hptHcalls(machine: FirmwareMachine, table: HashTable): HcallFamily {
  /** Where the next H_CLEAR_HPT continues. */
  let cleared = 0;
  const indexOf = (ptex: bigint): number => (ptex < BigInt(table.entries) ? Number(ptex) : -1);
  const word = (index: number, n: number): number => table.words[index * WORDS + n] as number;
  const first = (index: number): bigint => join(word(index, 0), word(index, 1));
  const second = (index: number): bigint => join(word(index, 2), word(index, 3));
  const isOther = (index: number, avpn: bigint): boolean =>
    word(index, 0) !== high(avpn) || (word(index, 1) & AVPN_LO) !== low(avpn);

  const remove = (ptex: bigint, flags: bigint, avpn: bigint): Removal => {
    const index = indexOf(ptex);
    if (index < 0) return BAD_INDEX;
    if (!table.isValid(index)) return NOT_FOUND;
    if ((flags & BY_AVPN) !== 0n && isOther(index, avpn)) return NOT_FOUND;
    const v = first(index);
    if ((flags & AND_CONDITION) !== 0n && (v & avpn) !== 0n) return NOT_FOUND;
    const r = second(index);
    table.write(index, 0, 0, 0, 0);
    return { code: 0, v, r };
  };

  /** Changes an entry's second doubleword and answers the old one. */
  const without =
    (bit: number): HcallHandler =>
    (_vcpu, args) => {
      const index = indexOf(arg(args, 1));
      if (index < 0) return status(H.parameter);
      if (!table.isValid(index)) return status(H.notFound);
      const old = second(index);
      table.write(index, word(index, 0), word(index, 1), word(index, 2), word(index, 3) & ~bit);
      return success(old);
    };

  return family({
    H_ENTER: (_vcpu, args) => {
      const flags = arg(args, 0);
      const target = indexOf(arg(args, 1));
      const [vHi, vLo] = [high(arg(args, 2)), low(arg(args, 2))];
      const [rHi, rLo] = [high(arg(args, 3)), low(arg(args, 3))];
      const sizes = entrySizes(vLo, rLo);
      if (target < 0 || sizes === undefined || (vHi & V_BAD_SEGMENT) !== 0) return status(H.parameter);
      const raddr = frameOf(rHi, rLo, sizes.actual);
      const inRam = machine.memory.isRam(raddr, 2 ** sizes.actual);
      if (inRam ? (rLo & R_WIMG) !== WIMG_MEMORY : (rLo & (INHIBITED | WRITE_THROUGH)) !== INHIBITED)
        return status(H.parameter);
      const group = Math.floor(target / GROUP);
      const exact = (flags & EXACT) !== 0n;
      const index = exact ? (table.isValid(target) ? -1 : target) : table.freeIn(group);
      if (index < 0) return status(H.ptegFull);
      if (inRam && (flags & ZERO_PAGE) !== 0n) {
        machine.memory.fill(raddr, 2 ** sizes.actual, 0);
        machine.spend(bytesNs(2 ** sizes.actual));
      }
      table.write(index, vHi, (vLo & ~V_UNUSED) | V_VALID, rHi, rLo);
      return success(BigInt(index));
    },
    H_REMOVE: (_vcpu, args) => {
      const { code, v, r } = remove(arg(args, 1), arg(args, 0), arg(args, 2));
      if (code === 0) return success(v, r);
      return status(code === 1 ? H.notFound : H.parameter);
    },
    H_BULK_REMOVE: (_vcpu, args) => bulkRemove(args, remove),
    H_READ: (_vcpu, args) => {
      const index = indexOf(arg(args, 1));
      if (index < 0) return status(H.parameter);
      if ((arg(args, 0) & READ_4) === 0n) return success(first(index), second(index));
      const from = index & ~3;
      return success(...[0, 1, 2, 3].flatMap((i) => [first(from + i), second(from + i)]));
    },
    H_PROTECT: (_vcpu, args) => {
      const flags = arg(args, 0);
      const index = indexOf(arg(args, 1));
      if (index < 0) return status(H.parameter);
      if (!table.isValid(index)) return status(H.notFound);
      if ((flags & BY_AVPN) !== 0n && isOther(index, arg(args, 2))) return status(H.notFound);
      // PP0 is flag bit 8, the key's upper part bits 12 and 13; the rest stands where the entry has it.
      const given = low(flags);
      const rHi =
        (word(index, 2) & ~(R_PP0 | R_KEY_HI)) | ((given << 23) & R_PP0) | ((given << 16) & R_KEY_HI);
      const mine = R_PP | R_NO_EXECUTE | R_KEY_LO;
      const rLo = (word(index, 3) & ~mine) | (given & mine);
      table.write(index, word(index, 0), word(index, 1), rHi, rLo);
      return status(H.success);
    },
    H_CLEAR_MOD: without(R_CHANGE),
    H_CLEAR_REF: without(R_REFERENCE),
    H_CLEAR_HPT: () => {
      const count = Math.min(CLEARED_A_CALL, table.entries - cleared);
      table.clear(cleared, count);
      machine.spend(bytesNs(count * ENTRY_BYTES));
      machine.flushTlbs();
      cleared += count;
      if (cleared < table.entries) return status(H.continue);
      cleared = 0;
      return status(H.success);
    },
  });
}

/** H_BULK_REMOVE's specifiers: four pairs, each in place of which the answer goes. */
const BULK_TYPE = 3n << 62n;
const BULK_REQUEST = 1n << 62n;
const BULK_RESPONSE = 2n << 62n;
const BULK_END = 3n << 62n;
const BULK_AND_CONDITION = 1n << 56n;
const BULK_BY_AVPN = 1n << 57n;
const BULK_FLAGS = 3n << 56n;
const BULK_INDEX = (1n << 56n) - 1n;
const BULK_PAIRS = 4;
/** From the flags in a specifier to those of H_REMOVE, from a result code and the R and C bits to their places. */
const BULK_FLAG_SHIFT = 26n;
const BULK_CODE_SHIFT = 60n;
const BULK_RC_SHIFT = 51n;

function bulkRemove(
  args: readonly bigint[],
  remove: (ptex: bigint, flags: bigint, avpn: bigint) => Removal,
): HcallResult {
  const answer = args.slice(0, 2 * BULK_PAIRS);
  const ended = (statusValue: number): HcallResult => ({
    kind: 'status',
    status: statusValue,
    returns: answer,
  });
  for (let i = 0; i < BULK_PAIRS; i++) {
    const request = arg(args, 2 * i);
    if ((request & BULK_TYPE) === BULK_END) break;
    if ((request & BULK_TYPE) !== BULK_REQUEST) return ended(H.parameter);
    const kept = (request & (BULK_INDEX | BULK_FLAGS)) | BULK_RESPONSE;
    const both = BULK_AND_CONDITION | BULK_BY_AVPN;
    const removal: Removal =
      (request & both) === both
        ? BAD_INDEX
        : remove(request & BULK_INDEX, (request & BULK_FLAGS) >> BULK_FLAG_SHIFT, arg(args, 2 * i + 1));
    const seen = BigInt(R_REFERENCE | R_CHANGE) & removal.r;
    answer[2 * i] = kept | (BigInt(removal.code) << BULK_CODE_SHIFT) | (seen << BULK_RC_SHIFT);
    if (removal.code === 2) return ended(H.parameter);
  }
  return ended(H.success);
}
