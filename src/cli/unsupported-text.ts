/** Says in one line what a guest met that the machine lacks. */

import type { Unsupported } from '../panic/index.ts';

const SHOWN = 4;

export function unsupportedText(all: readonly Unsupported[]): string {
  const shown = all.slice(0, SHOWN).map(({ what: { kind, key, where }, count }) => {
    const place = where === undefined ? '' : ` at ${where}`;
    return `${kind} ${key}${place}${count === 1 ? '' : ` (${count} times)`}`;
  });
  const more = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : '';
  return `the machine lacks what the guest used: ${shown.join(', ')}${more}`;
}
