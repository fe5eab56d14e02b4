/** What every MetadataStore must do. A second implementation runs the same suite. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApiKey, AuditEntry, Capture } from '../../../src/panic/contract/index.ts';
import type { MetadataStore, ScheduleFiring } from '../../../src/panic/store/index.ts';

const TIME = '2024-01-01T00:00:00.000Z';

function capture(id: string, more: Partial<Capture> = {}): Capture {
  return {
    id,
    partitionId: 'p1',
    image: 'debian',
    outcome: 'captured',
    phase: 'stored',
    vmcore: { bytes: 1000, format: 'elf', sha256: 'ab'.repeat(32) },
    rules: { held: 10, broken: 0, notReached: 0, notApplicable: 2 },
    createdAt: TIME,
    ...more,
  };
}

export type OpenedMetadata = {
  readonly store: MetadataStore;
  /** Changes what is stored of a record. */
  readonly tamper: (table: 'capture' | 'partition' | 'trace' | 'operation', id: string) => void;
};

export function metadataStoreContract(
  name: string,
  open: (now: () => number) => Promise<OpenedMetadata>,
): void {
  describe(`MetadataStore: ${name}`, () => {
    let store: MetadataStore;
    let tamper: OpenedMetadata['tamper'];
    let now = 0;
    beforeEach(async () => {
      now = Date.parse(TIME);
      ({ store, tamper } = await open(() => now));
    });
    afterEach(() => store.close());

    it('partitions: created, listed in order, deleted; a taken id or name → conflict', async () => {
      const one = { id: 'p1', name: 'node-1', request: { image: 'debian', cpus: 2 } };
      await store.partitions.create({ ...one, id: 'p2', name: 'node-2' });
      await store.partitions.create(one);
      expect((await store.partitions.list()).map(({ id }) => id)).toEqual(['p2', 'p1']);
      expect((await store.partitions.list())[1]).toEqual(one);
      await expect(store.partitions.create({ ...one, name: 'node-3' })).rejects.toMatchObject({
        name: 'Refusal',
        code: 'conflict',
      });
      await expect(store.partitions.create({ ...one, id: 'p3' })).rejects.toMatchObject({
        name: 'Refusal',
        code: 'conflict',
      });
      expect(await store.partitions.delete('p1')).toBe(true);
      expect(await store.partitions.delete('p1')).toBe(false);
      expect(await store.partitions.list()).toHaveLength(1);
      await store.partitions.create(one);
    });

    const apiKey = (id: string, more: Partial<ApiKey> = {}): ApiKey => ({
      id,
      name: id,
      scopes: ['view'],
      createdAt: TIME,
      ...more,
    });
    const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

    it('keys: created, found with their hash, listed in order; a taken id or live name → conflict', async () => {
      const one = apiKey('k1', { name: 'ops', quota: { maxPartitions: 2 }, expiresAt: TIME });
      await store.keys.create({ key: apiKey('k2'), hash: hash(2) });
      await store.keys.create({ key: one, hash: hash(1) });
      expect(await store.keys.find('k1')).toEqual({ key: one, hash: hash(1) });
      expect(await store.keys.find('absent')).toBeNull();
      expect((await store.keys.list()).map(({ id }) => id)).toEqual(['k2', 'k1']);
      for (const key of [apiKey('k1', { name: 'other' }), apiKey('k3', { name: 'ops' })])
        await expect(store.keys.create({ key, hash: hash(3) })).rejects.toMatchObject({
          name: 'Refusal',
          code: 'conflict',
        });
      expect((await store.keys.find('k1'))?.hash).toEqual(hash(1));
    });

    it('keys: revoked → its time stays, the name is free; used → its time', async () => {
      await store.keys.create({ key: apiKey('k1', { name: 'ops' }), hash: hash(1) });
      const later = '2024-01-02T00:00:00.000Z';
      await store.keys.used('k1', TIME);
      expect(await store.keys.revoke('k1', TIME)).toEqual(
        apiKey('k1', { name: 'ops', revokedAt: TIME, lastUsedAt: TIME }),
      );
      expect((await store.keys.revoke('k1', later))?.revokedAt).toBe(TIME);
      expect(await store.keys.revoke('absent', TIME)).toBeNull();
      await store.keys.used('k1', later);
      await store.keys.create({ key: apiKey('k2', { name: 'ops' }), hash: hash(2) });
      expect(await store.keys.list()).toMatchObject([
        { id: 'k1', revokedAt: TIME, lastUsedAt: later },
        { id: 'k2' },
      ]);
      expect((await store.keys.find('k2'))?.key).not.toHaveProperty('revokedAt');
    });

    const entry = (n: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
      id: `a${n}`,
      at: new Date(Date.parse(TIME) + n * 60_000).toISOString(),
      actor: { kind: 'local' },
      action: 'partition.panic',
      outcome: 'done',
      ...more,
    });
    const auditIds = async (query: object = {}): Promise<string[]> =>
      (await store.audit.list({ limit: 200, ...query })).items.map(({ id }) => id);

    it('audit: listed newest first, page by page, by action, outcome and key', async () => {
      const actor = { kind: 'key', id: 'k1', name: 'ops' } as const;
      await store.audit.add(entry(1));
      await store.audit.add(entry(2, { actor, outcome: 'refused', action: 'read' }));
      await store.audit.add(entry(3, { actor, action: 'capture.download', bytes: 7, complete: true }));
      expect(await auditIds()).toEqual(['a3', 'a2', 'a1']);
      expect(await auditIds({ keyId: 'k1' })).toEqual(['a3', 'a2']);
      expect(await auditIds({ outcome: 'refused' })).toEqual(['a2']);
      expect(await auditIds({ action: 'partition.panic' })).toEqual(['a1']);
      const { items, next } = await store.audit.list({ limit: 2 });
      expect(items[0]).toEqual(entry(3, { actor, action: 'capture.download', bytes: 7, complete: true }));
      expect(next).toBeDefined();
      expect(await auditIds({ cursor: next })).toEqual(['a1']);
      await expect(store.audit.list({ limit: 1, cursor: 'x' })).rejects.toMatchObject({ code: 'invalid' });
    });

    it('audit: pruned by count and age; a flood of refusals displaces nothing that was done', async () => {
      for (let n = 0; n < 4; n++) await store.audit.add(entry(n));
      for (let n = 4; n < 30; n++)
        await store.audit.add(entry(n, { outcome: n % 2 === 0 ? 'refused' : 'failed' }));
      const limits = { done: 3, notDone: 2, since: entry(2).at };
      expect(await store.audit.prune(limits)).toBe(2 + 24);
      expect(await auditIds()).toEqual(['a29', 'a28', 'a3', 'a2']);
      expect(await store.audit.prune({ ...limits, done: 1 })).toBe(1);
      expect(await auditIds()).toEqual(['a29', 'a28', 'a3']);
      expect(await store.audit.prune(limits)).toBe(0);
    });

    it('audit: a flood by one key, of one action, displaces neither what others did nor what else it did', async () => {
      const by = (id: string) => ({ kind: 'key', id, name: id }) as const;
      await store.audit.add(entry(0, { actor: by('k2') }));
      await store.audit.add(entry(1, { actor: by('k1') }));
      await store.audit.add(entry(2));
      for (let n = 3; n < 30; n++)
        await store.audit.add(entry(n, { actor: by('k1'), action: 'capture.download' }));
      expect(await store.audit.prune({ done: 5, notDone: 5, since: TIME })).toBe(25);
      expect(await auditIds()).toEqual(['a29', 'a28', 'a2', 'a1', 'a0']);
    });

    it('firings: each once, ended once, newest first; what an earlier incarnation ran fails; old ones are forgotten', async () => {
      const worker = { id: 'one', epoch: 1 };
      const at = (n: number): string => new Date(Date.parse(TIME) + n * 60_000).toISOString();
      const firing = (n: number, state: ScheduleFiring['state']): ScheduleFiring => ({
        scheduleId: 's',
        fireTime: at(n),
        state,
      });
      expect(await store.firings.add(firing(1, 'running'), worker)).toBe(true);
      expect(await store.firings.add(firing(1, 'running'))).toBe(false);
      expect(await store.firings.add(firing(1, 'missed'))).toBe(false);
      expect(await store.firings.add({ ...firing(1, 'missed'), scheduleId: 'other' })).toBe(true);
      expect(await store.firings.add(firing(0, 'missed'))).toBe(true);
      expect(await store.firings.add(firing(2, 'running'), worker)).toBe(true);
      const ended: ScheduleFiring = { ...firing(1, 'succeeded'), endedAt: at(3) };
      expect(await store.firings.end(ended)).toBe(true);
      expect(await store.firings.end({ ...ended, state: 'failed' })).toBe(false);
      now = Date.parse(at(4));
      expect(await store.firings.failOrphans(worker, 'restarted')).toBe(0);
      expect(await store.firings.failOrphans({ id: 'two', epoch: 9 }, 'restarted')).toBe(0);
      expect(await store.firings.failOrphans({ id: 'one', epoch: 2 }, 'restarted')).toBe(1);
      expect(await store.firings.last('s', 2)).toEqual([
        { ...firing(2, 'failed'), endedAt: at(4), error: 'restarted' },
        ended,
      ]);
      expect(await store.firings.last('s', 9)).toHaveLength(3);
      expect(await store.firings.last('nobody', 9)).toEqual([]);
      for (let n = 3; n < 1010; n++) await store.firings.add(firing(n, 'missed'));
      const kept = await store.firings.last('s', 5000);
      expect(kept).toHaveLength(1000);
      expect([kept[0]?.fireTime, kept.at(-1)?.fireTime]).toEqual([at(1009), at(10)]);
      expect(await store.firings.last('other', 9)).toHaveLength(1);
    });

    it('captures: listed newest first, page by page, by partition, outcome and signature; counted', async () => {
      for (let i = 1; i <= 7; i++) {
        await store.captures.create(
          capture(`c${i}`, {
            outcome: i > 5 ? 'failed' : 'captured',
            signature: `s${i % 3}`,
            partitionId: i % 2 === 0 ? 'p2' : 'p1',
          }),
          {},
        );
      }
      const pages: string[][] = [];
      let cursor: string | undefined;
      do {
        const page = await store.captures.list({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
        pages.push(page.items.map(({ id }) => id));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(pages).toEqual([['c7', 'c6', 'c5'], ['c4', 'c3', 'c2'], ['c1']]);
      const ids = (page: { items: readonly { id: string }[] }): string[] => page.items.map(({ id }) => id);
      expect(ids(await store.captures.list({ limit: 9, outcome: 'failed', partitionId: 'p1' }))).toEqual([
        'c7',
      ]);
      expect(ids(await store.captures.list({ limit: 9, signature: 's1' }))).toEqual(['c7', 'c4', 'c1']);
      expect(await store.captures.list({ limit: 7 })).not.toHaveProperty('next');
      expect([await store.captures.count('p1'), await store.captures.count('p2')]).toEqual([4, 3]);
      expect(await store.captures.count('absent')).toBe(0);
      expect(await store.captures.tally()).toEqual({ captured: 5, failed: 2 });
    });

    it('lists: an item added or removed between pages → no other is skipped or repeated', async () => {
      for (let i = 1; i <= 4; i++) await store.captures.create(capture(`c${i}`), {});
      const first = await store.captures.list({ limit: 2 });
      await store.captures.create(capture('c5'), {});
      await store.captures.delete('c3');
      const second = await store.captures.list({ limit: 2, cursor: first.next ?? '' });
      expect(second.items.map(({ id }) => id)).toEqual(['c2', 'c1']);
    });

    it.each(['', 'x', '-1', '0', '1;DROP TABLE capture', '99999999999999999999'])(
      'lists: the cursor %j → Refusal invalid',
      async (cursor) => {
        await expect(store.captures.list({ limit: 1, cursor })).rejects.toMatchObject({
          name: 'Refusal',
          code: 'invalid',
        });
      },
    );

    it('captures: with trace, console and manifest → all come back, and go together', async () => {
      const console = Uint8Array.from({ length: 5000 }, (_, i) => i & 255);
      const trace = JSON.stringify({
        version: 1,
        events: Array.from({ length: 100 }, (_, n) => ({ n, text: 'ä' })),
      });
      await store.captures.create(capture('c1'), { manifestId: 'm-7', trace, console });
      await store.captures.create(
        capture('c2', { outcome: 'failed', vmcore: null, reason: 'digest mismatch' }),
        {},
      );
      expect(await store.captures.get('c1')).toEqual(capture('c1'));
      expect(await store.captures.trace('c1')).toBe(trace);
      expect(await store.captures.console('c1')).toEqual(console);
      expect(await store.captures.manifestId('c1')).toBe('m-7');
      expect(await store.captures.manifestIds()).toEqual(new Set(['m-7']));
      expect(await store.captures.holders(['m-7', 'm-8'])).toEqual([{ id: 'c1', manifestId: 'm-7' }]);
      expect([
        await store.captures.trace('c2'),
        await store.captures.console('c2'),
        await store.captures.manifestId('c2'),
      ]).toEqual([null, null, null]);
      expect(await store.captures.delete('c1')).toBe(true);
      expect(await store.captures.delete('c1')).toBe(false);
      expect([
        await store.captures.get('c1'),
        await store.captures.trace('c1'),
        await store.captures.console('c1'),
      ]).toEqual([null, null, null]);
      expect(await store.captures.manifestIds()).toEqual(new Set());
    });

    it('captures: a taken id, or a vmcore that another capture has → conflict, and nothing is left of it', async () => {
      await store.captures.create(capture('c1'), { manifestId: 'm-7' });
      await expect(store.captures.create(capture('c1'), { trace: '{}' })).rejects.toMatchObject({
        code: 'conflict',
      });
      await expect(
        store.captures.create(capture('c2'), { manifestId: 'm-7', trace: '{}' }),
      ).rejects.toMatchObject({
        code: 'conflict',
      });
      expect(await store.captures.get('c2')).toBeNull();
      expect(await store.captures.trace('c2')).toBeNull();
    });

    it('captures: of a partition that another has taken over → conflict, and nothing is left of it', async () => {
      const owner = { id: 'one', epoch: 1 };
      const lease = await store.leases.acquire('p1', owner, 1000);
      const fence = { partitionId: 'p1', epoch: lease?.epoch ?? 0 };
      await store.captures.create(capture('c1'), {}, fence);
      now += 1000;
      await store.leases.acquire('p1', { id: 'two', epoch: 1 }, 1000);
      await expect(store.captures.create(capture('c2'), { trace: '{}' }, fence)).rejects.toMatchObject({
        code: 'conflict',
      });
      expect([await store.captures.get('c2'), await store.captures.trace('c2')]).toEqual([null, null]);
    });

    it('records that changed in the store → never given; lists leave them out, pages name them; they can be deleted', async () => {
      for (const id of ['c1', 'c2', 'c3'])
        await store.captures.create(capture(id), { manifestId: `m-${id}`, trace: '{}' });
      for (const id of ['p1', 'p2'])
        await store.partitions.create({ id, name: `node-${id}`, request: { image: 'debian' } });
      expect(await store.damaged()).toEqual([]);
      tamper('capture', 'c2');
      tamper('trace', 'c3');
      tamper('partition', 'p1');
      const corrupt = { name: 'StoredDataError', code: 'store/corrupt-record' };
      await expect(store.captures.get('c2')).rejects.toMatchObject(corrupt);
      await expect(store.captures.manifestId('c2')).rejects.toMatchObject(corrupt);
      await expect(store.captures.manifestIds()).rejects.toMatchObject(corrupt);
      await expect(store.captures.trace('c3')).rejects.toMatchObject(corrupt);
      const page = await store.captures.list({ limit: 2 });
      expect([page.items.map(({ id }) => id), page.damaged]).toEqual([['c3'], ['c2']]);
      const rest = await store.captures.list({ limit: 2, cursor: page.next ?? '' });
      expect([rest.items.map(({ id }) => id), rest.damaged]).toEqual([['c1'], undefined]);
      expect((await store.partitions.list()).map(({ id }) => id)).toEqual(['p2']);
      expect((await store.damaged()).map(({ table, id }) => `${table} ${id}`).sort()).toEqual([
        'capture c2',
        'partition p1',
        'trace c3',
      ]);
      expect(await store.captures.delete('c2')).toBe(true);
      expect(await store.captures.delete('c3')).toBe(true);
      expect(await store.partitions.delete('p1')).toBe(true);
      expect(await store.damaged()).toEqual([]);
      expect(await store.captures.manifestIds()).toEqual(new Set(['m-c1']));
    });

    it('starts: each that no end followed → how long ago, the last two, newest first; an end forgets them', async () => {
      expect(await store.starts.unfinished('p1')).toEqual([]);
      for (const id of ['p1', 'p2', 'p1', 'p1']) {
        await store.starts.began(id);
        now += 1000;
      }
      expect(await store.starts.unfinished('p1')).toEqual([1000, 2000]);
      await store.starts.ended('p1');
      expect(await store.starts.unfinished('p1')).toEqual([]);
      expect(await store.starts.unfinished('p2')).toEqual([3000]);
    });

    it('unknown ids → null', async () => {
      expect(await store.captures.get('x')).toBeNull();
      expect(await store.captures.trace('x')).toBeNull();
    });
  });
}
