/** Which calls of a trace load an image, and which of those are not known: the kernel chose the segments of kexec_file_load. */

import type { LoadCall } from '../../trace/index.ts';
import type { Judgement } from './input.ts';
import { verdict } from './verdict.ts';

/** Whether the call loads an image, of known segments or not; else it drops one. */
export function loadsImage({ segments, byFile }: LoadCall): boolean {
  return segments.length > 0 || byFile?.unread === true;
}

/** A verdict about the segments of `loads`: one that finds nothing wrong says nothing where segments of one of them are not known. */
export function aboutKnown(loads: readonly LoadCall[], judgement: Judgement): Judgement {
  if (judgement.verdict === 'broken') return judgement;
  const unread = loads.filter(
    ({ byFile, result }) => byFile?.unread === true && (result === undefined || result === 'ok'),
  );
  if (unread.length === 0) return judgement;
  const count = unread.length === 1 ? 'an image' : `${unread.length} images`;
  return verdict(
    'not-evaluated',
    `the segments of ${count} loaded by kexec_file_load are not known: the kernel's memory does not say them, or says those of a later image`,
  );
}
