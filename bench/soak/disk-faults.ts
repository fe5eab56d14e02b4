/**
 * Fills or breaks a daemon's disk at random places while clients use it. The daemon keeps running, every operation ends, nothing that was
 * stored is harmed, and when the disk is well again a crash is captured.
 */

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Capture, Operation, PartitionView } from '../../src/panic/contract/index.ts';
import { below, seededRandom } from '../../test/support/seeded-random.ts';
import type { CallKind, Fault } from '../../test/support/shim/control.ts';
import { shimFolder } from '../../test/support/shim/shim.ts';
import { askForAll, readFolder, unfinished } from './check.ts';
import { Client } from './client.ts';
import { Counts } from './findings.ts';
import { FLEET, type KillOptions } from './kill.ts';
import { Ledger } from './ledger.ts';
import { FLEET_NAME, Load } from './load.ts';
import { makePlace, type Place, Service } from './service.ts';
import { answers, until } from './wait.ts';

const START_SECONDS = 60;
/** Until the fault has come, and how long it stays. */
const FAULT_SECONDS = 12;
/** Until every operation has ended, and until a crash is captured, with the disk well again. */
const END_SECONDS = 60;
const RESUME_SECONDS = 120;

export async function fillTimes(options: KillOptions): Promise<Counts> {
  return await faultTimes(options, (random) => ({
    error: 'ENOSPC',
    calls: ['create', 'write', 'truncate'],
    at: Math.ceil(500 ** random()),
    onwards: true,
    path: pathOf(random),
  }));
}

export async function breakTimes(options: KillOptions): Promise<Counts> {
  const kinds: readonly (readonly CallKind[])[] = [['write'], ['sync'], ['read'], ['write', 'sync', 'read']];
  return await faultTimes(options, (random) => ({
    error: 'EIO',
    calls: kinds[below(random, kinds.length)] ?? [],
    at: Math.ceil(300 ** random()),
    onwards: random() < 0.6,
    path: pathOf(random),
  }));
}

/** All files, or those of one database. */
function pathOf(random: () => number): string {
  return ['', '', 'metadata.db', 'chunks.db'][below(random, 4)] ?? '';
}

async function faultTimes(
  { folder, times, seed, findings, log }: KillOptions,
  faultOf: (random: () => number) => Fault,
): Promise<Counts> {
  const place = makePlace(folder, FLEET);
  const { control, env } = shimFolder(place.data, join(folder, 'shim'), false);
  const counts = new Counts();
  const ledger = new Ledger();
  const random = seededRandom(seed);
  let service = await Service.start(place, env);
  // A fault whose call does not come (a short crash, few reads) is no try.
  for (let [i, tries] = [1, 1]; i <= times && tries <= 4 * times; tries++) {
    const fault = faultOf(random);
    const where = `fault ${i} of ${times} (${fault.error} of ${fault.calls.join()} from call ${fault.at}${fault.onwards ? ' on' : ''}${fault.path === '' ? '' : ` in ${fault.path}`})`;
    const wrong = (what: string): void => findings.add(where, what);
    if (service.end !== undefined) {
      control.disarm();
      service = await Service.start(place, env);
    }
    const client = new Client(service.base);
    if (!(await answers(client, service, START_SECONDS))) throw new Error(`no start: ${service.lastWords}`);
    const load = new Load({
      client,
      ledger,
      seed: seed * 1000 + tries,
      keep: 5,
      onWrong: wrong,
      count: (what) => counts.add(what),
    });
    control.arm(fault);
    await until(FAULT_SECONDS, () =>
      control.injected().failed > 0 ? true : service.end === undefined ? false : 'stop',
    );
    await pause(500 + 3000 * random());
    if (service.end === undefined && (await client.get('/version', 2000)).status !== 200)
      wrong('it does not answer while the disk fails');
    const { failed } = control.disarm();
    await load.stop();
    if (failed > 0) {
      counts.add('faults that came');
      i += 1;
    }
    if (service.end !== undefined) {
      wrong(`it ended with ${service.end.code ?? service.end.signal}: ${service.lastWords}`);
      continue;
    }
    if (!(await until(END_SECONDS, async () => (await unfinished(client)).length === 0)))
      for (const { id, kind, phase, state } of await unfinished(client))
        wrong(`operation ${id} (${kind}) is still ${state}, ${phase}`);
    await readReasons(client, place, counts, wrong);
    if (!(await resumes(client, ledger)))
      wrong(`no crash is captured ${RESUME_SECONDS} s after the disk is well again`);
    for (const what of await askForAll(client, ledger, 5)) wrong(what);
    if (failed > 0) log(`${where}: ${failed} calls failed; ${ledger.captures.length} captures owed`);
  }
  if (counts.get('faults that came') < times) findings.add('the end', 'too few faults came');
  const { code } = await service.kill('SIGTERM');
  if (code !== 0) findings.add('the end', `SIGTERM ended it with ${code}`);
  for (const what of await readFolder(place, ledger)) findings.add('the end', what);
  return counts;
}

/** Counts why operations and captures failed; no reason names a path of the host. */
async function readReasons(
  client: Client,
  place: Place,
  counts: Counts,
  wrong: (what: string) => void,
): Promise<void> {
  const { body: operations } = await client.get<{ items: Operation[] }>('/operations?limit=20');
  const { body: captures } = await client.get<{ items: Capture[] }>('/captures?limit=10');
  const reasons = [
    ...(operations?.items.flatMap(({ error }) =>
      error === undefined ? [] : [`${error.code}: ${error.message}`],
    ) ?? []),
    ...(captures?.items.flatMap(({ reason }) => reason ?? []) ?? []),
  ];
  for (const reason of reasons) {
    if (reason.includes(place.data) || reason.includes(place.tmp)) wrong(`a reason names a path: ${reason}`);
    counts.add(`reason: ${reason.replaceAll(/[0-9]+/g, '#').slice(0, 120)}`);
  }
}

/** Whether a partition of the fleet is crashed and captured; one that failed is started first. */
async function resumes(client: Client, ledger: Ledger): Promise<boolean> {
  return await until(RESUME_SECONDS, async () => {
    const { body } = await client.get<{ items: PartitionView[] }>('/partitions');
    const fleet = body?.items.filter(({ name }) => FLEET_NAME.test(name)) ?? [];
    for (const { id, state } of fleet)
      if (state === 'failed' || state === 'stopped') await client.call('POST', `/partitions/${id}/start`);
    const one = fleet.find(({ state }) => state === 'ready');
    if (one === undefined) return false;
    const request = { trigger: 'sysrq', dump: 'raw' };
    const { body: operation } = await client.call<Operation>('POST', `/partitions/${one.id}/panic`, request);
    if (operation === undefined) return false;
    let captureId: string | undefined;
    await until(END_SECONDS, async () => {
      const { body: now } = await client.get<Operation>(`/operations/${operation.id}`);
      captureId = now?.state === 'succeeded' ? now.captureId : undefined;
      return now !== undefined && now.state !== 'queued' && now.state !== 'running';
    });
    if (captureId === undefined) return false;
    const { body: capture } = await client.get<Capture>(`/captures/${captureId}`);
    if (capture?.vmcore === null || capture === undefined) return false;
    const { sha256, bytes } = capture.vmcore;
    ledger.add({ kind: 'capture', id: captureId, sha256, bytes });
    return true;
  });
}
