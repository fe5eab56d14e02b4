/**
 * Rule `run-at-load-old-abi`: an image with the abandoned ABI of 2008 (`__kdump_flag`, 8 bytes at 0x18) is recognised and
 * refused with a clear reason (docs/handoff.md). The image's own symbols, the loader's refusal, and stores to that place
 * between the old kernel and the new one show it.
 */

import { type EventSort, type StoreEvent, storesAt } from '../../trace/index.ts';
import { notKept } from '../shared/dropped.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { holds, segmentOf } from '../shared/spans.ts';
import { eventsIn, inPurgatory } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

const OLD_FLAG_AT = 0x18n;
const OLD_FLAG_BYTES = 8n;
/** A refusal that names the flag. */
const NAMED = /kdump[-_]flag|old[-_]abi/i;

export function runAtLoadOldAbi(input: RuleInput): Judgement {
  const { image, instants } = input;
  const refusal = (image.refusals ?? []).find(({ code, message }) => NAMED.test(`${code} ${message}`));
  const store = oldFlagStore(input);
  if (store !== undefined)
    return verdict('broken', `CPU ${store.cpu} set the abandoned flag at ${store.addr}`, [store]);
  const { load } = image;
  const isForced = (image.plan?.forced ?? []).some((each) => NAMED.test(each));
  if (load?.abi === 'kdump-flag' || (load !== undefined && isForced))
    return verdict('broken', 'the image has __kdump_flag at 0x18, and was loaded all the same', [
      instants.t1,
    ]);
  if (refusal !== undefined)
    return verdict('held', `the image was refused: ${refusal.message} (${refusal.code})`);
  if (load === undefined) return verdict('not-reached', 'no image was loaded');
  const hidden = notKept(input, inPurgatory(input), isHead);
  if (hidden !== undefined) return hidden;
  return verdict(
    'not-applicable',
    load.runAtLoad?.byteOrder === undefined
      ? 'the image has neither ABI: it names no __kdump_flag'
      : 'the image has the ABI of today: its marker at 0x5c',
  );
}

/** A store to the old flag: the CPU that does it follows the old ABI. */
function oldFlagStore(input: RuleInput): StoreEvent | undefined {
  const kernel = segmentOf(input.image.load, 'kernel');
  if (kernel === undefined) return undefined;
  const start = kernel.start + OLD_FLAG_AT;
  return eventsIn(input, inPurgatory(input))
    .filter((event) => storesAt(event, 'kernel-head'))
    .find((event) => event.cpu >= 0 && holds({ start, end: start + OLD_FLAG_BYTES }, BigInt(event.addr)));
}

function isHead(sort: EventSort): boolean {
  return sort.cpu >= 0 && storesAt(sort, 'kernel-head');
}
