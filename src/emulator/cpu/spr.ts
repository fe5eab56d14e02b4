/**
 * The special purpose registers, in one table: the interpreter's handlers, the register block, the special handlers of
 * mfspr and mtspr, reports of accesses to registers that the machine lacks, and docs/spr.md are drawn from it.
 * Source: Power ISA 3.0B, Book III §4.4.4, the figure of SPR encodings, and the sections that the rows name.
 */

import type { Isa } from '../isa/index.ts';
import { SPR_BASE } from './layout.ts';

/** The least privileged state that may access a register; `-`: no state may. */
export type SprState = 'problem' | 'privileged' | 'hypervisor' | '-';

/**
 * Where a register's value comes from.
 * - `plain`: a doubleword of the register block, which keeps what was written and has no effect;
 * - `alias`: another number of a plain register, with rights of its own; the key is the register's and `_USER`;
 * - `compiled`: a handler's own code (XER is split into bits, TB is the clock);
 * - `special`: a special handler in TypeScript (engine/specials-spr.ts);
 * - `unavailable`: of a facility that no MSR of this machine switches on: facility unavailable interrupt;
 * - `absent`: known by name only. Access is reported and does what it does for a number that no register has.
 */
export type SprKind = 'plain' | 'alias' | 'compiled' | 'special' | 'unavailable' | 'absent';

/** Number, width, who reads, who writes, kind, the processors that have it, section; where this machine differs, how. */
type Columns = readonly [number, 32 | 64, SprState, SprState, SprKind, 'all' | Isa, string, string?];

