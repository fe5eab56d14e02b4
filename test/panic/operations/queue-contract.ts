/** What every OperationQueue must do. A second implementation runs the same suite. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Operation, OperationRequest } from '../../../src/panic/contract/index.ts';
import {
  type Claim,
  MAXIMUM_ATTEMPTS,
  type OperationQueue,
  type Submission,
  type WorkerId,
} from '../../../src/panic/operations/index.ts';
import type { MetadataStore } from '../../../src/panic/store/index.ts';

export const TIME = '2024-01-01T00:00:00.000Z';
const LOST = { code: 'interrupted', message: 'its worker stopped' };
const LEASE = { leaseMs: 1000 };

export function submission(
  id: string,
  more: Partial<Operation> = {},
  rest: Partial<Submission> = {},
): Submission {
  const operation: Operation = {
    id,
    kind: 'panic',
    state: 'queued',
    phase: 'queued',
    partitionId: 'p1',
    createdAt: TIME,
    updatedAt: TIME,
    ...more,
  };
  return { operation, request: requestOf(operation), ...rest };
}

function requestOf({ kind, partitionId = 'p1' }: Operation): OperationRequest {
  if (kind === 'import') return { kind, options: { kind: 'debian' } };
  if (kind === 'panic') return { kind, partitionId, options: { trigger: 'sysrq', dump: 'raw' } };
  return kind === 'kexec' || kind === 'restart' ? { kind, partitionId, options: {} } : { kind, partitionId };
}

/** @param open a new store over the given clock (milliseconds since 1970) */
export function queueContract(name: string, open: (now: () => number) => Promise<MetadataStore>): void {
  describe(`OperationQueue: ${name}`, () => {
    let store: MetadataStore;
    let queue: OperationQueue;
    let worker: WorkerId;
    let now = Date.parse(TIME);
    beforeEach(async () => {
      now = Date.parse(TIME);
      store = await open(() => now);
      queue = store.operations;
      worker = await queue.enlist('one');
    });
    afterEach(() => store.close());

    async function claimed(id: string, by: WorkerId = worker, more: Partial<Operation> = {}): Promise<Claim> {
      await queue.submit(submission(id, more));
      const claim = await queue.claim(by, { id }, LEASE);
      if (claim === null) throw new Error(`${id} could not be claimed`);
      return claim;
    }

    it('forget: the last ones and those that have not ended stay; the rest goes with its keys and traces', async () => {
      const end = { state: 'succeeded' } as const;
      await queue.complete(await claimed('o1'), { ...end, trace: '{}' });
      await claimed('o2');
      await queue.submit(submission('o3'));
      await queue.submit(submission('o4', {}, { key: 'key' }));
      await queue.complete((await queue.claim(worker, { id: 'o4' }, LEASE)) as Claim, end);
      await queue.complete(await claimed('o5'), { ...end, trace: '{}' });
      expect(await queue.forget(5)).toBe(0);
      expect(await queue.forget(1)).toBe(2);
      expect((await queue.list({ limit: 9 })).items.map(({ id }) => id)).toEqual(['o5', 'o3', 'o2']);
      expect(await queue.find('key', submission('o4').request)).toBeNull();
      expect([await queue.trace('o1'), await queue.trace('o5')]).toEqual([null, '{}']);
      expect(await queue.forget(1)).toBe(0);
    });

    it('submit: the same key twice → the first one, as it is now, and nothing added', async () => {
      const first = submission('o1', {}, { key: 'key' });
      expect(await queue.submit(first)).toEqual(first.operation);
      expect(await queue.submit(submission('o2', {}, { key: 'key' }))).toEqual(first.operation);
      expect(await queue.get('o2')).toBeNull();
      expect(await queue.find('key', first.request)).toEqual(first.operation);
      expect(await queue.find('o1', first.request)).toBeNull();
      const claim = await queue.claim(worker, { id: 'o1' }, LEASE);
      await queue.complete(claim as Claim, { state: 'failed', phase: 'handoff' });
      expect(await queue.submit(submission('o6', {}, { key: 'key' }))).toMatchObject({
        id: 'o1',
        state: 'failed',
      });
      await queue.submit(submission('o3', {}, { key: 'another' }));
      await queue.submit(submission('o4'));
      await queue.submit(submission('o5'));
      await expect(queue.submit(submission('o5'))).rejects.toMatchObject({ code: 'conflict' });
      expect((await queue.list({ limit: 9 })).items.map(({ id }) => id)).toEqual(['o5', 'o4', 'o3', 'o1']);
      expect(await queue.tally()).toEqual({ failed: 1, queued: 3 });
    });

    it('submit, find: a key of another request → refused, and nothing added; fields in another order are the same request', async () => {
      const first = submission('o1', {}, { key: 'key' });
      await queue.submit(first);
      const other: OperationRequest = {
        kind: 'panic',
        partitionId: 'p1',
        options: { trigger: 'nmi', dump: 'raw' },
      };
      const again = { ...submission('o2', {}, { key: 'key' }), request: other };
      await expect(queue.submit(again)).rejects.toMatchObject({ code: 'key-reused' });
      await expect(queue.find('key', other)).rejects.toMatchObject({ code: 'key-reused' });
      expect((await queue.list({ limit: 9 })).items.map(({ id }) => id)).toEqual(['o1']);
      const reordered: OperationRequest = {
        options: { dump: 'raw', trigger: 'sysrq' },
        partitionId: 'p1',
        kind: 'panic',
      };
      expect(await queue.find('key', reordered)).toEqual(first.operation);
      expect(await queue.submit({ ...again, request: reordered })).toEqual(first.operation);
    });

    it('submit: a key with two requests at once → one is stored, the other refused', async () => {
      const [one, two] = [submission('o1', {}, { key: 'key' }), submission('o2', {}, { key: 'key' })];
      const request: OperationRequest = { kind: 'kexec', partitionId: 'p1', options: {} };
      const ends = await Promise.allSettled([queue.submit(one), queue.submit({ ...two, request })]);
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(ends.find((end) => end.status === 'rejected')?.reason).toMatchObject({ code: 'key-reused' });
      expect((await queue.list({ limit: 9 })).items).toHaveLength(1);
    });

    it('submit: the same key from several at once → all get one operation', async () => {
      const all = await Promise.all(
        [1, 2, 3, 4].map((n) => queue.submit(submission(`o${n}`, {}, { key: 'key' }))),
      );
      expect(new Set(all.map(({ id }) => id)).size).toBe(1);
      expect((await queue.list({ limit: 9 })).items).toHaveLength(1);
    });

    it('claim: a queued one → it runs, with its request; of several workers one gets it', async () => {
      await queue.submit(submission('o1'));
      const others = await Promise.all(['two', 'three'].map((id) => queue.enlist(id)));
      const claims = await Promise.all(
        [worker, ...others].map((each) => queue.claim(each, { id: 'o1' }, LEASE)),
      );
      const won = claims.filter((claim) => claim !== null);
      expect(won).toHaveLength(1);
      expect(won[0]).toMatchObject({
        operation: { id: 'o1', state: 'running', phase: 'queued' },
        request: { kind: 'panic', partitionId: 'p1', options: { trigger: 'sysrq', dump: 'raw' } },
        attempt: 1,
      });
      expect(await queue.get('o1')).toMatchObject({ state: 'running' });
      expect(await queue.claim(worker, { id: 'absent' }, LEASE)).toBeNull();
    });

    it('claim: one that is for a worker → that incarnation of it alone gets it', async () => {
      const other = await queue.enlist('two');
      await queue.submit(submission('o1', {}, { worker }));
      await queue.submit(submission('o2', { kind: 'import' }, { worker }));
      expect(await queue.claim(other, { id: 'o1' }, LEASE)).toBeNull();
      expect(await queue.claim(other, { kinds: ['panic', 'import'] }, LEASE)).toBeNull();
      const later = await queue.enlist('one');
      expect(await queue.claim(later, { id: 'o1' }, LEASE)).toBeNull();
      expect(await queue.claim(worker, { id: 'o1' }, LEASE)).toMatchObject({ operation: { id: 'o1' } });
    });

    it('claim: by kinds → the oldest of them that is for any worker', async () => {
      await queue.submit(submission('o1', {}));
      await queue.submit(submission('o2', { kind: 'import' }));
      await queue.submit(submission('o3', { kind: 'import' }));
      const kinds = ['import'] as const;
      expect(await queue.claim(worker, { kinds }, LEASE)).toMatchObject({ operation: { id: 'o2' } });
      expect(await queue.claim(worker, { kinds }, LEASE)).toMatchObject({ operation: { id: 'o3' } });
      expect(await queue.claim(worker, { kinds }, LEASE)).toBeNull();
    });

    it('heartbeat: phases and time → kept; complete: ended for good', async () => {
      const claim = await claimed('o1');
      now += 5;
      expect(await queue.heartbeat(claim, 1000, 'handoff')).toBe('held');
      expect(await queue.get('o1')).toMatchObject({
        state: 'running',
        phase: 'handoff',
        createdAt: TIME,
        updatedAt: '2024-01-01T00:00:00.005Z',
      });
      const end = { state: 'succeeded', phase: 'stored', captureId: 'c1' } as const;
      expect(await queue.complete(claim, end)).toMatchObject({ id: 'o1', ...end });
      expect(await queue.complete(claim, { state: 'failed' })).toBeNull();
      expect(await queue.heartbeat(claim, 1000, 'queued')).toBe('lost');
      expect(await queue.get('o1')).toMatchObject(end);
      expect(await queue.claim(worker, { id: 'o1' }, LEASE)).toBeNull();
    });

    it('complete: without a phase → the last one stays; an error is kept', async () => {
      const claim = await claimed('o1');
      await queue.heartbeat(claim, 1000, 'dumping');
      const error = { code: 'capture-failed', message: 'no dump' };
      expect(await queue.complete(claim, { state: 'failed', error })).toMatchObject({
        phase: 'dumping',
        error,
      });
    });

    it('cancel: queued → at once, and nobody can claim it', async () => {
      await queue.submit(submission('o1'));
      expect(await queue.cancel('o1')).toMatchObject({ state: 'cancelled' });
      expect(await queue.claim(worker, { id: 'o1' }, LEASE)).toBeNull();
      await expect(queue.cancel('o1')).rejects.toMatchObject({ code: 'conflict' });
      await expect(queue.cancel('absent')).rejects.toMatchObject({ code: 'not-found' });
    });

    it('cancel: at the same time as a claim → one of them wins', async () => {
      // A kind that cannot be cancelled once it runs.
      await queue.submit(submission('o1', { kind: 'stop' }));
      const [cancelled, claim] = await Promise.allSettled([
        queue.cancel('o1'),
        queue.claim(worker, { id: 'o1' }, LEASE),
      ]);
      const isClaimed = claim.status === 'fulfilled' && claim.value !== null;
      expect(cancelled.status).toBe(isClaimed ? 'rejected' : 'fulfilled');
      expect(await queue.get('o1')).toMatchObject({ state: isClaimed ? 'running' : 'cancelled' });
    });

    it.each(['panic', 'kexec', 'restart', 'start', 'reset', 'import'] as const)(
      'cancel: a running %s → its worker sees it by its next heartbeat; what it has made is kept',
      async (kind) => {
        const claim = await claimed('o1', worker, { kind });
        expect(await queue.cancel('o1')).toMatchObject({ state: 'running' });
        expect(await queue.heartbeat(claim, 1000, 'handoff')).toBe('cancelling');
        const end = { state: 'cancelled', captureId: 'c1' } as const;
        expect(await queue.complete(claim, end)).toMatchObject({ ...end, phase: 'handoff' });
        await expect(queue.cancel('o1')).rejects.toMatchObject({ code: 'conflict' });
      },
    );

    it('cancel: a running stop → refused: it ends by itself', async () => {
      const claim = await claimed('o1', worker, { kind: 'stop' });
      await expect(queue.cancel('o1')).rejects.toMatchObject({ code: 'conflict' });
      expect(await queue.heartbeat(claim, 1000)).toBe('held');
    });

    it('expire: a worker that was silent too long → its panic fails, and what it does later is lost', async () => {
      const claim = await claimed('o1');
      now += 999;
      expect(await queue.expire(LOST)).toEqual([]);
      await queue.heartbeat(claim, 1000, 'dumping');
      now += 999;
      expect(await queue.expire(LOST)).toEqual([]);
      now += 1;
      expect(await queue.expire(LOST)).toMatchObject([
        { id: 'o1', state: 'failed', phase: 'dumping', error: LOST },
      ]);
      expect(await queue.expire(LOST)).toEqual([]);
      expect(await queue.heartbeat(claim, 1000)).toBe('lost');
      expect(await queue.complete(claim, { state: 'succeeded' })).toBeNull();
    });

    it('expire: nobody has looked yet → a late heartbeat still holds', async () => {
      const claim = await claimed('o1');
      now += 5000;
      expect(await queue.heartbeat(claim, 1000)).toBe('held');
      expect(await queue.expire(LOST)).toEqual([]);
    });

    it('expire: an import → queued again for any worker; the earlier attempt is lost; not for ever', async () => {
      const first = await claimed('o1', worker, { kind: 'import' });
      const other = await queue.enlist('two');
      for (let attempt = 2; attempt <= MAXIMUM_ATTEMPTS; attempt++) {
        now += 1000;
        expect(await queue.expire(LOST)).toMatchObject([{ id: 'o1', state: 'queued', phase: 'queued' }]);
        // The first worker, too, may get it again: its first attempt is lost all the same.
        const next = attempt % 2 === 0 ? other : worker;
        const again = await queue.claim(next, { kinds: ['import'] }, LEASE);
        expect(again).toMatchObject({ attempt, request: { kind: 'import' } });
        expect(await queue.heartbeat(first, 1000)).toBe('lost');
        expect(await queue.complete(first, { state: 'succeeded' })).toBeNull();
      }
      now += 1000;
      expect(await queue.expire(LOST)).toMatchObject([{ state: 'failed', error: LOST }]);
    });

    it('expire: an import that is to be cancelled → cancelled', async () => {
      await claimed('o1', worker, { kind: 'import' });
      await queue.cancel('o1');
      now += 1000;
      expect(await queue.expire(LOST)).toMatchObject([{ state: 'cancelled' }]);
    });

    it('enlist, failOrphans: what earlier incarnations left, running or queued for them → failed, nothing else', async () => {
      const other = await queue.enlist('two');
      await claimed('o1');
      await queue.submit(submission('o2', {}, { worker }));
      await claimed('o3', other);
      await queue.submit(submission('o4'));
      const ended = await claimed('o5');
      await queue.complete(ended, { state: 'succeeded' });
      const later = await queue.enlist('one');
      expect(later.epoch).toBeGreaterThan(worker.epoch);
      await queue.submit(submission('o6', {}, { worker: later }));
      now += 7;
      const failed = await queue.failOrphans(later, LOST);
      expect(failed.map(({ id }) => id)).toEqual(['o1', 'o2']);
      expect(await queue.get('o1')).toMatchObject({
        state: 'failed',
        error: LOST,
        updatedAt: '2024-01-01T00:00:00.007Z',
      });
      const states = (await queue.list({ limit: 9 })).items.map(({ id, state }) => `${id} ${state}`);
      expect(states).toEqual([
        'o6 queued',
        'o5 succeeded',
        'o4 queued',
        'o3 running',
        'o2 failed',
        'o1 failed',
      ]);
      expect(await queue.failOrphans(later, LOST)).toEqual([]);
    });

    it('a fence: a partition that another has taken over → neither claimed, nor kept, nor completed', async () => {
      const lease = await store.leases.acquire('p1', worker, 1000);
      const fence = { partitionId: 'p1', epoch: lease?.epoch ?? 0 };
      await queue.submit(submission('o1'));
      await queue.submit(submission('o2'));
      const claim = await queue.claim(worker, { id: 'o1' }, { ...LEASE, fence });
      expect(claim).toMatchObject({ fence });
      expect(await queue.heartbeat(claim as Claim, 1000, 'panic')).toBe('held');
      now += 1000;
      await store.leases.acquire('p1', await queue.enlist('two'), 1000);
      expect(await queue.heartbeat(claim as Claim, 1000, 'handoff')).toBe('lost');
      expect(await queue.complete(claim as Claim, { state: 'succeeded' })).toBeNull();
      expect(await queue.claim(worker, { id: 'o2' }, { ...LEASE, fence })).toBeNull();
      expect(await queue.get('o1')).toMatchObject({ state: 'running', phase: 'panic' });
    });

    it('traces: stored with the end, old ones forgotten', async () => {
      const claim = await claimed('o1', worker, { kind: 'kexec' });
      expect(await queue.trace('o1')).toBeNull();
      const trace = '{"version":1,"text":"ä"}';
      expect(await queue.complete(claim, { state: 'succeeded', trace })).toMatchObject({ traced: true });
      expect(await queue.complete(claim, { state: 'succeeded', trace: '{}' })).toBeNull();
      expect(await queue.trace('o1')).toBe(trace);
      for (let i = 0; i < 200; i++)
        await queue.complete(await claimed(`later-${i}`), { state: 'failed', trace: '{}' });
      expect(await queue.trace('o1')).toBeNull();
      expect(await queue.trace('later-0')).toBe('{}');
      expect(await queue.get('o1')).toMatchObject({ id: 'o1' });
      expect(await queue.trace('absent')).toBeNull();
    });

    it('list: newest first, page by page, by partition and state', async () => {
      for (let i = 1; i <= 7; i++) {
        const partitionId = i % 2 === 0 ? 'p2' : 'p1';
        if (i > 5) await queue.complete(await claimed(`o${i}`, worker, { partitionId }), { state: 'failed' });
        else await queue.submit(submission(`o${i}`, { partitionId }));
      }
      const pages: string[][] = [];
      let cursor: string | undefined;
      do {
        const page = await queue.list({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
        pages.push(page.items.map(({ id }) => id));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(pages).toEqual([['o7', 'o6', 'o5'], ['o4', 'o3', 'o2'], ['o1']]);
      const ids = (page: { items: readonly { id: string }[] }): string[] => page.items.map(({ id }) => id);
      expect(ids(await queue.list({ limit: 9, partitionId: 'p2' }))).toEqual(['o6', 'o4', 'o2']);
      expect(ids(await queue.list({ limit: 9, state: 'failed' }))).toEqual(['o7', 'o6']);
      await expect(queue.list({ limit: 1, cursor: 'x' })).rejects.toMatchObject({ code: 'invalid' });
    });
  });
}
