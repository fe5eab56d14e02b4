/**
 * Rule `run-at-load-set`: the 32-bit word at image offset 0x5c, in the image's own byte order, is 1 when the new kernel is
 * entered if and only if the load was for a crash (docs/handoff.md; Linux 6.1 arch/powerpc/kernel/head_64.S for the word's
 * place and marker; kexec-tools 2.0.25 purgatory/arch/ppc64/v2wrap.S). Memory at T2 shows the word; where it could not be
 * read, the last store to it does.
 */

import { type StoreEvent, storesAt } from '../../trace/index.ts';
import { runAtLoadValue } from '../shared/image.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { storedBytes } from '../shared/places.ts';
import { eventsIn, inPurgatory } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

export function runAtLoadSet(input: RuleInput): Judgement {
  const { instants, image } = input;
  const { t1, t2 } = instants;
  const { load, entered } = image;
  if (load === undefined) return verdict('not-reached', 'no image was loaded');
  const word = load.runAtLoad;
  if (word === undefined) return verdict('not-applicable', 'the image is shorter than 0x60 bytes');
  if (t2 === undefined) return verdict('not-reached', 'the new kernel was not entered', [t1]);
  const stores = eventsIn(input, inPurgatory(input)).filter((event) => storesAt(event, 'run-at-load'));
  const bytes = entered?.runAtLoad ?? lastStored(stores, word.at);
  if (bytes === undefined) return verdict('not-reached', 'the word could not be read at T2', [t2]);
  if (word.byteOrder === undefined)
    return bytes === word.loaded
      ? verdict(
          'not-applicable',
          `not relocatable: the word was ${word.loaded}, not the marker, and was left alone`,
          [t2],
        )
      : verdict('broken', `the word was ${word.loaded}, not the marker, and became ${bytes}`, [
          ...stores,
          t2,
        ]);
  const isOne = runAtLoadValue(bytes, word.byteOrder) === 1;
  const note = `the word is ${bytes} in memory, ${isOne ? '1' : 'not 1'} to a ${word.byteOrder}-endian image loaded for ${load.crash ? 'a crash' : 'an ordinary kexec'}`;
  return verdict(isOne === load.crash ? 'held' : 'broken', note, [...stores, t2]);
}

/** What the last store to the word left there, hex; undefined where its bytes are not known. */
function lastStored(stores: readonly StoreEvent[], at: string): string | undefined {
  const last = stores.at(-1);
  if (last === undefined || BigInt(last.addr) !== BigInt(at)) return undefined;
  const bytes = storedBytes(last)?.subarray(0, 4);
  return bytes?.length === 4 ? bytes.toString('hex') : undefined;
}
