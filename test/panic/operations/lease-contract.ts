/** What every PartitionLease must do. A second implementation runs the same suite. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lease, PartitionLease } from '../../../src/panic/operations/index.ts';
import type { MetadataStore } from '../../../src/panic/store/index.ts';

const ONE = { id: 'one', epoch: 1 };
const TWO = { id: 'two', epoch: 1 };

/** @param open a new store over the given clock (milliseconds since 1970) */
export function leaseContract(name: string, open: (now: () => number) => Promise<MetadataStore>): void {
  describe(`PartitionLease: ${name}`, () => {
    let store: MetadataStore;
    let leases: PartitionLease;
    let now = 1_000_000;
    beforeEach(async () => {
      now = 1_000_000;
      store = await open(() => now);
      leases = store.leases;
    });
    afterEach(() => store.close());

    it('acquire: a free one → held until it expires; another worker gets it after that, with a greater epoch', async () => {
      const lease = await leases.acquire('p1', ONE, 1000);
      expect(lease).toMatchObject({ partitionId: 'p1', owner: ONE, expiresAt: 1_001_000 });
      expect(await leases.get('p1')).toEqual(lease);
      expect(await leases.acquire('p1', TWO, 1000)).toBeNull();
      expect(await leases.acquire('p2', TWO, 1000)).toMatchObject({ owner: TWO });
      now += 1000;
      expect(await leases.get('p1')).toBeNull();
      const next = await leases.acquire('p1', TWO, 1000);
      expect(next?.epoch).toBeGreaterThan(lease?.epoch ?? 0);
      expect(await leases.renew(lease as Lease, 1000)).toBeNull();
    });

    it('acquire: several workers at once → one gets it', async () => {
      const workers = Array.from({ length: 5 }, (_, i) => ({ id: `w${i}`, epoch: 1 }));
      const all = await Promise.all(workers.map((worker) => leases.acquire('p1', worker, 1000)));
      expect(all.filter((lease) => lease !== null)).toHaveLength(1);
    });

    it('acquire: a later incarnation of the owner → at once; an earlier one → never', async () => {
      const lease = await leases.acquire('p1', ONE, 1000);
      const later = await leases.acquire('p1', { id: 'one', epoch: 2 }, 1000);
      expect(later?.epoch).toBeGreaterThan(lease?.epoch ?? 0);
      expect(await leases.renew(lease as Lease, 1000)).toBeNull();
      expect(await leases.acquire('p1', ONE, 1000)).toBeNull();
      expect(await leases.get('p1')).toEqual(later);
    });

    it('renew: before and after it expires, as long as nobody took it → held longer, the same epoch', async () => {
      const lease = await leases.acquire('p1', ONE, 1000);
      now += 900;
      const renewed = await leases.renew(lease as Lease, 1000);
      expect(renewed).toEqual({ ...lease, expiresAt: 1_001_900 });
      now += 5000;
      expect(await leases.renew(renewed as Lease, 1000)).toMatchObject({ epoch: lease?.epoch });
      expect(await leases.get('p1')).toMatchObject({ owner: ONE });
    });

    it('release: free at once; the epoch goes on; a lost lease releases nothing', async () => {
      const lease = (await leases.acquire('p1', ONE, 1000)) as Lease;
      await leases.release(lease);
      expect(await leases.get('p1')).toBeNull();
      expect(await leases.renew(lease, 1000)).toBeNull();
      const next = (await leases.acquire('p1', TWO, 1000)) as Lease;
      expect(next.epoch).toBeGreaterThan(lease.epoch);
      await leases.release(lease);
      await leases.forget(lease);
      expect(await leases.get('p1')).toEqual(next);
    });

    it('forget: gone', async () => {
      await leases.forget((await leases.acquire('p1', ONE, 1000)) as Lease);
      expect(await leases.get('p1')).toBeNull();
      expect(await leases.acquire('p1', TWO, 1000)).toMatchObject({ owner: TWO });
    });
  });
}
