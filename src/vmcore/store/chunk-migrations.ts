/** Does what SQL cannot in the migrations of the chunk database. */

import type { Database } from 'better-sqlite3';
import type { MigrationSteps } from './migrate.ts';
import { sealManifest, sealPart } from './sqlite-manifest-store.ts';

type ManifestRow = {
  readonly id: number;
  readonly bytes: number;
  readonly sha256: Buffer;
  readonly chunk_bytes: number;
};
type PartRow = { readonly manifest_id: number; readonly part: number; readonly chunks: Buffer };

/** A chunk that is not there any more has a hash that nothing has: it is found missing when it is read. */
const UNKNOWN = Buffer.alloc(32);

export const CHUNK_MIGRATION_STEPS: MigrationSteps = {
  '003_add_digests.sql': (db: Database): void => {
    const hashOf = db.prepare<[bigint], Buffer>('SELECT hash FROM chunk WHERE id = ?').pluck();
    const setPart = db.prepare(
      'UPDATE manifest_part SET hashes = ?, digest = ? WHERE manifest_id = ? AND part = ?',
    );
    const keys = db
      .prepare<[], { manifest_id: number; part: number }>('SELECT manifest_id, part FROM manifest_part')
      .all();
    const partOf = db.prepare<[number, number], PartRow>(
      'SELECT manifest_id, part, chunks FROM manifest_part WHERE manifest_id = ? AND part = ?',
    );
    for (const key of keys) {
      const row = partOf.get(key.manifest_id, key.part);
      if (row === undefined) continue;
      const ids = Array.from({ length: row.chunks.length / 8 }, (_, i) => row.chunks.readBigUInt64LE(i * 8));
      const hashes = Buffer.concat(ids.map((id) => hashOf.get(id) ?? UNKNOWN));
      setPart.run(hashes, sealPart({ ...row, hashes }), row.manifest_id, row.part);
    }
    const setManifest = db.prepare('UPDATE manifest SET digest = ? WHERE id = ?');
    for (const row of db
      .prepare<[], ManifestRow>('SELECT id, bytes, sha256, chunk_bytes FROM manifest')
      .all())
      setManifest.run(sealManifest(row), row.id);
  },
};
