/** A disk writes to memory by itself: the store event shows what came from the disk, and names no vCPU. */

import { expect, it } from 'vitest';
import { BuiltInGuest, MIB } from '../../synth/built-in-guest.ts';

const MARK = 3;
const SHOWN = 256;

it('a sector that a guest reads from a disk → a store by no vCPU, with the sector as its new bytes', {
  timeout: 120_000,
}, () => {
  const guest = new BuiltInGuest({ cpus: 1 });
  guest.ready();
  guest.put({ crash: guest.plan({ crash: true, digest: false }) });
  guest.partition.observe({
    probes: [],
    // Every store of the guest's is one too many; those of a device are counted apart.
    stores: [{ raddr: 0, length: 128 * MIB, mark: MARK, limit: 200 }],
    executes: [],
    msrMask: 0n,
    vectors: [],
    hcallsExcept: [],
  });
  guest.command('load raw');
  const written = guest.events.filter((event) => event.kind === 'store').filter(({ cpu }) => cpu === -1);
  const sector = new Uint8Array(512);
  guest.plans.read(0, sector);
  const found = written.find(
    ({ length, new: now }) => length >= 512 && Buffer.compare(now, sector.subarray(0, SHOWN)) === 0,
  );
  expect(found).toBeDefined();
  expect(found?.by).toBeUndefined();
  expect(found?.old).not.toEqual(found?.new);
});
