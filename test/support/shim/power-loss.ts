/** Cuts the power at any point of a journal, and writes the folder that is left. */

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Cut, type Disk, type DiskImage, NOTHING_LEFT } from './disk.ts';
import { readJournal } from './journal.ts';

/** A power cut: after so many records of the journal, and what the marks before it said. */
export type PowerCut = {
  readonly after: number;
  readonly how: Cut;
  readonly marks: readonly string[];
  readonly image: DiskImage;
};

/** How many records a journal has. */
export function countRecords(journal: string): number {
  let count = 0;
  for (const _ of readJournal(journal)) count += 1;
  return count;
}

/**
 * Yields what the power cuts leave, one after another.
 * @param disk as the folder was before the journal began
 * @param points numbers of records, ascending
 */
export function* cutPower(
  disk: Disk,
  journal: string,
  points: readonly number[],
  how: (point: number) => Cut,
  random: () => number,
): Generator<PowerCut> {
  const marks: string[] = [];
  let [done, next] = [0, 0];
  const due = function* (): Generator<PowerCut> {
    for (; points[next] === done; next++) {
      const cut = how(done);
      yield { after: done, how: cut, marks: [...marks], image: disk.cut(cut, random) };
    }
  };
  yield* due();
  for (const record of readJournal(journal)) {
    if (record.kind === 'mark') marks.push(record.path);
    disk.apply(record);
    done += 1;
    yield* due();
  }
}

/** Replaces a folder by what a power cut left. */
export function writeImage({ folders, files, links }: DiskImage, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const path of folders) mkdirSync(join(folder, path), { recursive: true });
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  for (const [path, target] of links) symlinkSync(target, join(folder, path));
}

/** Everything that was not synchronised is lost; or some of it, in sectors of a disk that is new or old. */
export function randomCut(random: () => number): Cut {
  const choice = random();
  if (choice < 0.34) return NOTHING_LEFT;
  const sectorBytes = random() < 0.5 ? 512 : 4096;
  return { sectors: random(), names: random(), sectorBytes };
}
