/** Clients that mean harm, or have bad luck: broken requests, streams and downloads that are dropped or never read, cancels. */

import { request as openRequest } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Operation, Page, PartitionView } from '../../src/panic/contract/index.ts';
import { below } from '../../test/support/seeded-random.ts';
import type { Client } from './client.ts';
import type { Ledger } from './ledger.ts';

export type NuisanceOptions = {
  readonly client: Client;
  readonly ledger: Ledger;
  readonly random: () => number;
  readonly count: (what: string) => void;
  /** Called for an answer of 500 and above. The caller knows whether a fault explains it. */
  readonly on5xx: (what: string) => void;
};

const PATHS = [
  '/partitions',
  '/partitions/x',
  '/partitions/x/panic',
  '/captures?limit=-1',
  '/captures/%00/vmcore',
  '/operations?cursor=zzz',
  '/operations/x/cancel',
  '/images/..%2f..%2fetc',
  '/images/import',
  '/events',
  '/nowhere',
] as const;
/** Of so many verifications, one is cancelled. */
const VERIFICATIONS_SPARED = 10;
const BODIES = [
  '',
  '{',
  '[]',
  'null',
  '{"image":1}',
  '{"image":"built-in","cpus":1e9}',
  `{"a":"${'x'.repeat(5000)}"}`,
] as const;

/** One thing that a server should not mind. */
export async function annoy(options: NuisanceOptions): Promise<void> {
  const { random } = options;
  const choice = below(random, 10);
  if (choice < 6) await sendNonsense(options);
  else if (choice === 6) await dropStream(options, '/events');
  else if (choice === 7) await stallDownload(options);
  else await cancelSomething(options);
}

async function sendNonsense({ client, random, count, on5xx }: NuisanceOptions): Promise<void> {
  const method = ['GET', 'POST', 'DELETE', 'PUT', 'HEAD'][below(random, 5)] ?? 'GET';
  const path = PATHS[below(random, PATHS.length)] ?? '/';
  const body = BODIES[below(random, BODIES.length)] ?? '';
  try {
    const answer = await fetch(`${client.base}/api/v1${path}`, {
      method,
      signal: AbortSignal.timeout(2000),
      ...(method === 'GET' || method === 'HEAD'
        ? {}
        : { body, headers: { 'content-type': 'application/json' } }),
    });
    await answer.body?.cancel();
    count('nonsense answered');
    if (answer.status >= 500) on5xx(`${method} ${path} with ${body.slice(0, 40)} gave ${answer.status}`);
  } catch {
    count('nonsense without an answer');
  }
}

async function dropStream({ client, random, count }: NuisanceOptions, path: string): Promise<void> {
  const drop = new AbortController();
  setTimeout(() => drop.abort(), 2000 * random());
  try {
    const answer = await fetch(`${client.base}/api/v1${path}`, { signal: drop.signal });
    for await (const _ of answer.body ?? []) if (random() < 0.1) break;
  } catch {
    // It was dropped, or there is no daemon.
  }
  count('streams dropped');
}

/** Asks for a whole vmcore and reads nothing of it for some seconds. */
async function stallDownload({ client, ledger, random, count }: NuisanceOptions): Promise<void> {
  const owed = ledger.vmcores;
  const one = owed[below(random, owed.length)];
  if (one === undefined) return;
  const asked = openRequest(`${client.base}/api/v1/captures/${one.id}/vmcore`);
  asked.on('error', () => undefined);
  asked.on('response', (answer) => answer.pause());
  asked.end();
  await pause(8000 * random());
  asked.destroy();
  count('downloads stalled');
}

async function cancelSomething({ client, random, count }: NuisanceOptions): Promise<void> {
  const { body } = await client.get<Page<Operation>>('/operations?limit=10');
  const { body: fleet } = await client.get<{ items: PartitionView[] }>('/partitions');
  // A hostile guest never gets ready: its start runs for as long as it does harm, which is what it is there for.
  const hostile = (fleet?.items ?? []).flatMap(({ id, name }) => (name.startsWith('hostile-') ? [id] : []));
  const running = (body?.items ?? []).filter(
    ({ state, partitionId }) =>
      (state === 'queued' || state === 'running') && !hostile.includes(partitionId ?? ''),
  );
  const one = running[below(random, running.length)];
  if (one === undefined || random() < 0.5) return;
  // A verification of many vmcores takes longer than it is until the next cancel: most are let through.
  if (one.kind === 'verify' && below(random, VERIFICATIONS_SPARED) > 0) return;
  const { status } = await client.call('POST', `/operations/${one.id}/cancel`);
  count(`cancel ${status}`);
}
