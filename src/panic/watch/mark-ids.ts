/** Numbers the marks: machine events carry a number for each mark, the same in every plan. */

import { assert } from '../../base/errors.ts';
import type { MarkId } from '../../emulator/contract/index.ts';
import { FUNCTIONS, KERNEL_PLACES, type Mark, SEGMENT_ROLES, SINGLE_PLACES } from '../trace/index.ts';

/** All marks but notes, of which there is one a CPU: their numbers follow. */
const MARKS: readonly Mark[] = [
  ...SINGLE_PLACES.map((at): Mark => ({ at })),
  ...SEGMENT_ROLES.map((role): Mark => ({ at: 'segment', role })),
  ...SEGMENT_ROLES.map((role): Mark => ({ at: 'copy', role })),
  ...KERNEL_PLACES.flatMap((place) => FUNCTIONS.map((name): Mark => ({ at: 'function', name, in: place }))),
];
const IDS: ReadonlyMap<string, MarkId> = new Map(MARKS.map((mark, id) => [keyOf(mark), id]));

export function idOfMark(mark: Mark): MarkId {
  if (mark.at === 'note') return MARKS.length + mark.cpu;
  const id = IDS.get(keyOf(mark));
  assert(id !== undefined, `the mark ${keyOf(mark)} has a number`);
  return id;
}

export function markOfId(id: MarkId): Mark {
  return MARKS[id] ?? { at: 'note', cpu: id - MARKS.length };
}

function keyOf(mark: Mark): string {
  switch (mark.at) {
    case 'function':
      return `function ${mark.in} ${mark.name}`;
    case 'segment':
    case 'copy':
      return `${mark.at} ${mark.role}`;
    case 'note':
      return `note ${mark.cpu}`;
    default:
      return mark.at;
  }
}
