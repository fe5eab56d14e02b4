/**
 * Finds a region: the instructions of one page that direct branches reach from a start, in blocks. Control enters a block at
 * its first instruction alone. A region is entered at its start unless that lies in a loop, at the targets of its backward branches, and behind what is
 * left to the interpreter or to called code.
 */

import type { Row } from '../../isa/index.ts';
import type { Handler } from '../interpreter/handlers.ts';

/** Bytes of a page. */
export const PAGE = 4096;
const MOST_INSTRUCTIONS = 400;
const MOST_ENTRIES = 64;

/** An instruction by its offset in the page; `left`: the interpreter executes it. */
export type RegionInstruction = {
  readonly offset: number;
  readonly word: number;
  readonly row: Row;
  readonly left: boolean;
  /** Of a branch to a place in its own page. */
  readonly target: number | undefined;
};

export type Block = {
  readonly start: number;
  readonly instructions: readonly RegionInstruction[];
  /** Where it continues when it does not branch: another block or a place outside of the region. */
  readonly next: number | undefined;
};

export type Region = {
  readonly start: number;
  /** By their start, ascending. */
  readonly blocks: readonly Block[];
  /** Starts of blocks at which the region is entered, ascending. */
  readonly entries: readonly number[];
};

/** What stands at an offset of the page: undefined for no instruction of this processor, or one that the region shall not have. */
export type PageCode = (offset: number) => { readonly word: number; readonly handler: Handler } | undefined;

/**
 * @param entersInLoop whether the start is an entry also where it lies in a loop behind its head. A loop that is entered at its head alone
 * is the faster one; its first round is interpreted then.
 */
export function findRegion(start: number, code: PageCode, entersInLoop: boolean): Region {
  const found = new Map<number, RegionInstruction>();
  /** Offsets at which a block begins, and those where the scan of one ended. */
  const leaders = new Set([start]);
  const entries = new Set([start]);
  const ends = new Set<number>();
  const work = [start];
  const lead = (offset: number, isEntry: boolean): void => {
    if (isEntry && entries.size < MOST_ENTRIES) entries.add(offset);
    if (leaders.has(offset)) return;
    leaders.add(offset);
    work.push(offset);
  };
  for (let leader = work.pop(); leader !== undefined; leader = work.pop()) {
    for (let at = leader; at < PAGE && !found.has(at) && found.size < MOST_INSTRUCTIONS; at += 4) {
      const here = code(at);
      if (here === undefined) break;
      const { word, handler } = here;
      const left = isLeft(handler);
      const target = nearTarget(handler, word, at);
      found.set(at, { offset: at, word, row: handler.row, left, target });
      if (left) {
        ends.add(at);
        if (handler.row.effect !== 'linkage') lead(at + 4, true);
        break;
      }
      if (handler.row.effect !== 'branch') continue;
      if (target !== undefined) lead(target, target <= at);
      ends.add(at);
      const links = handler.row.mnemonic.endsWith('l') || handler.row.mnemonic.endsWith('la');
      if (links) lead(at + 4, true);
      else if (!isAlways(handler)) lead(at + 4, false);
      break;
    }
  }
  if (!entersInLoop && isInLoop(start, found)) entries.delete(start);
  const starts = [...leaders].filter((offset) => found.has(offset)).sort((a, b) => a - b);
  const blocks = starts.map((offset) => blockAt(offset, found, leaders, ends));
  return {
    start,
    blocks,
    entries: [...entries].filter((offset) => found.has(offset)).sort((a, b) => a - b),
  };
}

/** Whether it lies in a loop of the region behind its head, and is not the head of another one. */
function isInLoop(start: number, found: ReadonlyMap<number, RegionInstruction>): boolean {
  const back = [...found.values()].filter(
    ({ offset, target }) => target !== undefined && target <= start && offset >= start && found.has(target),
  );
  return back.length > 0 && !back.some(({ target }) => target === start);
}

function blockAt(
  start: number,
  found: ReadonlyMap<number, RegionInstruction>,
  leaders: ReadonlySet<number>,
  ends: ReadonlySet<number>,
): Block {
  const instructions: RegionInstruction[] = [];
  for (let at = start; ; at += 4) {
    const instruction = found.get(at);
    if (instruction === undefined || (at !== start && leaders.has(at)))
      return { start, instructions, next: at };
    instructions.push(instruction);
    if (!ends.has(at)) continue;
    const goesOn = !instruction.left && instruction.row.effect === 'branch';
    return { start, instructions, next: goesOn ? at + 4 : undefined };
  }
}

/** Whether its handler calls TypeScript, or ends the program: registers must be in their places then. */
function isLeft({ row, known }: Handler): boolean {
  if (row.effect === 'linkage') return true;
  return row.special !== undefined && !known.has('SPR');
}

/** The offset of a branch's target in its own page. */
function nearTarget({ near, row }: Handler, word: number, at: number): number | undefined {
  if (!near) return undefined;
  const operand = row.operands.find(({ name }) => name === 'LI' || name === 'BD');
  return operand === undefined ? undefined : at + Number(operand.extract(word));
}

/** Whether nothing follows it in sequence. */
function isAlways({ row, known }: Handler): boolean {
  return row.mnemonic === 'b' || row.mnemonic === 'ba' || known.get('BO') === ALWAYS;
}
const ALWAYS = 20;
