/**
 * `run-at-load-old-abi`: an image with the abandoned ABI of 2008 (`__kdump_flag`, 8 bytes at 0x18) is recognised and
 * refused with a clear reason. Source: handoff contract, seed 003. Told by the image's own symbols, by the loader's
 * refusal, and by stores to that place between the old kernel and the new one.
 */

import { WATCH } from '../watch/index.ts';
import {
  holds,
  KEXEC_PATHS,
  purgatoryEvents,
  type Rule,
  type RuleInput,
  segmentOf,
  verdict,
} from './input.ts';

const OLD_FLAG_AT = 0x18n;
const OLD_FLAG_BYTES = 8n;
/** A refusal that names the flag. */
const NAMED = /kdump[-_]flag|old[-_]abi/i;

export const runAtLoadOldAbi: Rule = {
  name: 'run-at-load-old-abi',
  paths: KEXEC_PATHS,
  judge: (input) => {
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
    return verdict(
      'not-applicable',
      load.runAtLoad?.byteOrder === undefined
        ? 'the image has neither ABI: it names no __kdump_flag'
        : 'the image has the ABI of today: its marker at 0x5c',
    );
  },
};

/** Who stores there knows the old ABI. */
function oldFlagStore(input: RuleInput): RuleInput['events'][number] | undefined {
  const kernel = segmentOf(input.image.load, 'kernel');
  if (kernel === undefined) return undefined;
  const start = kernel.start + OLD_FLAG_AT;
  return purgatoryEvents(input).find(
    ({ kind, detail, addr, cpu }) =>
      kind === 'store' &&
      cpu >= 0 &&
      detail === WATCH.kernelHead &&
      addr !== undefined &&
      holds({ start, end: start + OLD_FLAG_BYTES }, BigInt(addr)),
  );
}
