/**
 * Knows which pages a dump filter was asked to leave out. Source: makedumpfile(8) 1.7, `-d`; makedumpfile.c b7587f1,
 * __exclude_unnecessary_pages (a level that filters by use also leaves out poisoned and offline pages) and its option string.
 */

import type { ImageFacts, PageKind } from '../trace/index.ts';

const ZERO = 1;
const BITS: Readonly<Record<PageKind, number>> = {
  zero: ZERO,
  cache: 2 | 4,
  private: 4,
  user: 8,
  free: 16,
  poisoned: 31 & ~ZERO,
  offline: 31 & ~ZERO,
};
/** Short options of makedumpfile that take no value: they may stand before `d` in one word. */
const PLAIN = 'cDeEFfghlpRvXz';
const LOADED_DUMP = /(?:^|\s)kdumpd\.dump=(\S*)/;

/** Whether a filter of this level leaves out pages of a kind; of an unknown level it may. */
export function mayLeaveOut(level: number | undefined, kind: PageKind): boolean {
  return level === undefined || (level & BITS[kind]) !== 0;
}

/**
 * The levels that the crash kernel was given, in order; undefined: it was given none that is known. It says so on
 * its command line, and makedumpfile without `-d` leaves nothing out.
 */
export function askedLevels({ load }: Pick<ImageFacts, 'load'>): readonly number[] | undefined {
  const word = LOADED_DUMP.exec(load?.tree?.bootargs ?? '')?.[1];
  return word === undefined || word === '' ? undefined : levelsOf(word.replaceAll('^', ' '));
}

/** Levels in a dump mode: `raw`, or options of makedumpfile. */
export function levelsOf(mode: string): readonly number[] | undefined {
  const words = mode.split(' ');
  const option = new RegExp(`^-[${PLAIN}]*d(.*)$`);
  for (const [at, word] of words.entries()) {
    const value = option.exec(word)?.[1];
    if (value === undefined) continue;
    const levels = (value === '' ? (words[at + 1] ?? '') : value).split(',').map(Number);
    return levels.every((level) => Number.isInteger(level) && level >= 0 && level <= 31) ? levels : undefined;
  }
  return [0];
}

/**
 * The level that the dump is judged by: the one that was asked for. Of several, makedumpfile tries one after the other until
 * the dump fits, and the dump's header has the one that it took.
 */
export function levelOf(
  asked: readonly number[] | undefined,
  inHeader: number | undefined,
): number | undefined {
  return asked === undefined || asked.length > 1 ? inHeader : asked[0];
}
