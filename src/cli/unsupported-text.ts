/** Says in one line what a guest used that the machine lacks. */

import type { UnsupportedUse } from '../panic/contract/index.ts';

const SHOWN = 4;

export function unsupportedText(all: readonly UnsupportedUse[]): string {
  const shown = all.slice(0, SHOWN).map(({ kind, key, where, count }) => {
    const place = where === undefined ? '' : ` at ${where}`;
    return `${kind} ${key}${place}${count === 1 ? '' : ` (${count} times)`}`;
  });
  const more = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : '';
  return `the machine lacks what the guest used: ${shown.join(', ')}${more}`;
}
