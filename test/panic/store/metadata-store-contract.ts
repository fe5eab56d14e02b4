/** What every MetadataStore must do. A second implementation runs the same suite. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Capture, Operation } from '../../../src/panic/contract/index.ts';
import type { MetadataStore, ScheduleFiring } from '../../../src/panic/store/index.ts';

const TIME = '2024-01-01T00:00:00.000Z';

function operation(id: string, more: Partial<Operation> = {}): Operation {
  return {
    id,
    kind: 'panic',
    state: 'queued',
    phase: 'queued',
    partitionId: 'p1',
    createdAt: TIME,
    updatedAt: TIME,
    ...more,
  };
}

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

export function metadataStoreContract(name: string, open: () => Promise<MetadataStore>): void {
  describe(`MetadataStore: ${name}`, () => {
    let store: MetadataStore;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    it('images: put, replaced, listed by name, deleted', async () => {
      await store.putImage({ name: 'b', state: 'importing', record: {} });
      await store.putImage({ name: 'a', state: 'ready', record: { files: [1, { x: 'y' }] } });
      await store.putImage({ name: 'b', state: 'failed', record: { why: 'no apt' } });
      expect(await store.listImages()).toEqual([
        { name: 'a', state: 'ready', record: { files: [1, { x: 'y' }] } },
        { name: 'b', state: 'failed', record: { why: 'no apt' } },
      ]);
      expect(await store.getImage('b')).toMatchObject({ state: 'failed' });
      expect(await store.deleteImage('b')).toBe(true);
      expect(await store.deleteImage('b')).toBe(false);
      expect(await store.getImage('b')).toBeNull();
    });

    it('partitions: created, listed in order, deleted; a taken id or name → conflict', async () => {
      const one = { id: 'p1', name: 'node-1', request: { image: 'debian', cpus: 2 } };
      await store.createPartition({ ...one, id: 'p2', name: 'node-2' });
      await store.createPartition(one);
      expect((await store.listPartitions()).map(({ id }) => id)).toEqual(['p2', 'p1']);
      expect(await store.getPartition('p1')).toEqual(one);
      await expect(store.createPartition({ ...one, name: 'node-3' })).rejects.toMatchObject({
        name: 'Refusal',
        code: 'conflict',
      });
      await expect(store.createPartition({ ...one, id: 'p3' })).rejects.toMatchObject({
        name: 'Refusal',
        code: 'conflict',
      });
      expect(await store.deletePartition('p1')).toBe(true);
      expect(await store.getPartition('p1')).toBeNull();
      await store.createPartition(one);
    });

    it('operations: the same key twice → the first one, and nothing added', async () => {
      expect(await store.createOperation(operation('o1'), 'key')).toEqual(operation('o1'));
      expect(await store.createOperation(operation('o2'), 'key')).toEqual(operation('o1'));
      expect(await store.getOperation('o2')).toBeNull();
      expect(await store.findOperation('key')).toEqual(operation('o1'));
      expect(await store.findOperation('o1')).toBeNull();
      await store.updateOperation(operation('o1', { state: 'failed', phase: 'handoff' }));
      expect(await store.findOperation('key')).toMatchObject({ id: 'o1', state: 'failed' });
      expect(await store.createOperation(operation('o6'), 'key')).toMatchObject({
        id: 'o1',
        state: 'failed',
      });
      expect(await store.createOperation(operation('o3'), 'another')).toEqual(operation('o3'));
      await store.createOperation(operation('o4'));
      await store.createOperation(operation('o5'));
      await expect(store.createOperation(operation('o5'))).rejects.toMatchObject({ code: 'conflict' });
    });

    it('operations: updated until they end, never after', async () => {
      await store.createOperation(operation('o1'));
      expect(await store.updateOperation(operation('o1', { state: 'running', phase: 'panic' }))).toBe(true);
      expect(
        await store.updateOperation(
          operation('o1', { state: 'succeeded', phase: 'stored', captureId: 'c1' }),
        ),
      ).toBe(true);
      expect(await store.updateOperation(operation('o1', { state: 'failed' }))).toBe(false);
      expect(await store.getOperation('o1')).toMatchObject({ state: 'succeeded', captureId: 'c1' });
      expect(await store.updateOperation(operation('absent'))).toBe(false);
    });

    it('failUnfinished: queued and running ones fail with the reason; ended ones stay', async () => {
      await store.createOperation(operation('o1'));
      await store.createOperation(operation('o2', { state: 'running', phase: 'dumping' }));
      await store.createOperation(operation('o3', { state: 'succeeded' }));
      const later = '2024-01-02T00:00:00.000Z';
      const error = { code: 'restarted', message: 'the service was restarted' };
      const failed = await store.failUnfinished(error, later);
      expect(failed.map(({ id }) => id)).toEqual(['o1', 'o2']);
      expect(await store.getOperation('o2')).toEqual(
        operation('o2', { state: 'failed', phase: 'dumping', error, updatedAt: later }),
      );
      expect(await store.getOperation('o3')).toMatchObject({ state: 'succeeded' });
      expect(await store.failUnfinished(error, later)).toEqual([]);
    });

    it('firings: each once, ended once, newest first; what ran fails after a restart; old ones are forgotten', async () => {
      const at = (n: number): string => new Date(Date.parse(TIME) + n * 60_000).toISOString();
      const firing = (n: number, state: ScheduleFiring['state']): ScheduleFiring => ({
        scheduleId: 's',
        fireTime: at(n),
        state,
      });
      expect(await store.addFiring(firing(1, 'running'))).toBe(true);
      expect(await store.addFiring(firing(1, 'running'))).toBe(false);
      expect(await store.addFiring(firing(1, 'missed'))).toBe(false);
      expect(await store.addFiring({ ...firing(1, 'missed'), scheduleId: 'other' })).toBe(true);
      expect(await store.addFiring(firing(0, 'missed'))).toBe(true);
      expect(await store.addFiring(firing(2, 'running'))).toBe(true);
      const ended: ScheduleFiring = { ...firing(1, 'succeeded'), endedAt: at(3) };
      expect(await store.endFiring(ended)).toBe(true);
      expect(await store.endFiring({ ...ended, state: 'failed' })).toBe(false);
      expect(await store.failRunningFirings('restarted', at(4))).toBe(1);
      expect(await store.lastFirings('s', 2)).toEqual([
        { ...firing(2, 'failed'), endedAt: at(4), error: 'restarted' },
        ended,
      ]);
      expect(await store.lastFirings('s', 9)).toHaveLength(3);
      expect(await store.lastFirings('nobody', 9)).toEqual([]);
      for (let n = 3; n < 1010; n++) await store.addFiring(firing(n, 'missed'));
      const kept = await store.lastFirings('s', 5000);
      expect(kept).toHaveLength(1000);
      expect([kept[0]?.fireTime, kept.at(-1)?.fireTime]).toEqual([at(1009), at(10)]);
      expect(await store.lastFirings('other', 9)).toHaveLength(1);
    });

    it('traces of operations: put once, read back, old ones forgotten', async () => {
      await store.createOperation(operation('o1', { kind: 'kexec' }));
      expect(await store.getOperationTrace('o1')).toBeNull();
      await store.putOperationTrace('o1', '{"version":1,"text":"ä"}');
      expect(await store.getOperationTrace('o1')).toBe('{"version":1,"text":"ä"}');
      await expect(store.putOperationTrace('o1', '{}')).rejects.toMatchObject({ code: 'conflict' });
      await expect(store.putOperationTrace('nobody', '{}')).rejects.toThrow();
      for (let i = 0; i < 200; i++) {
        await store.createOperation(operation(`later-${i}`));
        await store.putOperationTrace(`later-${i}`, '{}');
      }
      expect(await store.getOperationTrace('o1')).toBeNull();
      expect(await store.getOperationTrace('later-0')).toBe('{}');
      expect(await store.getOperation('o1')).toMatchObject({ id: 'o1' });
    });

    it('lists: newest first, page by page, by partition, state, outcome and signature', async () => {
      for (let i = 1; i <= 7; i++) {
        await store.createOperation(
          operation(`o${i}`, { partitionId: i % 2 === 0 ? 'p2' : 'p1', state: i > 5 ? 'failed' : 'queued' }),
        );
        await store.createCapture(
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
        const page = await store.listOperations({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
        pages.push(page.items.map(({ id }) => id));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(pages).toEqual([['o7', 'o6', 'o5'], ['o4', 'o3', 'o2'], ['o1']]);
      const ids = (page: { items: readonly { id: string }[] }): string[] => page.items.map(({ id }) => id);
      expect(ids(await store.listOperations({ limit: 9, partitionId: 'p2' }))).toEqual(['o6', 'o4', 'o2']);
      expect(ids(await store.listOperations({ limit: 9, state: 'failed' }))).toEqual(['o7', 'o6']);
      expect(ids(await store.listCaptures({ limit: 9, outcome: 'failed', partitionId: 'p1' }))).toEqual([
        'c7',
      ]);
      expect(ids(await store.listCaptures({ limit: 9, signature: 's1' }))).toEqual(['c7', 'c4', 'c1']);
      expect(await store.listCaptures({ limit: 7 })).not.toHaveProperty('next');
    });

    it('lists: an item added or removed between pages → no other is skipped or repeated', async () => {
      for (let i = 1; i <= 4; i++) await store.createCapture(capture(`c${i}`), {});
      const first = await store.listCaptures({ limit: 2 });
      await store.createCapture(capture('c5'), {});
      await store.deleteCapture('c3');
      const second = await store.listCaptures({ limit: 2, cursor: first.next ?? '' });
      expect(second.items.map(({ id }) => id)).toEqual(['c2', 'c1']);
    });

    it.each(['', 'x', '-1', '0', '1;DROP TABLE capture', '99999999999999999999'])(
      'lists: the cursor %j → Refusal invalid',
      async (cursor) => {
        await expect(store.listCaptures({ limit: 1, cursor })).rejects.toMatchObject({
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
      await store.createCapture(capture('c1'), { manifestId: 'm-7', trace, console });
      await store.createCapture(
        capture('c2', { outcome: 'failed', vmcore: null, reason: 'digest mismatch' }),
        {},
      );
      expect(await store.getCapture('c1')).toEqual(capture('c1'));
      expect(await store.getTrace('c1')).toBe(trace);
      expect(await store.getConsole('c1')).toEqual(console);
      expect(await store.getManifestId('c1')).toBe('m-7');
      expect(await store.manifestIds()).toEqual(new Set(['m-7']));
      expect([
        await store.getTrace('c2'),
        await store.getConsole('c2'),
        await store.getManifestId('c2'),
      ]).toEqual([null, null, null]);
      expect(await store.deleteCapture('c1')).toBe(true);
      expect(await store.deleteCapture('c1')).toBe(false);
      expect([
        await store.getCapture('c1'),
        await store.getTrace('c1'),
        await store.getConsole('c1'),
      ]).toEqual([null, null, null]);
      expect(await store.manifestIds()).toEqual(new Set());
    });

    it('captures: a taken id, or a vmcore that another capture has → conflict, and nothing is left of it', async () => {
      await store.createCapture(capture('c1'), { manifestId: 'm-7' });
      await expect(store.createCapture(capture('c1'), { trace: '{}' })).rejects.toMatchObject({
        code: 'conflict',
      });
      await expect(
        store.createCapture(capture('c2'), { manifestId: 'm-7', trace: '{}' }),
      ).rejects.toMatchObject({
        code: 'conflict',
      });
      expect(await store.getCapture('c2')).toBeNull();
      expect(await store.getTrace('c2')).toBeNull();
    });

    it('unknown ids → null', async () => {
      expect(await store.getPartition('x')).toBeNull();
      expect(await store.getOperation('x')).toBeNull();
      expect(await store.getCapture('x')).toBeNull();
      expect(await store.getTrace('x')).toBeNull();
    });
  });
}
