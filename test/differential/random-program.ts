/** Random programs over the fixed-point, branch, condition register and storage tables, as cases for qemu-user.ts. */

import { BRANCH } from '../../src/emulator/isa/branch.ts';
import { FIXED_POINT } from '../../src/emulator/isa/fixed-point.ts';
import { ALL_ROWS, type Row } from '../../src/emulator/isa/index.ts';
import { STORAGE } from '../../src/emulator/isa/storage.ts';
import { type Case, type Endian, type Layout, MEMORY_BYTES } from './qemu-user.ts';
import { CaseBuilder, CTR, type Label, LR, TAR, XER_COUNT } from './random-case.ts';
import * as fixed from './random-fixed.ts';
import type { RandomSource } from './random-source.ts';
import * as storage from './random-storage.ts';

/** Rows that no random program contains; exclusions.md says why, and what tests them instead. */
export const EXCLUDED: ReadonlySet<string> = new Set([
  'darn',
  'mftb',
  'wait',
  'icbt',
  'stbcx.',
  'sthcx.',
  'stwcx.',
  'stdcx.',
  'stqcx.',
  'copy',
  'paste.',
  'cpabort',
]);

/** Rows that exist in big-endian order only. */
export const BIG_ENDIAN_ONLY: ReadonlySet<string> = new Set([
  'lmw',
  'stmw',
  'lswi',
  'lswx',
  'stswi',
  'stswx',
]);

/** Every row that a random program may contain. The store conditionals come with their loads. */
export const ROWS: readonly Row[] = [...FIXED_POINT, ...BRANCH, ...STORAGE].filter(
  (row) => !EXCLUDED.has(row.mnemonic),
);

function rowOf(mnemonic: string): Row {
  const row = ALL_ROWS.find((each) => each.mnemonic === mnemonic);
  if (row === undefined) throw new Error(`no row ${mnemonic}`);
  return row;
}

const writesOf = (row: Row): 't' | 'a' | undefined => {
  const first = row.operands[0]?.name;
  return first === 'RT' ? 't' : first === 'RA' ? 'a' : undefined;
};
const plain = fixed.plain(writesOf);

const SIZES: readonly (readonly [size: number, stems: string])[] = [
  [1, 'lbz stb'],
  [2, 'lhz lha sth lhbrx sthbrx'],
  [4, 'lwz lwa stw lwbrx stwbrx'],
  [8, 'ld std ldbrx stdbrx'],
];

function emitters(): ReadonlyMap<string, storage.Emitter> {
  const out = new Map<string, storage.Emitter>();
  const set = (names: string, emitter: storage.Emitter): void => {
    for (const name of names.split(' ')) out.set(name, emitter);
  };
  for (const [size, stems] of SIZES) {
    for (const stem of stems.split(' ')) set(`${stem} ${stem}x ${stem}u ${stem}ux`, storage.access(size));
  }
  set('dcbz dcbst dcbf icbi dcbt dcbtst', storage.cacheOperation);
  set('lmw stmw', storage.multiple);
  set('lswi stswi', storage.stringImmediate);
  set('lswx stswx', storage.stringIndexed);
  set('lq stq', storage.quadword);
  set('lwat stwat', storage.atomic(4));
  set('ldat stdat', storage.atomic(8));
  for (const [size, stem] of [
    [1, 'b'],
    [2, 'h'],
    [4, 'w'],
    [8, 'd'],
    [16, 'q'],
  ] as const) {
    set(`l${stem}arx`, storage.reservePair(size, rowOf(`st${stem}cx.`)));
  }
  set('divw', fixed.division(32, true));
  set('divwu', fixed.division(32, false));
  set('divwe', fixed.division(32, true, true));
  set('divweu', fixed.division(32, false, true));
  set('modsw', fixed.division(32, true, false, true));
  set('moduw', fixed.division(32, false, false, true));
  set('divd', fixed.division(64, true));
  set('divdu', fixed.division(64, false));
  set('divde', fixed.division(64, true, true));
  set('divdeu', fixed.division(64, false, true));
  set('modsd', fixed.division(64, true, false, true));
  set('modud', fixed.division(64, false, false, true));
  set('mulhw mulhwu', fixed.multiplyHighWord);
  set('tw twi td tdi', fixed.trap);
  set('cbcdtd', fixed.decimalToDpd);
  set('cdtbcd', fixed.dpdToDecimal);
  set('mtocrf mfocrf', fixed.oneField);
  set('mfspr', fixed.moveFromSpr);
  set('mtspr', fixed.moveToSpr);
  set('b bl ba bla', fixed.unconditional);
  set('bc bcl bca bcla', fixed.conditional);
  set('bclr bclrl', fixed.toRegister(LR));
  set('bcctr bcctrl', fixed.toRegister(CTR));
  set('bctar bctarl', fixed.toRegister(TAR));
  set('addi addis', fixed.addImmediate);
  set('rldicl rldicr', fixed.rotateLeft);
  return out;
}

