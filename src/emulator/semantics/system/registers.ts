/**
 * Moves of special purpose registers and of MSR: Power ISA 3.0B, Book I §3.3.17, Book III §4.4.4 and Book II §6.2.
 *
 *     mfspr mftb  RT ← SPR(n); 32-bit registers: EXTZ
 *     mtspr       SPR(n) ← (RS), or its low word
 *     mfmsr       RT ← MSR
 *     attn        the program ends (not in the book: POWER processors have it for their service processor)
 *
 * cpu/spr.ts says which registers exist and who may access them. A special handler moves those that have an effect.
 */

import { TIMEBASE_HZ } from '../../../base/power.ts';
import { MSR, XER_COUNT } from '../../cpu/layout.ts';
import {
  guestMay,
  type SprKey,
  type SprKeysOf,
  type SprRow,
  sprOffset,
  sprRow,
  type WritableSprKeysOf,
} from '../../cpu/spr.ts';
import { type I32, type I64, i32, i32c, i64, i64c } from '../../wasm/index.ts';
import type { Ops, Semantics } from '../ops/ops.ts';
import { privileged } from './specials.ts';

/** TB. Its rate in lowest terms is 64 ticks in 125 ns: a shift and a division. */
const NS_PER_64_TICKS = (64 * 1e9) / TIMEBASE_HZ;
function timebase(o: Ops): I64 {
  return i64.divU(i64.shl(o.now(), i64c(6)), i64c(NS_PER_64_TICKS));
}

function readXer(o: Ops): void {
  const bit = (name: 'SO' | 'OV' | 'CA' | 'OV32' | 'CA32', at: number): I32 => i32.shl(o.xer(name), i32c(at));
  const word = [
    bit('SO', 31),
    bit('OV', 30),
    bit('CA', 29),
    bit('OV32', 19),
    bit('CA32', 18),
    o.xerCount(),
  ].reduce((a, b) => i32.or(a, b));
  o.setGpr('RT', i64.extendU(word));
}

function writeXer(o: Ops): void {
  const word = o.let(i32.wrap(o.gpr('RS')));
  const bit = (at: number): I32 => i32.and(i32.shrU(word, i32c(at)), i32c(1));
  o.setXer('SO', bit(31));
  o.setXer('OV', bit(30));
  o.setXer('CA', bit(29));
  o.setXer('OV32', bit(19));
  o.setXer('CA32', bit(18));
  o.setState32(XER_COUNT, i32.and(word, i32c(0x3ffff)));
}

/** What mfspr does for the registers that handlers compute. */
const COMPILED_READS: Readonly<Record<SprKeysOf<'compiled'>, Semantics>> = {
  XER: readXer,
  LR: (o) => o.setGpr('RT', o.lr()),
  CTR: (o) => o.setGpr('RT', o.ctr()),
  TB: (o) => o.setGpr('RT', timebase(o)),
};
const COMPILED_WRITES: Readonly<Record<WritableSprKeysOf<'compiled'>, Semantics>> = {
  XER: writeXer,
  LR: (o) => o.setLr(o.gpr('RS')),
  CTR: (o) => o.setCtr(o.gpr('RS')),
};

/** Read of an SPR whose number is known while code is made; the special handler does the others. */
function moveFrom(o: Ops): void {
  const row = knownSpr(o);
  const compiled = row === undefined ? undefined : compiledOf(COMPILED_READS, row);
  if (compiled !== undefined) {
    compiled(o);
    return;
  }
  const place = row === undefined || !guestMay(row.reads) ? undefined : sprOffset(row.number);
  if (row === undefined || place === undefined) {
    o.special('mfspr');
    return;
  }
  if (row.reads === 'privileged') privileged(o);
  o.setGpr('RT', o.state64(place));
}

/** As {@link moveFrom}, to the register: as many bits as it has. */
function moveTo(o: Ops): void {
  const row = knownSpr(o);
  const compiled = row === undefined ? undefined : compiledOf(COMPILED_WRITES, row);
  if (compiled !== undefined) {
    compiled(o);
    return;
  }
  const place = row === undefined || !guestMay(row.writes) ? undefined : sprOffset(row.number);
  if (row === undefined || place === undefined) {
    o.special('mtspr');
    return;
  }
  if (row.writes === 'privileged') privileged(o);
  const value = o.gpr('RS');
  o.setState64(place, row.width === 32 ? i64.and(value, i64c(0xffffffffn)) : value);
}

function knownSpr(o: Ops): SprRow | undefined {
  const number = o.known('SPR');
  return number === undefined ? undefined : sprRow(number);
}

function compiledOf(table: Partial<Readonly<Record<SprKey, Semantics>>>, row: SprRow): Semantics | undefined {
  return table[row.key];
}

export const SYSTEM: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ['mfspr', moveFrom],
  ['mtspr', moveTo],
  ['mftb', moveFrom],
  [
    'mfmsr',
    (o) => {
      privileged(o);
      o.setGpr('RT', o.state64(MSR));
    },
  ],
  ['attn', (o) => o.trap('attn')],
]);
