/**
 * The interpreter's handlers: one a row, and more where knowing an operand beforehand pays: branches by kind and by
 * whether they stay in their page, moves to and from special purpose registers by register.
 */

import { assert } from '../../../base/errors.ts';
import { guestMay, SPR_ROWS, type SprKind } from '../../cpu/spr.ts';
import { ALL_ROWS, bits, type Row } from '../../isa/index.ts';
import { type Place, recordLayout } from './record.ts';

export type Handler = {
  readonly id: number;
  readonly row: Row;
  /** Operands known while the handler is made. */
  readonly known: ReadonlyMap<string, number>;
  /** The relative target lies in the same page: its operand is a distance in records. */
  readonly near: boolean;
  readonly layout: ReadonlyMap<string, Place>;
};

/** The engine's own handlers: decode this record, go to the next page, report an illegal word, report a probe and continue, enter a region. */
export const HANDLER_DECODE = 0;
export const HANDLER_PAGE_END = 1;
export const HANDLER_ILLEGAL = 2;
export const HANDLER_PROBE = 3;
export const HANDLER_REGION = 4;
/** All of them; the instructions' handlers come after. */
export const ENGINE_HANDLERS: readonly number[] = [
  HANDLER_DECODE,
  HANDLER_PAGE_END,
  HANDLER_ILLEGAL,
  HANDLER_PROBE,
  HANDLER_REGION,
];
const FIRST = ENGINE_HANDLERS.length;

/** BO values made beforehand, hints ignored: true, false, CTR non-zero, CTR zero, always. */
const BO_KINDS = [12, 4, 16, 18, 20] as const;

/** BO without its hint bits; the value itself where it is one of the rarer kinds. */
function boKind(bo: number): number {
  if ((bo & 0x14) === 0x14) return 20;
  if ((bo & 0x14) === 0x04) return bo & 8 ? 12 : 4;
  if ((bo & 0x14) === 0x10) return bo & 2 ? 18 : 16;
  return bo;
}

const OWN_HANDLER: ReadonlySet<SprKind> = new Set<SprKind>(['compiled', 'plain', 'alias']);
/** Registers that a move has a handler of its own for: cpu/spr.ts. The special handler does the others. */
function sprsOf(state: 'reads' | 'writes'): readonly number[] {
  const own = SPR_ROWS.filter((row) => OWN_HANDLER.has(row.kind) && guestMay(row[state]));
  return own.map(({ number }) => number);
}
const SPR_MOVES: ReadonlyMap<string, readonly number[]> = new Map([
  ['mfspr', sprsOf('reads')],
  ['mtspr', sprsOf('writes')],
  ['mftb', sprsOf('reads')],
]);
const BO_ROWS = new Set(['bc', 'bcl', 'bclr', 'bclrl', 'bcctr', 'bcctrl']);
const NEAR_ROWS = new Set(['b', 'bl', 'bc', 'bcl']);

function key(row: number, near: boolean, known: number): number {
  return (row * 2 + (near ? 1 : 0)) * 2048 + known + 1;
}

function build(): { handlers: Handler[]; byKey: Map<number, Handler> } {
  const handlers: Handler[] = [];
  const byKey = new Map<number, Handler>();
  ALL_ROWS.forEach((row, index) => {
    const layout = recordLayout(row.operands);
    const sprs = SPR_MOVES.get(row.mnemonic);
    const operand = BO_ROWS.has(row.mnemonic) ? 'BO' : sprs === undefined ? undefined : 'SPR';
    const values = operand === 'BO' ? BO_KINDS : (sprs ?? []);
    for (const near of NEAR_ROWS.has(row.mnemonic) ? [false, true] : [false]) {
      for (const value of [-1, ...values]) {
        const known = new Map(operand !== undefined && value >= 0 ? [[operand, value]] : []);
        const handler: Handler = { id: FIRST + handlers.length, row, known, near, layout };
        handlers.push(handler);
        byKey.set(key(index, near, value), handler);
      }
    }
  });
  return { handlers, byKey };
}

const BUILT = build();
const ROW_INDEX: ReadonlyMap<Row, number> = new Map(ALL_ROWS.map((row, i) => [row, i]));

/** Every instruction's handler, in order of id, which starts after {@link ENGINE_HANDLERS}. */
export const HANDLERS: readonly Handler[] = BUILT.handlers;
assert(HANDLERS.length < 65000, 'handler numbers fit 16 bits');

const NO_SPRS: ReadonlySet<number> = new Set();

/**
 * The handler for a word of a row, at the byte offset in its page given. Registers in `withoutSprs` get none of their
 * own: the special handler does them.
 */
export function handlerFor(
  row: Row,
  word: number,
  pageOffset: number,
  withoutSprs: ReadonlySet<number> = NO_SPRS,
): Handler {
  const index = ROW_INDEX.get(row) as number;
  let known = -1;
  if (BO_ROWS.has(row.mnemonic)) {
    const kind = boKind(bits(word, 6, 10));
    if ((BO_KINDS as readonly number[]).includes(kind)) known = kind;
  }
  const sprs = SPR_MOVES.get(row.mnemonic);
  if (sprs !== undefined) {
    const spr = (bits(word, 16, 20) << 5) | bits(word, 11, 15);
    if (sprs.includes(spr) && !withoutSprs.has(spr)) known = spr;
  }
  const near = NEAR_ROWS.has(row.mnemonic) && isNear(row, word, pageOffset);
  return BUILT.byKey.get(key(index, near, known)) as Handler;
}

function isNear(row: Row, word: number, pageOffset: number): boolean {
  const operand = row.operands.find((each) => each.name === 'LI' || each.name === 'BD');
  assert(operand !== undefined, 'a relative branch has a displacement');
  const target = pageOffset + (operand.extract(word) as number);
  return target >= 0 && target < 4096;
}
