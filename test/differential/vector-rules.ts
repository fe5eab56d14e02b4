/**
 * Where QEMU 7.2 and the book part, or the book leaves a result open, instruction by instruction. exclusions.md gives the
 * reason for each rule by its name.
 */

import type { Row } from '../../src/emulator/isa/index.ts';
import type { Outcome } from './qemu-user.ts';
import type { RandomSource } from './random-source.ts';
import { characters, decimal, singleAsDouble } from './vector-values.ts';

/** Rows that no program contains. */
export const NEVER_RUN: ReadonlySet<string> = new Set([
  'vrldmi',
  'vexptefp',
  'vlogefp',
  'xsnmsubqpo',
  'dst',
  'dstst',
]);

/** What a rule may change before a case runs. */
export type Draft = { word: number; readonly gpr: bigint[]; readonly vsr: bigint[]; fpscr: bigint };
type Prepare = (draft: Draft, random: RandomSource) => void;

const low = (word: number, at: number, width: number, value: number): number => {
  const mask = ((1 << width) - 1) << at;
  return (word & ~mask) | ((value << at) & mask);
};
const registerAt = (word: number, at: number): number => (word >>> at) & 31;

/** Replaces low bits of doubleword 0 of VRA. */
function setLow(draft: Draft, place: number, mask: bigint, value: bigint): void {
  const at = 2 * (32 + registerAt(draft.word, place));
  draft.vsr[at] = ((draft.vsr[at] as bigint) & ~mask) | (value & mask);
}

/** Byte numbers from which an element of `bytes` does not run over the end. */
const byteNumber =
  (bytes: number): Prepare =>
  (draft, random) => {
    draft.word = low(draft.word, 16, 4, random.below(17 - bytes));
  };
const byteIndex =
  (bytes: number): Prepare =>
  (draft, random) => {
    const ra = registerAt(draft.word, 16);
    draft.gpr[ra] = ((draft.gpr[ra] as bigint) & ~15n) | BigInt(random.below(17 - bytes));
  };
/** R and RMC that name a mode other than that of FPSCR. */
const quadMode: Prepare = (draft, random) => {
  const r = random.below(2);
  draft.word = low(low(draft.word, 16, 1, r), 9, 2, r === 0 ? 0 : random.below(4));
};
const toNearestOrZero: Prepare = (draft) => {
  draft.fpscr &= ~2n;
};
const ENABLES = 0xf8n;

const PREPARATIONS: readonly (readonly [RegExp, Prepare])[] = [
  [/^(vextractuh|vinserth)$/, byteNumber(2)],
  [/^(vextractuw|vinsertw|xxextractuw|xxinsertw)$/, byteNumber(4)],
  [/^(vextractd|vinsertd)$/, byteNumber(8)],
  [/^vextuh[lr]x$/, byteIndex(2)],
  [/^vextuw[lr]x$/, byteIndex(4)],
  [/^xsrqp(i|ix|xp)$/, quadMode],
  [/nm(add|sub)/, toNearestOrZero],
  [
    /^mtfsf$/,
    (draft) => {
      const frb = 2 * registerAt(draft.word, 11);
      draft.vsr[frb] = (draft.vsr[frb] as bigint) & ~ENABLES;
    },
  ],
  [
    /^mtfsfi$/,
    (draft, random) => {
      const field = random.pick([0, 1, 2, 3, 4, 5, 7]);
      draft.word = low(low(draft.word, 23, 3, field), 15, 1, 0);
    },
  ],
  [
    /^mtfsb1$/,
    (draft, random) => {
      draft.word = low(draft.word, 21, 5, random.pick([13, 14, 15, 16, 17, 18, 19, 30, 31]));
    },
  ],
  [
    /^mtvscr$/,
    (draft) => {
      const low = 2 * (32 + registerAt(draft.word, 11)) + 1;
      draft.vsr[low] = (draft.vsr[low] as bigint) & 0x00010001n;
    },
  ],
  [
    /^bcds$/,
    (draft, random) => {
      setLow(draft, 16, 0xffn, BigInt(random.below(81) - 40));
    },
  ],
  [
    /^bcdus$/,
    (draft, random) => {
      setLow(draft, 16, 0xffn, BigInt(random.below(72) - 40));
    },
  ],
  [
    /^bcdsr$/,
    (draft, random) => {
      setLow(draft, 16, 0xffn, BigInt(random.below(72) - 31));
    },
  ],
  [
    /^(bcdctsq|bcdcpsgn)$/,
    (draft) => {
      if (registerAt(draft.word, 21) === registerAt(draft.word, 11)) draft.word ^= 1 << 21;
    },
  ],
  [
    /^bcdu?trunc$/,
    (draft, random) => {
      setLow(draft, 16, 0xffffn, BigInt(random.below(40)));
    },
  ],
  [
    /^(bcdus|bcdutrunc|vmul10eu?c?uq)$/,
    (draft, random) => {
      const at = 2 * (32 + registerAt(draft.word, 11)) + 1;
      draft.vsr[at] = ((draft.vsr[at] as bigint) & ~15n) | BigInt(random.below(10));
    },
  ],
  [
    /^(lfdp|stfdp)x?$/,
    (draft) => {
      draft.word &= ~(1 << 21);
    },
  ],
];