const TABLE = {
  XER: [1, 64, 'problem', 'problem', 'compiled', 'all', 'I 3.2.2'],
  DSCR_USER: [3, 64, 'problem', 'problem', 'special', 'all', 'III 4.4.4'],
  LR: [8, 64, 'problem', 'problem', 'compiled', 'all', 'I 2.3.2'],
  CTR: [9, 64, 'problem', 'problem', 'compiled', 'all', 'I 2.3.3'],
  AMR_USER: [13, 64, 'problem', 'problem', 'special', 'all', 'III 5.7'],
  DSCR: [17, 64, 'privileged', 'privileged', 'plain', 'all', 'III 4.4.4'],
  DSISR: [18, 32, 'privileged', 'privileged', 'plain', 'all', 'III 6.2'],
  DAR: [19, 64, 'privileged', 'privileged', 'plain', 'all', 'III 6.2'],
  DEC: [22, 64, 'privileged', 'privileged', 'special', 'all', 'III 7'],
  SRR0: [26, 64, 'privileged', 'privileged', 'plain', 'all', 'III 6.2'],
  SRR1: [27, 64, 'privileged', 'privileged', 'plain', 'all', 'III 6.2'],
  CFAR: [28, 64, 'privileged', 'privileged', 'plain', 'all', 'III 4.4.4'],
  AMR: [29, 64, 'privileged', 'privileged', 'special', 'all', 'III 5.7'],
  ACOP: [31, 64, 'privileged', 'privileged', 'plain', '2.07', '–', 'of POWER8 itself'],
  PIDR: [48, 32, 'privileged', 'privileged', 'special', 'all', 'III 5.7', 'POWER8 has it as well'],
  IAMR: [61, 64, 'privileged', 'privileged', 'special', 'all', 'III 5.7'],
  TFHAR: [128, 64, 'problem', 'problem', 'unavailable', 'all', 'II 5'],
  TFIAR: [129, 64, 'problem', 'problem', 'unavailable', 'all', 'II 5'],
  TEXASR: [130, 64, 'problem', 'problem', 'unavailable', 'all', 'II 5'],
  TEXASRU: [131, 32, 'problem', 'problem', 'unavailable', 'all', 'II 5'],
  CTRL_USER: [136, 32, 'problem', '-', 'alias', 'all', 'III 4.3'],
  TIDR: [144, 64, 'privileged', 'privileged', 'plain', '3.0', 'III 4.3'],
  CTRL: [152, 32, '-', 'privileged', 'plain', 'all', 'III 4.3'],
  FSCR: [153, 64, 'privileged', 'privileged', 'plain', 'all', 'III 6.2'],
  UAMOR: [157, 64, 'privileged', 'privileged', 'plain', 'all', 'III 5.7'],
  PSPB: [159, 32, 'privileged', 'privileged', 'plain', 'all', 'III 4.3'],
  DPDES: [176, 64, 'privileged', 'hypervisor', 'special', 'all', 'III 4.4.4', 'of the own thread alone'],
  DAWR: [180, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 8'],
  RPR: [186, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 4.4.4'],
  CIABR: [187, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 8.3', 'set by H_SET_MODE'],
  DAWRX: [188, 32, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 8'],
  HFSCR: [190, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 6.2'],
  VRSAVE: [256, 32, 'problem', 'problem', 'plain', 'all', 'I 3.2'],
  SPRG3_USER: [259, 64, 'problem', '-', 'alias', 'all', 'III 4.3'],
  TB: [268, 64, 'problem', '-', 'compiled', 'all', 'II 6.1'],
  TBU: [269, 32, 'problem', '-', 'special', 'all', 'II 6.1'],
  SPRG0: [272, 64, 'privileged', 'privileged', 'plain', 'all', 'III 4.3'],
  SPRG1: [273, 64, 'privileged', 'privileged', 'plain', 'all', 'III 4.3'],
  SPRG2: [274, 64, 'privileged', 'privileged', 'plain', 'all', 'III 4.3'],
  SPRG3: [275, 64, 'privileged', 'privileged', 'plain', 'all', 'III 4.3'],
  TBL_WRITE: [284, 32, '-', 'hypervisor', 'absent', 'all', 'III 7.2'],
  TBU_WRITE: [285, 32, '-', 'hypervisor', 'absent', 'all', 'III 7.2'],
  TBU40: [286, 64, '-', 'hypervisor', 'absent', 'all', 'III 7.2'],
  PVR: [287, 32, 'privileged', '-', 'special', 'all', 'III 4.3'],
  HSPRG0: [304, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 4.3'],
  HSPRG1: [305, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 4.3'],
  HDSISR: [306, 32, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 6.2'],
  HDAR: [307, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 6.2'],
  SPURR: [308, 64, 'privileged', 'hypervisor', 'special', 'all', 'III 7'],
  PURR: [309, 64, 'privileged', 'hypervisor', 'special', 'all', 'III 7'],
  HDEC: [310, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 7'],
  HRMOR: [313, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 2'],
  HSRR0: [314, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 6.2'],
  HSRR1: [315, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 6.2'],
  LPCR: [318, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 2.2'],
  LPIDR: [319, 32, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 2'],
  HMER: [336, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 6.2'],
  HMEER: [337, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 6.2'],
  PCR: [338, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 2'],
  HEIR: [339, 32, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 6.2'],
  AMOR: [349, 64, 'hypervisor', 'hypervisor', 'absent', 'all', 'III 5.7'],
  TIR: [446, 64, 'privileged', '-', 'special', 'all', 'III 4.3'],
  PTCR: [464, 64, 'hypervisor', 'hypervisor', 'absent', '3.0', 'III 5.7'],
  SIER_USER: [768, 64, 'problem', '-', 'special', 'all', 'III 9.4'],
  MMCR2_USER: [769, 64, 'problem', 'problem', 'special', 'all', 'III 9.4'],
  MMCRA_USER: [770, 64, 'problem', 'problem', 'special', 'all', 'III 9.4'],
  PMC1_USER: [771, 32, 'problem', 'problem', 'special', 'all', 'III 9.4'],
  PMC2_USER: [772, 32, 'problem', 'problem', 'special', 'all', 'III 9.4'],
  PMC3_USER: [773, 32, 'problem', 'problem', 'special', 'all', 'III 9.4'],
  PMC4_USER: [774, 32, 'problem', 'problem', 'special', 'all', 'III 9.4'],
  PMC5_USER: [775, 32, 'problem', 'problem', 'special', 'all', 'III 9.4'],
  PMC6_USER: [776, 32, 'problem', 'problem', 'special', 'all', 'III 9.4'],
  MMCR0_USER: [779, 64, 'problem', 'problem', 'special', 'all', 'III 9.4'],
  SIAR_USER: [780, 64, 'problem', '-', 'special', 'all', 'III 9.4'],
  SDAR_USER: [781, 64, 'problem', '-', 'special', 'all', 'III 9.4'],
  MMCR1_USER: [782, 64, 'problem', '-', 'special', 'all', 'III 9.4'],
  SIER: [784, 64, 'privileged', 'privileged', 'plain', 'all', 'III 9.4'],
  MMCR2: [785, 64, 'privileged', 'privileged', 'plain', 'all', 'III 9.4'],
  MMCRA: [786, 64, 'privileged', 'privileged', 'plain', 'all', 'III 9.4'],
  PMC1: [787, 32, 'privileged', 'privileged', 'plain', 'all', 'III 9.4'],
  PMC2: [788, 32, 'privileged', 'privileged', 'plain', 'all', 'III 9.4'],
  PMC3: [789, 32, 'privileged', 'privileged', 'plain', 'all', 'III 9.4'],
  PMC4: [790, 32, 'privileged', 'privileged', 'plain', 'all', 'III 9.4'],
  PMC5: [791, 32, 'privileged', 'privileged', 'plain', 'all', 'III 9.4'],
  PMC6: [792, 32, 'privileged', 'privileged', 'plain', 'all', 'III 9.4'],
  MMCR0: [795, 64, 'privileged', 'privileged', 'plain', 'all', 'III 9.4'],
  SIAR: [796, 64, 'privileged', 'privileged', 'plain', 'all', 'III 9.4'],
  SDAR: [797, 64, 'privileged', 'privileged', 'plain', 'all', 'III 9.4'],
  MMCR1: [798, 64, 'privileged', 'privileged', 'plain', 'all', 'III 9.4'],
  BESCRS: [800, 64, 'problem', 'problem', 'special', 'all', 'II 7.2'],
  BESCRSU: [801, 32, 'problem', 'problem', 'special', 'all', 'II 7.2'],
  BESCRR: [802, 64, 'problem', 'problem', 'special', 'all', 'II 7.2'],
  BESCRRU: [803, 32, 'problem', 'problem', 'special', 'all', 'II 7.2'],
  EBBHR: [804, 64, 'problem', 'problem', 'special', 'all', 'II 7.2'],
  EBBRR: [805, 64, 'problem', 'problem', 'special', 'all', 'II 7.2'],
  BESCR: [806, 64, 'problem', 'problem', 'special', 'all', 'II 7.2'],
  TAR: [815, 64, 'problem', 'problem', 'special', 'all', 'I 2.3.4'],
  ASDR: [816, 64, 'hypervisor', 'hypervisor', 'absent', '3.0', 'III 6.2'],
  PSSCR_GUEST: [823, 64, 'privileged', 'privileged', 'absent', '3.0', 'III 3.2'],
  IC: [848, 64, 'privileged', 'hypervisor', 'special', 'all', 'III 7'],
  VTB: [849, 64, 'privileged', 'hypervisor', 'special', 'all', 'III 7'],
  PSSCR: [855, 64, 'hypervisor', 'hypervisor', 'absent', '3.0', 'III 3.2'],
  TACR: [888, 64, 'privileged', 'privileged', 'plain', '2.07', '–', 'of POWER8 itself'],
  TCSCR: [889, 64, 'privileged', 'privileged', 'plain', '2.07', '–', 'of POWER8 itself'],
  CSIGR: [890, 64, 'privileged', 'privileged', 'plain', '2.07', '–', 'of POWER8 itself'],
  SPMC1: [892, 64, 'privileged', 'privileged', 'plain', '2.07', '–', 'of POWER8 itself'],
  SPMC2: [893, 64, 'privileged', 'privileged', 'plain', '2.07', '–', 'of POWER8 itself'],
  MMCRS: [894, 64, 'privileged', 'privileged', 'plain', '2.07', '–', 'of POWER8 itself'],
  WORT: [895, 64, 'privileged', 'privileged', 'plain', 'all', '–', 'of POWER8 and POWER9 themselves'],
  PPR: [896, 64, 'problem', 'problem', 'plain', 'all', 'II 3.1'],
  PPR32: [898, 32, 'problem', 'problem', 'special', 'all', 'II 3.1'],
  PIR: [1023, 32, 'privileged', '-', 'special', 'all', 'III 4.3'],
} as const;

export type SprKey = keyof typeof TABLE;
/** Keys of the registers of a kind, as the table has them. */
export type SprKeysOf<Kind extends SprKind> = {
  [Key in SprKey]: (typeof TABLE)[Key][4] extends Kind ? Key : never;
}[SprKey];
/** Of those, the ones that a guest can write: in problem or privileged state. */
export type WritableSprKeysOf<Kind extends SprKind> = {
  [Key in SprKeysOf<Kind>]: (typeof TABLE)[Key][3] extends 'problem' | 'privileged' ? Key : never;
}[SprKeysOf<Kind>];

export type SprRow = {
  readonly key: SprKey;
  readonly number: number;
  /** The ISA's name, which several numbers may share. */
  readonly name: string;
  readonly width: 32 | 64;
  readonly reads: SprState;
  readonly writes: SprState;
  readonly kind: SprKind;
  /** The version of the ISA whose processors have the register; absent: both have it. */
  readonly only?: Isa;
  /** Book, and section or chapter, of Power ISA 3.0B. */
  readonly section: string;
  /** How this machine differs from the ISA. */
  readonly differs?: string;
};

/** A number of a register that also has another: the ISA's name stands before it. */
const SUFFIX = /_(USER|GUEST|WRITE)$/;

function rowOf(key: SprKey, columns: Columns): SprRow {
  const [number, width, reads, writes, kind, only, section, differs] = columns;
  return {
    key,
    number,
    name: key.replace(SUFFIX, ''),
    width,
    reads,
    writes,
    kind,
    section,
    ...(only === 'all' ? {} : { only }),
    ...(differs === undefined ? {} : { differs }),
  };
}

/** Every row, by number. */
export const SPR_ROWS: readonly SprRow[] = Object.entries(TABLE).map(([key, columns]) =>
  rowOf(key as SprKey, columns),
);

/** Numbers by key: `SPR.SRR0` is 26. */
export const SPR: Readonly<Record<SprKey, number>> = Object.fromEntries(
  SPR_ROWS.map(({ key, number }) => [key, number]),
) as Record<SprKey, number>;

/** Rows by number. */
const BY_NUMBER: readonly (SprRow | undefined)[] = byNumber(SPR_ROWS);
/** Places in the register block, by number. */
const OFFSETS: readonly (number | undefined)[] = offsets(SPR_ROWS);

/** The row of a number, or undefined for a number that no register has. */
export function sprRow(number: number): SprRow | undefined {
  return BY_NUMBER[number];
}

/** @returns the offset of a plain register, or of the plain register that a number is an alias of; undefined for others. */
export function sprOffset(number: number): number | undefined {
  return OFFSETS[number];
}

/** Whether a processor of a version of the ISA has the register. */
export function hasSpr(row: SprRow, isa: Isa): boolean {
  return row.only === undefined || row.only === isa;
}

/** Whether a guest can read or write the register in some state of its own. */
export function guestMay(state: SprState): boolean {
  return state === 'problem' || state === 'privileged';
}

function byNumber(rows: readonly SprRow[]): (SprRow | undefined)[] {
  const out: (SprRow | undefined)[] = new Array(1024).fill(undefined);
  for (const row of rows) out[row.number] = row;
  return out;
}

function offsets(rows: readonly SprRow[]): (number | undefined)[] {
  const out: (number | undefined)[] = new Array(1024).fill(undefined);
  const plain = rows.filter((row) => row.kind === 'plain');
  plain.forEach((row, i) => {
    out[row.number] = SPR_BASE + i * 8;
  });
  for (const row of rows) {
    if (row.kind === 'alias')
      out[row.number] = out[plain.find(({ name }) => name === row.name)?.number ?? -1];
  }
  return out;
}
