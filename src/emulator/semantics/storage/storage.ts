/**
 * Storage access and synchronization: Power ISA 3.0B, Book I §3.3.2–3.3.7 and Book II §4.3, §4.6.
 *
 *     ea               (RA|0) + EXTS(D), or + (RB) in x forms; u forms: RA ← ea as well
 *     lbz lhz lwz ld   RT ← EXTZ(MEM(ea, n)), n = 1, 2, 4, 8; lha, lwa: EXTS
 *     stb sth stw std  MEM(ea, n) ← the low n bytes of (RS)
 *     lhbrx … stdbrx   the same with the bytes in the other order
 *     lbarx … ldarx    RESERVE ← the 128 bytes around ea; RT ← EXTZ(MEM(ea, n)); ea must be aligned
 *     stbcx. … stdcx.  if RESERVE holds ea: MEM(ea, n) ← (RS); CR0 ← 0 ‖ 0 ‖ stored ‖ SO; RESERVE ← none
 *     dcbz             the 128 bytes around ea ← 0
 *
 * The special handlers have the multiple, string, quadword and atomic forms.
 */

import { type I64, i32, i32c, i64, i64c } from '../../wasm/index.ts';
import { type Address, displaced, indexed } from '../ops/address.ts';
import type { LoadKind, Ops, Semantics, StoreWidth } from '../ops/ops.ts';

/** The four addressing forms of one load or store: D (or DS), X, and each with update. */
function forms(
  names: { readonly d?: string; readonly x: string; readonly u?: string; readonly ux?: string },
  displacement: string,
  access: (o: Ops, ea: I64) => void,
): [string, Semantics][] {
  const out: [string, Semantics][] = [[names.x, (o) => access(o, indexed('RA0')(o))]];
  const updating =
    (address: Address): Semantics =>
    (o) => {
      const ea = o.let(address(o));
      access(o, ea);
      o.setGpr('RA', ea);
    };
  if (names.d !== undefined) out.push([names.d, (o) => access(o, displaced('RA0', displacement)(o))]);
  if (names.u !== undefined) out.push([names.u, updating(displaced('RA', displacement))]);
  if (names.ux !== undefined) out.push([names.ux, updating(indexed('RA'))]);
  return out;
}

function loads(stem: string, kind: LoadKind, displacement = 'D'): [string, Semantics][] {
  // An update form with RA = RT is invalid; RT is written first so that RA wins, as POWER9 does. There is no lwau.
  const names = { d: stem, x: `${stem}x`, ux: `${stem}ux`, ...(stem === 'lwa' ? {} : { u: `${stem}u` }) };
  return forms(names, displacement, (o, ea) => o.setGpr('RT', o.load(kind, ea)));
}
function stores(stem: string, width: StoreWidth, displacement = 'D'): [string, Semantics][] {
  return forms({ d: stem, x: `${stem}x`, u: `${stem}u`, ux: `${stem}ux` }, displacement, (o, ea) =>
    o.store(width, ea, o.gpr('RS')),
  );
}

const reversedLoad =
  (kind: LoadKind): Semantics =>
  (o) =>
    o.setGpr('RT', o.load(kind, indexed('RA0')(o), true));
const reversedStore =
  (width: StoreWidth): Semantics =>
  (o) =>
    o.store(width, indexed('RA0')(o), o.gpr('RS'), true);

const reserve =
  (kind: 'u8' | 'u16' | 'u32' | 'u64'): Semantics =>
  (o) =>
    o.setGpr('RT', o.loadReserve(kind, indexed('RA0')(o)));
const conditional =
  (width: StoreWidth): Semantics =>
  (o) => {
    const stored = o.let(o.storeConditional(width, indexed('RA0')(o), o.gpr('RS')));
    o.setCrField(0, i32.or(i32.shl(stored, i32c(1)), o.xer('SO')));
  };

const nothing: Semantics = () => undefined;

/**
 * Cache hints and block flushes touch no state here: the machine is coherent and icbi needs nothing, because
 * stores to translated code are seen as they happen.
 */
const hints = ['icbi', 'icbt', 'dcbt', 'dcbtst', 'dcbst', 'dcbf', 'isync', 'sync', 'eieio', 'wait'];

export const STORAGE: ReadonlyMap<string, Semantics> = new Map<string, Semantics>([
  ...loads('lbz', 'u8'),
  ...loads('lhz', 'u16'),
  ...loads('lha', 's16'),
  ...loads('lwz', 'u32'),
  ...loads('lwa', 's32', 'DS'),
  ...loads('ld', 'u64', 'DS'),
  ...stores('stb', 8),
  ...stores('sth', 16),
  ...stores('stw', 32),
  ...stores('std', 64, 'DS'),
  ['lhbrx', reversedLoad('u16')],
  ['lwbrx', reversedLoad('u32')],
  ['ldbrx', reversedLoad('u64')],
  ['sthbrx', reversedStore(16)],
  ['stwbrx', reversedStore(32)],
  ['stdbrx', reversedStore(64)],
  ['lbarx', reserve('u8')],
  ['lharx', reserve('u16')],
  ['lwarx', reserve('u32')],
  ['ldarx', reserve('u64')],
  ['stbcx', conditional(8)],
  ['sthcx', conditional(16)],
  ['stwcx', conditional(32)],
  ['stdcx', conditional(64)],
  ['dcbz', (o) => o.zeroBlock(i64.and(indexed('RA0')(o), i64c(-128n)))],
  ...hints.map((name): [string, Semantics] => [name, nothing]),
]);
