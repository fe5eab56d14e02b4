/** An image that was imported is there after a power cut at any moment, whole; one that was removed is not. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listImages, verifyImage } from '../../src/images/catalogue.ts';
import { clearLeftovers } from '../../src/images/work-folders.ts';
import { longOr } from '../support/long.ts';
import { needsProgram } from '../support/programs.ts';
import { below, seededRandom } from '../support/seeded-random.ts';
import { Disk } from '../support/shim/disk.ts';
import { countRecords, cutPower, randomCut, writeImage } from '../support/shim/power-loss.ts';
import { contentOf, type Promised } from '../support/shim/programs/keep-images.ts';
import { shimFolder } from '../support/shim/shim.ts';

const PROGRAM = join(import.meta.dirname, '../support/shim/programs/keep-images.ts');
const VERSIONS = new Map(
  [1, 2, 3, 4, 101, 102, 103, 104].map((version) => [
    createHash('sha256').update(contentOf(version)).digest('hex'),
    version,
  ]),
);

let work = '';
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'kdumpd-image-power-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

/** The versions of the images that are there. @throws FormatError for one that is not whole */
async function images(root: string): Promise<ReadonlyMap<string, number>> {
  const { images, broken } = await listImages(root);
  expect(broken).toEqual([]);
  const found = new Map<string, number>();
  for (const { name, kind } of images) {
    if (kind === 'built-in') continue;
    const { files } = await verifyImage(root, name);
    found.set(name, VERSIONS.get(files.kernel.sha256) ?? 0);
  }
  return found;
}

it('createImage, removeImage: the power is cut at any moment → what was answered holds, and no work folder is left', async () => {
  needsProgram('gcc');
  const data = join(work, 'data');
  mkdirSync(data);
  const shim = shimFolder(data, join(work, 'own'), true);
  const disk = new Disk(shim.folder);
  execFileSync(process.execPath, [PROGRAM, shim.folder, '4'], { env: { ...process.env, ...shim.env } });
  const journal = shim.journal ?? '';
  const random = seededRandom(5);
  const records = countRecords(journal);
  const count = longOr(2000, 250);
  const points = Array.from({ length: count }, () => below(random, records + 1)).sort((a, b) => a - b);
  for (const { after, how, marks, image } of cutPower(
    disk,
    journal,
    points,
    () => randomCut(random),
    random,
  )) {
    const folder = join(work, 'after');
    writeImage(image, folder);
    const root = join(folder, 'images');
    await clearLeftovers(root, true);
    const found = await images(root);
    const promised = new Map<string, Promised>();
    for (const mark of marks) {
      const each = JSON.parse(mark) as Promised;
      promised.set(each.name, each);
    }
    for (const { name, may } of promised.values())
      expect(may, `${name} after record ${after}, ${JSON.stringify(how)}`).toContain(
        found.get(name) ?? 'absent',
      );
    for (const name of (await readdir(root).catch(() => [])) as string[]) expect(name).not.toMatch(/^\./);
  }
}, 300_000);
