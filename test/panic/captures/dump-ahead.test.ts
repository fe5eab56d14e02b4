/** A dump that is stored while the guest writes it: what is stored is what lies on the disk at the end, and nothing is lost where that fails. */

import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { concatBytes } from '../../../src/base/bytes.ts';
import { DiskError } from '../../../src/base/disk-error.ts';
import type { PartitionConfig, WrittenParts } from '../../../src/emulator/host/index.ts';
import { DumpAhead } from '../../../src/panic/captures/dump-ahead.ts';
import { openLocalVmcoreStore, type VmcoreDraft, type VmcoreStore } from '../../../src/vmcore/store/index.ts';
import { BOOT } from '../../synth/crashing-guest.ts';
import { CRASHES, closeFleetWorld, openFleetWorld } from '../../synth/fleet-world.ts';
import { elfDump } from '../../synth/vmcore.ts';
import { noise } from '../../vmcore/store/page-store-contract.ts';

const CHUNK = 65536;
const CONFIG = { disks: [{ kind: 'scratch', bytes: 2 ** 30 }] } as unknown as PartitionConfig;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let store: VmcoreStore | undefined;
afterEach(async () => {
  await store?.close();
  store = undefined;
});

/** A guest that gives these parts, one answer after another, and has then ended. */
function guest(...answers: readonly WrittenParts['parts'][]) {
  let next = 0;
  return {
    config: CONFIG,
    takeWritten: async (): Promise<WrittenParts> => {
      const parts = answers[next++] ?? [];
      return { parts, ended: next > answers.length };
    },
  };
}

const part = (chunk: number, bytes: Uint8Array) => ({ offset: chunk * CHUNK, bytes: bytes.slice() });

describe('DumpAhead', () => {
  it('a guest writes a part again → the dump is what lies on the disk at the end', async () => {
    store = openLocalVmcoreStore(':memory:');
    const [first, last] = [noise(2 * CHUNK, 1), noise(CHUNK, 2)];
    const ahead = new DumpAhead(
      store,
      guest([part(0, noise(2 * CHUNK, 9)), part(3, last)], [part(0, first)]),
    );
    ahead.begin();
    ahead.begin();
    const whole = concatBytes([first, new Uint8Array(CHUNK), last.subarray(0, 1000)]);
    const stored = await ahead.finish(whole.length);
    expect(stored).toMatchObject({ bytes: whole.length, sha256: sha256(whole) });
    expect(await ahead.giveUp()).toBe(false);
    expect(ahead.failure).toBeUndefined();
  });

  it('never begun, or on a disk that is not tracked → nothing is stored', async () => {
    store = openLocalVmcoreStore(':memory:');
    const never = new DumpAhead(store, guest([part(0, noise(CHUNK, 1))]));
    expect(await never.finish(CHUNK)).toBeUndefined();
    const file = { disks: [{ kind: 'file', path: '/x', readOnly: false }] } as unknown as PartitionConfig;
    const other = new DumpAhead(store, { ...guest([part(0, noise(CHUNK, 1))]), config: file });
    other.begin();
    expect(await other.finish(CHUNK)).toBeUndefined();
    expect((await store.figures()).chunks).toBe(0);
  });

  it('given up → what it held is free, and it says that something was stored in vain', async () => {
    store = openLocalVmcoreStore(':memory:');
    const ahead = new DumpAhead(store, guest([part(0, noise(CHUNK, 1))]));
    ahead.begin();
    expect(await ahead.giveUp()).toBe(true);
    expect(await ahead.finish(CHUNK)).toBeUndefined();
    await store.retain(new Set());
    expect((await store.figures()).chunks).toBe(0);
  });

  it('a machine that is gone → no vmcore, the reason, and nothing held', async () => {
    store = openLocalVmcoreStore(':memory:');
    const handle = {
      config: CONFIG,
      takeWritten: () => Promise.reject(new Error('the worker ended with 1')),
    };
    const ahead = new DumpAhead(store, handle);
    ahead.begin();
    expect(await ahead.finish(CHUNK)).toBeUndefined();
    expect(ahead.failure?.message).toBe('the worker ended with 1');
  });
});

describe('a capture', () => {
  const DUMP = elfDump();

  async function capture(vmcores: VmcoreStore, onError: (error: Error) => void) {
    const { openMetadataStore } = await import('../../../src/panic/store/index.ts');
    const world = await openFleetWorld(CRASHES, {
      stores: { metadata: openMetadataStore(':memory:'), vmcores },
      onError,
    });
    try {
      const { id } = await world.fleet.create({ image: BOOT.name });
      await world.fleet.startAll();
      await world.operations.submit({
        kind: 'panic',
        partitionId: id,
        options: { trigger: 'sysrq', dump: 'raw' },
      });
      await expect
        .poll(async () => (await world.captures.list({ limit: 9 })).items.length, { timeout: 20_000 })
        .toBe(1);
      return (await world.captures.list({ limit: 9 })).items[0];
    } finally {
      await closeFleetWorld(world);
    }
  }

  it('is stored by what came ahead', async () => {
    const errors: Error[] = [];
    const vmcores = openLocalVmcoreStore(':memory:');
    vmcores.writeVmcore = () => Promise.reject(new Error('not from the disk'));
    const found = await capture(vmcores, (error) => errors.push(error));
    expect(found).toMatchObject({
      outcome: 'captured',
      vmcore: { sha256: sha256(DUMP), bytes: DUMP.length },
    });
    expect(errors).toEqual([]);
  });

  it.each(['put', 'finish'] as const)(
    'whose %s ahead fails → is stored from the disk, and the failure is reported',
    async (what) => {
      const errors: Error[] = [];
      const vmcores = openLocalVmcoreStore(':memory:');
      const begin = vmcores.beginVmcore.bind(vmcores);
      vmcores.beginVmcore = async (): Promise<VmcoreDraft> => {
        const draft = await begin();
        return Object.assign(draft, {
          [what]: () => Promise.reject(new DiskError('disk-error', 'the disk failed')),
        });
      };
      const found = await capture(vmcores, (error) => errors.push(error));
      expect(found).toMatchObject({
        outcome: 'captured',
        vmcore: { sha256: sha256(DUMP), bytes: DUMP.length },
      });
      expect(errors.map(({ message }) => message)).toEqual(['the disk failed']);
    },
  );
});
