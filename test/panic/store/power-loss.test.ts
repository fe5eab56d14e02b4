/** What a client was told is there after a power cut at any moment: the two databases and their order, under the shim. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openMetadataStore } from '../../../src/panic/store/index.ts';
import { openLocalVmcoreStore } from '../../../src/vmcore/store/index.ts';
import { longOr } from '../../support/long.ts';
import { needsProgram } from '../../support/programs.ts';
import { below, seededRandom } from '../../support/seeded-random.ts';
import { Disk } from '../../support/shim/disk.ts';
import { countRecords, cutPower, randomCut, writeImage } from '../../support/shim/power-loss.ts';
import type { Answer } from '../../support/shim/programs/answer-from-stores.ts';
import { shimFolder } from '../../support/shim/shim.ts';

const PROGRAM = join(import.meta.dirname, '../../support/shim/programs/answer-from-stores.ts');

let work = '';
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'kdumpd-power-loss-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

/** What of the answers does not hold. */
async function broken(folder: string, answers: readonly Answer[]): Promise<readonly string[]> {
  const metadata = openMetadataStore(join(folder, 'metadata.db'));
  const vmcores = openLocalVmcoreStore(join(folder, 'chunks.db'));
  const wrong: string[] = [];
  try {
    const partitions = new Set((await metadata.partitions.list()).map(({ id }) => id));
    const gone = new Set(answers.flatMap(({ kind, id }) => (kind === 'deleting' ? [id] : [])));
    for (const answer of answers) {
      const { kind, id } = answer;
      if (kind === 'partition' && !partitions.has(id)) wrong.push(`partition ${id} is lost`);
      if (kind === 'operation' && (await metadata.operations.get(id)) === null)
        wrong.push(`operation ${id} is lost`);
      if (kind === 'deleted' && (await metadata.captures.get(id)) !== null)
        wrong.push(`capture ${id} is back`);
      if (kind === 'capture' && !gone.has(id)) {
        const capture = await metadata.captures.get(id);
        if (capture?.vmcore?.sha256 !== answer.sha256) wrong.push(`capture ${id} is lost`);
      }
    }
    // Also those that nobody was told of: a capture never names a vmcore that is not there.
    for (const manifest of await metadata.captures.manifestIds())
      await vmcores.verify(manifest).catch((error: unknown) => wrong.push(`${error}`));
  } finally {
    await vmcores.close();
    await metadata.close();
  }
  return wrong;
}

it('openDatabase: the power is cut at any moment → everything that was answered is there, and every vmcore whole', async () => {
  needsProgram('gcc');
  const data = join(work, 'data');
  mkdirSync(data);
  const shim = shimFolder(data, join(work, 'own'), true);
  const disk = new Disk(shim.folder);
  execFileSync(process.execPath, [PROGRAM, shim.folder, '12'], { env: { ...process.env, ...shim.env } });
  const journal = shim.journal ?? '';
  const records = countRecords(journal);
  const random = seededRandom(11);
  const count = longOr(1000, 50);
  const points = Array.from({ length: count }, () => below(random, records + 1)).sort((a, b) => a - b);
  let answered = 0;
  for (const { after, how, marks, image } of cutPower(
    disk,
    journal,
    points,
    () => randomCut(random),
    random,
  )) {
    const folder = join(work, 'after');
    writeImage(image, folder);
    const answers = marks.map((mark) => JSON.parse(mark) as Answer);
    answered = answers.length;
    expect(await broken(folder, answers), `after record ${after}, ${JSON.stringify(how)}`).toEqual([]);
  }
  // The last cuts came when most had been answered.
  expect(answered).toBeGreaterThan(30);
}, 600_000);
