/** System registers and linkage: Power ISA 3.0B, Book III. What changes the machine's state is the host's part (`special`). */

import { TIMEBASE_HZ } from '../../base/power.ts';
import { MSR, MSR_PR, PLAIN_SPRS, sprOffset, XER_COUNT } from '../cpu/layout.ts';
import { type I32, type I64, i32, i32c, i64, i64c } from '../wasm/index.ts';
import type { Ops, Semantics } from './ops.ts';
import { PRIVILEGED_SPECIALS } from './specials.ts';

/** TB, readable in every state. Its rate in lowest terms is 64 ticks in 125 ns: a shift and a division. */
const TIMEBASE = 268;
const NS_PER_64_TICKS = (64 * 1e9) / TIMEBASE_HZ;
function timebase(o: Ops): I64 {
  return i64.divU(i64.shl(o.now(), i64c(6)), i64c(NS_PER_64_TICKS));
}

/** Problem state gets a program interrupt. */
function privileged(o: Ops): void {
  o.trapIf('privileged', o.state32(MSR_PR));
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

/** Read and write of an SPR whose number is known while code is made. */
function moveFrom(o: Ops): void {
  const spr = o.known('SPR');
  if (spr === 8) {
    o.setGpr('RT', o.lr());
    return;
  }
  if (spr === 9) {
    o.setGpr('RT', o.ctr());
    return;
  }
  if (spr === 1) {
    readXer(o);
    return;
  }
  if (spr === TIMEBASE) {
    o.setGpr('RT', timebase(o));
    return;
  }
  const plain = spr === undefined ? undefined : PLAIN_SPRS.get(spr);
  if (spr === undefined || plain === undefined) {
    o.special('mfspr');
    return;
  }
  if (plain.user !== true) privileged(o);
  o.setGpr('RT', o.state64(sprOffset(spr) as number));
}

function moveTo(o: Ops): void {
  const spr = o.known('SPR');
  if (spr === 8) {
    o.setLr(o.gpr('RS'));
    return;
  }
  if (spr === 9) {
    o.setCtr(o.gpr('RS'));
    return;
  }
  if (spr === 1) {
    writeXer(o);
    return;
  }
  const plain = spr === undefined ? undefined : PLAIN_SPRS.get(spr);
  if (spr === undefined || plain === undefined) {
    o.special('mtspr');
    return;
  }
  if (plain.user !== true) privileged(o);
  const value = o.gpr('RS');
  o.setState64(sprOffset(spr) as number, plain.mask === undefined ? value : i64.and(value, i64c(plain.mask)));
}

const special =
  (name: string): Semantics =>
  (o) =>
    o.special(name);
const hostPrivileged = (name: string): [string, Semantics] => [
  name,
  (o) => {
    privileged(o);
    o.special(name);
  },
];

export const SYSTEM: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ['mfspr', moveFrom],
  ['mtspr', moveTo],
  ['mftb', moveFrom],
  ['sc', special('sc')],
  ['scv', special('scv')],
  [
    'mfmsr',
    (o) => {
      privileged(o);
      o.setGpr('RT', o.state64(MSR));
    },
  ],
  ...PRIVILEGED_SPECIALS.map(hostPrivileged),
  ['attn', (o) => o.trap('attn')],
]);