const EMITTERS = emitters();
const LONGEST_UNIT = 5;

/** A random case; `counts` says how often each row was used. */
export function randomCase(
  random: RandomSource,
  layout: Layout,
  endian: Endian,
  index: number,
  counts?: Map<Row, number>,
): Case {
  const builder = new CaseBuilder({
    random,
    little: endian === 'little',
    codeAddress: layout.codeAddress(index),
    memoryAddress: layout.memoryAddress(index),
  });
  const start = randomInput(builder);
  const length = 1 + random.below(layout.words - LONGEST_UNIT);
  while (builder.words.length < length) {
    builder.settle();
    const row = random.pick(ROWS);
    if ((EMITTERS.get(row.base) ?? plain)(builder, row)) counts?.set(row, (counts.get(row) ?? 0) + 1);
  }
  const address = builder.finish();
  const memory = new Uint8Array(MEMORY_BYTES);
  for (let i = 0; i < MEMORY_BYTES; i += 4) new DataView(memory.buffer).setInt32(i, random.word());
  // The low two bits of an address are ignored by branches.
  const place = (label: Label): bigint => BigInt(address(label) + random.below(4));
  const { labels, gpr, cr, xer } = start;
  for (const [register, label] of labels) if (register < 32) gpr[register] = place(label);
  const special = (register: number): bigint => {
    const label = labels.get(register);
    return label === undefined ? (start.special.get(register) as bigint) : place(label);
  };
  return { code: builder.words, input: { gpr, cr, xer, lr: special(LR), ctr: special(CTR) }, memory };
}

type Start = {
  readonly gpr: bigint[];
  readonly cr: number;
  readonly xer: number;
  readonly labels: ReadonlyMap<number, Label>;
  readonly special: ReadonlyMap<number, bigint>;
};

const XER_BITS = 0xe00c007f;

/** Values to start from, given to the builder. Which register has which part differs from case to case. */
function randomInput(b: CaseBuilder): Start {
  const { random, memory } = b;
  const gpr = Array.from({ length: 32 }, () => random.boundary64());
  const order = Array.from({ length: 32 }, (_, n) => n);
  for (let i = 31; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  const take = (): number => order.pop() as number;
  const inside = (): number => memory + random.below(MEMORY_BYTES / 16) * 16;
  for (let i = 0; i < 6; i++) {
    const register = take();
    const far = random.below(40000) - 20000;
    gpr[register] = BigInt(i < 2 ? inside() : i < 4 ? inside() + random.below(16) : memory + far);
    b.pointers.push(register);
  }
  for (let i = 0; i < 2; i++) {
    const register = take();
    gpr[register] = BigInt.asUintN(64, BigInt(random.below(65) - 32));
    b.smalls.push(register);
  }
  for (let i = 0; i < 2; i++) {
    const left = take();
    const right = take();
    gpr[right] = BigInt.asUintN(64, BigInt(inside()) - (gpr[left] as bigint));
    b.pairs.push([left, right]);
  }
  const xers = [take(), take()];
  for (const register of xers) gpr[register] = BigInt((random.word() & XER_BITS) >>> 0);
  const bcds = [take(), take()];
  for (const register of bcds)
    gpr[register] = Array.from({ length: 16 }).reduce<bigint>(
      (v) => (v << 4n) | BigInt(random.below(10)),
      0n,
    );
  const labels = new Map<number, Label>([
    [take(), { unit: undefined }],
    [take(), { unit: undefined }],
  ]);
  const special = new Map([
    [LR, random.boundary64()],
    [CTR, random.oneIn(2) ? BigInt(random.below(4)) : random.boundary64()],
  ]);
  for (const register of [LR, CTR]) if (random.oneIn(2)) labels.set(register, { unit: undefined });
  const xer = (random.word() & XER_BITS) >>> 0;

  for (const [n, value] of gpr.entries()) b.write(n, labels.has(n) ? {} : { value });
  for (const [register, value] of special) b.write(register, { value });
  b.write(XER_COUNT, { value: BigInt(xer & 127) });
  for (const [register, label] of labels) b.write(register, { label });
  for (const register of xers) b.validXer.add(register);
  for (const register of bcds) b.validBcd.add(register);
  return { gpr, cr: random.word() >>> 0, xer, labels, special };
}
