/** The parts of the soak and of torture that need no daemon: the plan, the ledger, and what a client makes of bad answers. */

import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Client } from '../../bench/soak/client.ts';
import { HOSTILE_NAMES } from '../../bench/soak/hostile-images.ts';
import { type Entry, Ledger } from '../../bench/soak/ledger.ts';
import { planSoak } from '../../bench/soak/schedule.ts';

describe('planSoak', () => {
  it('the same seed → the same plan; another → another', () => {
    expect(planSoak(1, 300_000)).toEqual(planSoak(1, 300_000));
    expect(planSoak(1, 300_000)).not.toEqual(planSoak(2, 300_000));
  });

  it('an hour → every hostile guest and every fault, and enough of them', () => {
    const plan = planSoak(5, 3_600_000);
    expect(plan.reduce((sum, { rest }) => sum + rest, 0)).toBeGreaterThan(3_600_000);
    const hostile = new Set(plan.flatMap(({ step }) => (step.kind === 'hostile' ? [step.name] : [])));
    expect([...hostile].sort()).toEqual([...HOSTILE_NAMES].sort());
    expect(new Set(plan.map(({ step }) => step.kind))).toEqual(
      new Set(['hostile', 'kill', 'terminate', 'disk', 'flip', 'import']),
    );
    const errors = new Set(plan.flatMap(({ step }) => (step.kind === 'disk' ? [step.fault.error] : [])));
    expect(errors).toEqual(new Set(['ENOSPC', 'EIO']));
  });
});

describe('Ledger', () => {
  it('a capture → owed until its deletion is asked for, gone only when that is answered', () => {
    const entries: Entry[] = [];
    const ledger = new Ledger((entry) => entries.push(entry));
    ledger.add({ kind: 'capture', id: 'a', sha256: 'x', bytes: 1 });
    ledger.add({ kind: 'capture', id: 'b', sha256: null, bytes: 0 });
    expect(ledger.captures.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(ledger.vmcores.map(({ id }) => id)).toEqual(['a']);
    ledger.add({ kind: 'deletion', id: 'a', isDone: false });
    expect([ledger.captures.map(({ id }) => id), ledger.deleted]).toEqual([['b'], []]);
    ledger.add({ kind: 'deletion', id: 'a', isDone: true });
    expect(ledger.deleted).toEqual(['a']);
    // What was answered can be played again.
    const again = new Ledger();
    for (const entry of entries) again.add(entry);
    expect([again.captures, again.deleted]).toEqual([ledger.captures, ledger.deleted]);
  });

  it('a partition whose deletion was asked for and not answered → neither owed nor gone', () => {
    const ledger = new Ledger();
    ledger.add({ kind: 'partition', id: 'p', debt: 'owed' });
    expect(ledger.all('partition', 'owed')).toEqual(['p']);
    ledger.add({ kind: 'partition', id: 'p', debt: 'asked' });
    expect([ledger.all('partition', 'owed'), ledger.all('partition', 'released')]).toEqual([[], []]);
  });
});

describe('Client', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function serve(answer: Parameters<typeof createServer>[1]): Promise<Client> {
    server = createServer(answer);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  it('download: a body that ends early → cut; a whole one → its digest', async () => {
    const client = await serve((request, response) => {
      response.setHeader('content-length', '10');
      response.write('01234');
      if (request.url?.includes('/whole/') === true) response.end('56789');
      else setTimeout(() => response.destroy(), 20);
    });
    expect(await client.download('whole')).toMatchObject({
      status: 200,
      bytes: 10,
      sha256: createHash('sha256').update('0123456789').digest('hex'),
    });
    expect(await client.download('cut')).toMatchObject({ status: 200, cut: expect.any(String) });
  });

  it('call: no answer in time, and nobody there → status 0 and why', async () => {
    const client = await serve(() => undefined);
    expect(await client.get('/x', 50)).toMatchObject({ status: 0, why: expect.stringMatching(/[Tt]imeout/) });
    server?.closeAllConnections();
    server?.close();
    expect(await client.get('/x')).toMatchObject({ status: 0 });
  });
});