/** Applies what {@link PREPARATIONS} say of the row. */
export function prepare(row: Row, draft: Draft, random: RandomSource): void {
  for (const [pattern, change] of PREPARATIONS) if (pattern.test(row.base)) change(draft, random);
}

/** Single-precision arithmetic on doubles: its operands must be singles. */
const SINGLE_ARITHMETIC =
  /^(fn?m?(add|sub)s|fmuls|fdivs|fsqrts|fres|frsqrtes|xs(add|sub|mul|div|sqrt|re|rsqrte)sp|xsn?m(add|sub)[am]sp)$/;

/** 128 doublewords for a row whose operands must not be just anything. */
export function operandsFor(row: Row): ((random: RandomSource) => bigint[]) | undefined {
  if (SINGLE_ARITHMETIC.test(row.base))
    return (random) => Array.from({ length: 128 }, () => singleAsDouble(random));
  if (!/^(bcd|vmul10)/.test(row.base)) return undefined;
  const kind = row.base === 'bcdcfn' ? 'national' : row.base === 'bcdcfz' ? 'zoned' : undefined;
  const one = (random: RandomSource): readonly bigint[] =>
    kind === undefined || random.oneIn(10) ? decimal(random) : characters(random, kind);
  return (random) => Array.from({ length: 64 }, () => one(random)).flat();
}

const OX = 0x10000000n;
const UX = 0x08000000n;
const ZX = 0x04000000n;
const FX = 0x80000000n;
const VX_VXCVI = 0x100n;
const FR = 0x40000n;
const CLASS = 0x10000n;
const FPRF = 0x1f000n;

/** Status bits that are not compared, by row and by what came out. */
function ignoredStatus(row: Row, ours: Outcome): bigint {
  const fpscr = ours.state.fpscr ?? 0n;
  let ignored = FR;
  if (/^xv/.test(row.base) && (fpscr & OX) !== 0n) ignored |= UX;
  if (/^x[sv](re|rsqrte)[sd]p$/.test(row.base)) ignored |= ZX | FX;
  if (/^xvcv.*x[wd]s$/.test(row.base) && (fpscr & VX_VXCVI) !== 0n) ignored |= FPRF;
  if (SINGLE_ARITHMETIC.test(row.base) || /^(frsp|xsrsp|xscv[us]xdsp)$/.test(row.base)) {
    const denormal = (fpscr & FPRF) === 0x14000n || (fpscr & FPRF) === 0x18000n;
    if (denormal) ignored |= CLASS;
  }
  if (/^fres?$/.test(row.base) && (fpscr & ZX) !== 0n) ignored |= FPRF;
  if (row.base === 'fcmpo') ignored |= CLASS;
  if (/^fcfid(u|s|us)$/.test(row.base)) ignored |= FPRF;
  return ignored;
}

const cr6 = (each: Outcome): number => (each.state.cr >>> 4) & 15;
/** CR bits that are not compared. */
function ignoredCondition(row: Row, ours: Outcome): number {
  if (row.base === 'bcdus') return 0xe0;
  if (/^bcd(add|sub)$/.test(row.base) && cr6(ours) === 2) return 0xe0;
  return 0;
}

/** The 128 bits of the target that are compared, as doublewords 0 and 1. */
function comparedTarget(row: Row, ours: Outcome, theirs: Outcome): readonly [bigint, bigint] {
  const all = (1n << 64n) - 1n;
  if (/^bcd/.test(row.base) && ((cr6(ours) & 3) === 1 || cr6(ours) === 2)) return [0n, 0n];
  const invalid = ((theirs.state.fpscr ?? 0n) & VX_VXCVI) !== 0n;
  if (/^xvcv.*x[wd]s$/.test(row.base) && invalid) return [0n, 0n];
  if (/^fctiw/.test(row.base)) return [0xffffffffn, all];
  if (/^(lxs.*x|mtvsr(d|wa|wz))$/.test(row.base)) return [all, 0n];
  if (/^(fres?)$/.test(row.base) && ((ours.state.fpscr ?? 0n) & ZX) !== 0n) return [0n, all];
  return [all, all];
}

/** Whether two outcomes are the same wherever the rules ask. `target` is the VSR that the instruction writes. */
export function agree(ours: Outcome, theirs: Outcome, row: Row, target: number | undefined): boolean {
  const status = ignoredStatus(row, ours);
  const recorded = row.record && /^f/.test(row.base) ? status : 0n;
  const mask = comparedTarget(row, ours, theirs);
  const view = (each: Outcome): readonly (bigint | number)[] => {
    const vsr = (each.state.vsr ?? []).map((value, n) =>
      n >> 1 === target ? value & (mask[n & 1] as bigint) : value,
    );
    const cr = each.state.cr & ~((recorded & FX) === 0n ? 0 : 0x08000000) & ~ignoredCondition(row, ours);
    return [
      ...each.state.gpr,
      ...vsr,
      cr,
      each.state.xer,
      each.state.vscr ?? 0,
      (each.state.fpscr ?? 0n) & ~status,
    ];
  };
  const [a, b] = [view(ours), view(theirs)];
  return a.every((value, i) => value === b[i]) && Buffer.compare(ours.memory, theirs.memory) === 0;
}
