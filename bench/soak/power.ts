/**
 * Cuts the power of a daemon. One run under the shim is recorded with what was answered; then the power is cut at random points
 * of the recording, and the folder that each cut leaves is read, and by some of them a daemon is started.
 */

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { below, seededRandom } from '../../test/support/seeded-random.ts';
import { Disk } from '../../test/support/shim/disk.ts';
import { markJournal } from '../../test/support/shim/journal.ts';
import { countRecords, cutPower, randomCut, writeImage } from '../../test/support/shim/power-loss.ts';
import { shimFolder } from '../../test/support/shim/shim.ts';
import { askForAll, askForOperations, leftovers, readFolder } from './check.ts';
import { Client } from './client.ts';
import { Counts } from './findings.ts';
import { importOwnKernel } from './imports.ts';
import { FLEET, type KillOptions } from './kill.ts';
import { type Entry, Ledger } from './ledger.ts';
import { Load } from './load.ts';
import { makePlace, Service } from './service.ts';
import { answers } from './wait.ts';

const START_SECONDS = 60;
/** How long the daemon works while it is recorded. */
const RECORD_MS = 40_000;
/** A daemon is started on the folder after so many cuts. */
const START_EVERY = 10;

export async function cutTimes({ folder, times, seed, findings, log }: KillOptions): Promise<Counts> {
  const place = makePlace(folder, FLEET);
  const counts = new Counts();
  const shim = shimFolder(place.data, join(folder, 'shim'), true);
  const journal = shim.journal ?? '';
  const disk = new Disk(shim.folder);
  const recorded = new Ledger((entry) => markJournal(journal, JSON.stringify(entry)));
  const service = await Service.start(place, shim.env);
  const client = new Client(service.base);
  if (!(await answers(client, service, START_SECONDS))) throw new Error(`no start: ${service.lastWords}`);
  const wrong = (what: string): void => findings.add('the recording', what);
  const load = new Load({
    client,
    ledger: recorded,
    seed,
    keep: 3,
    onWrong: wrong,
    count: (what) => counts.add(what),
  });
  await Promise.all([
    pause(RECORD_MS),
    importOwnKernel(place, recorded, 'own', new Promise(() => undefined), shim.env),
  ]);
  await service.kill('SIGKILL');
  await load.stop();

  const records = countRecords(journal);
  const random = seededRandom(seed);
  const points = Array.from({ length: times }, () => below(random, records + 1)).sort((a, b) => a - b);
  const after = makePlace(join(folder, 'after'), FLEET);
  let cuts = 0;
  for (const { after: at, how, marks, image } of cutPower(
    disk,
    journal,
    points,
    () => randomCut(random),
    random,
  )) {
    cuts += 1;
    writeImage(image, after.data);
    const ledger = new Ledger();
    for (const mark of marks) ledger.add(JSON.parse(mark) as Entry);
    const where = `record ${at} of ${records}, ${JSON.stringify(how)}`;
    if (cuts % START_EVERY === 0) {
      for (const what of await startOn(after, ledger)) findings.add(where, what);
      counts.add('daemons started after a cut');
    }
    // Before the daemon's first commit there are no databases, and nothing was answered.
    if (marks.length > 0) for (const what of await readFolder(after, ledger)) findings.add(where, what);
    log(`cut ${cuts} of ${times}: ${where}; ${marks.length} answers owed`);
  }
  counts.add('records', records);
  counts.add('power cuts', cuts);
  return counts;
}

async function startOn(place: ReturnType<typeof makePlace>, ledger: Ledger): Promise<readonly string[]> {
  const service = await Service.start(place);
  const client = new Client(service.base);
  if (!(await answers(client, service, START_SECONDS))) {
    await service.kill('SIGKILL');
    return [`no daemon starts on it: ${service.lastWords}`];
  }
  const wrong = [
    ...(await askForAll(client, ledger, 10)),
    ...(await askForOperations(client, ledger)),
    ...leftovers(place),
  ];
  const { code } = await service.kill('SIGTERM');
  return code === 0 ? wrong : [...wrong, `SIGTERM ended it with ${code}`];
}
