/**
 * `run-at-load-set`: the 32-bit word at image offset 0x5c, in the image's own byte order, is 1 when the new kernel is
 * entered if and only if the load was for a crash. Source: handoff contract, seed 003; Linux 6.1
 * arch/powerpc/kernel/head_64.S (the word's place and its marker); kexec-tools 2.0.25 purgatory/arch/ppc64/v2wrap.S.
 */

import type { ImageFacts } from '../trace/index.ts';
import { WATCH } from '../watch/index.ts';
import { KEXEC_PATHS, type Rule, verdict } from './input.ts';

export const runAtLoadSet: Rule = {
  name: 'run-at-load-set',
  paths: KEXEC_PATHS,
  judge: ({ instants, image, events }) => {
    const { t1, t2 } = instants;
    const { load, entered } = image;
    if (load === undefined) return verdict('not-reached', 'no image was loaded');
    const word = load.runAtLoad;
    if (word === undefined) return verdict('not-applicable', 'the image is shorter than 0x60 bytes');
    if (t2 === undefined) return verdict('not-reached', 'the new kernel was not entered', [t1]);
    const stores = events.filter(
      ({ kind, detail, n }) =>
        kind === 'store' && detail === WATCH.runAtLoad && n < t2.event && n > (t1?.event ?? -1),
    );
    if (entered?.runAtLoad === undefined)
      return verdict('not-reached', 'the word could not be read at T2', [t2]);
    if (word.byteOrder === undefined) {
      const left = entered.runAtLoad === word.loaded;
      return left
        ? verdict(
            'not-applicable',
            `not relocatable: the word was ${word.loaded}, not the marker, and was left alone`,
            [t2],
          )
        : verdict('broken', `the word was ${word.loaded}, not the marker, and became ${entered.runAtLoad}`, [
            ...stores,
            t2,
          ]);
    }
    const value = runAtLoadOf(image);
    const note = `the word is ${entered.runAtLoad} in memory, ${value === 1 ? '1' : 'not 1'} to a ${word.byteOrder}-endian image loaded for ${load.crash ? 'a crash' : 'an ordinary kexec'}`;
    return verdict((value === 1) === load.crash ? 'held' : 'broken', note, [...stores, t2]);
  },
};

/** The word as the image reads it at T2; undefined where it was no marker before, or could not be read. */
export function runAtLoadOf(image: ImageFacts): number | undefined {
  const order = image.load?.runAtLoad?.byteOrder;
  const text = image.entered?.runAtLoad;
  if (order === undefined || text === undefined) return undefined;
  const bytes = Buffer.from(text, 'hex');
  return order === 'little' ? bytes.readUInt32LE(0) : bytes.readUInt32BE(0);
}
