/**
 * Changes single bits of both databases at random places, one at a time, and judges each: what is read is what was written or an
 * error of ours; whatever cannot be read any more is found by a verification; content of chunks is whole again after a capture with
 * the same bytes.
 */

import { cpSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { arraySource } from '../../../src/base/bytes.ts';
import { repairStore, verifyStore } from '../../../src/panic/store/index.ts';
import { openLocalVmcoreStore } from '../../../src/vmcore/store/index.ts';
import { type Flip, flipBit, randomFlip } from '../../support/flip.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { contents, pathsIn, readStores, writeStores } from './stored-world.ts';

/**
 * Of all bits: `harmless` where everything is read as before, else found by a verification; of those `healed` by a capture with the
 * same bytes, or `repaired` by a repair, or `lost`.
 */
export type FlipTally = { harmless: number; found: number; healed: number; repaired: number; lost: number };

/** Lists leave out what is damaged; anything else is what was written, or an error. */
const LISTS = ['vmcores', 'metadata', 'partitions', 'captures', 'operations', 'firings'];
/** What a read gives that finds nothing. */
const ABSENT = '74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b';

/**
 * @param folder exists; the stores and their copies are made in it
 * @param onWrong called for what must not be, with where the bit is
 * @param first so many bytes of each file change; absent: all
 */
export async function flipTimes(
  folder: string,
  times: number,
  seed: number,
  onWrong: (where: string, what: string) => void,
  first?: number,
): Promise<FlipTally> {
  const tally: FlipTally = { harmless: 0, found: 0, healed: 0, repaired: 0, lost: 0 };
  await writeStores(pathsIn(folder));
  const before = copyOf(folder, 'truth');
  const truth = await readStores(pathsIn(before));
  if ((await verifyStore(pathsIn(before))).report.damage.length > 0)
    throw new Error('the stores are damaged before any bit is changed');
  const random = seededRandom(seed);
  for (let n = 0; n < times; n++) {
    const copy = copyOf(folder, `flip-${n}`);
    // In turn: the database of dumps is the larger one by far.
    const { chunks, metadata } = pathsIn(copy);
    const flip = randomFlip([n % 2 === 0 ? chunks : metadata], random, first);
    flipBit(flip);
    const end = await judge(copy, truth, (what) => onWrong(placeOf(flip), what));
    tally[end] += 1;
    if (end !== 'harmless') tally.found += 1;
    rmSync(copy, { recursive: true });
  }
  return tally;
}

async function judge(
  folder: string,
  truth: ReadonlyMap<string, string>,
  onWrong: (what: string) => void,
): Promise<Exclude<keyof FlipTally, 'found'>> {
  const paths = pathsIn(folder);
  const unlike = async (): Promise<readonly string[]> => {
    const read = await readStores(paths);
    return [...truth].filter(([name, value]) => read.get(name) !== value).map(([name]) => name);
  };
  // Verified before anything writes: a store that is opened may write.
  const { report } = await verifyStore(paths);
  const read = await readStores(paths);
  const lost = [...truth].filter(([name, value]) => read.get(name) !== value).map(([name]) => name);
  if (lost.length === 0) return 'harmless';
  for (const name of lost) {
    const value = read.get(name) ?? ABSENT;
    if (!LISTS.includes(name) && value !== ABSENT && !value.startsWith('error '))
      onWrong(`${name} is served with other content`);
  }
  if (report.damage.length === 0)
    onWrong(`a verification finds nothing, and ${lost.join(', ')} cannot be read`);
  if (report.damage.every(({ kind }) => kind === 'chunk')) {
    await storeAgain(folder);
    const left = await unlike();
    if (left.length > 0) onWrong(`a capture with the same bytes does not heal ${left.join(', ')}`);
    const { damage } = (await verifyStore(paths)).report;
    if (damage.length > 0) onWrong(`${damage.length} damages are left after a capture with the same bytes`);
    return 'healed';
  }
  if ((await repairStore(paths)).report.damage.length > 0) return 'lost';
  const left = await unlike();
  if (left.length > 0) onWrong(`a repair ends without damage, and ${left.join(', ')} are not what they were`);
  return 'repaired';
}

function placeOf({ file, offset, bit }: Flip): string {
  return `bit ${bit} of byte ${offset} of ${basename(file)}`;
}

async function storeAgain(folder: string): Promise<void> {
  const vmcores = openLocalVmcoreStore(pathsIn(folder).chunks);
  for (const bytes of contents()) {
    const { manifestId } = await vmcores.writeVmcore(arraySource(bytes));
    await vmcores.delete(manifestId);
  }
  await vmcores.close();
}

function copyOf(folder: string, name: string): string {
  const copy = join(folder, name);
  for (const file of Object.values(pathsIn(folder))) cpSync(file, join(copy, basename(file)));
  return copy;
}
