import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openMetadataStore } from '../../../src/panic/store/index.ts';
import { metadataStoreContract } from './metadata-store-contract.ts';

metadataStoreContract('SQLite', async () => openMetadataStore(':memory:'));

describe('openMetadataStore', () => {
  it('openMetadataStore: closed and opened again → everything is there', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'kdumpd-meta-'));
    try {
      const first = openMetadataStore(join(dir, 'meta.db'));
      await first.createPartition({ id: 'p1', name: 'node-1', request: { image: 'debian' } });
      await first.close();
      const second = openMetadataStore(join(dir, 'meta.db'));
      expect(await second.listPartitions()).toHaveLength(1);
      await second.close();
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
