/** Numbers of marks: each mark has one, and no two share it. */

import { describe, expect, it } from 'vitest';
import {
  FUNCTIONS,
  KERNEL_PLACES,
  type Mark,
  SEGMENT_ROLES,
  SINGLE_PLACES,
} from '../../../src/panic/trace/index.ts';
import { idOfMark, markOfId } from '../../../src/panic/watch/index.ts';

/** As many as Linux can be built for on ppc64 (CONFIG_NR_CPUS). */
const CPUS = 2048;

const EVERY_MARK: readonly Mark[] = [
  ...SINGLE_PLACES.map((at): Mark => ({ at })),
  ...SEGMENT_ROLES.flatMap((role): Mark[] => [
    { at: 'segment', role },
    { at: 'copy', role },
  ]),
  ...KERNEL_PLACES.flatMap((place) => FUNCTIONS.map((name): Mark => ({ at: 'function', name, in: place }))),
  ...Array.from({ length: CPUS }, (_, cpu): Mark => ({ at: 'note', cpu })),
];

describe('marks and their numbers', () => {
  it('a mark → its number → the mark', () => {
    for (const mark of EVERY_MARK) expect(markOfId(idOfMark(mark))).toEqual(mark);
  });

  it('no two marks → one number', () => {
    expect(new Set(EVERY_MARK.map(idOfMark)).size).toBe(EVERY_MARK.length);
  });

  it('a number → its mark → the number', () => {
    for (let id = 0; id < EVERY_MARK.length; id++) expect(idOfMark(markOfId(id))).toBe(id);
  });

  it('a mark that there is not → an error, not the number of another one', () => {
    const unknown = { at: 'function', name: 'no_such_function', in: 'production' };
    expect(() => idOfMark(unknown as unknown as Mark)).toThrow('no_such_function');
  });
});
