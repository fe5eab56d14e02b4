/**
 * Keeps partitions, operations and captures as the daemon does, and marks in the shim's journal, as JSON, what a client would
 * have been told by then: `node answer-from-stores.ts FOLDER ROUNDS`. Each round has a new dump, and each third a deletion.
 */

import { join } from 'node:path';
import type { Capture, Operation } from '../../../../src/panic/contract/index.ts';
import { openMetadataStore } from '../../../../src/panic/store/index.ts';
import { openLocalVmcoreStore } from '../../../../src/vmcore/store/index.ts';
import { markJournal } from '../journal.ts';

/** What was answered: the daemon owes it from then on. `deleting`: a request that was not answered; it may be done or not. */
export type Answer =
  | { readonly kind: 'partition' | 'operation' | 'deleting' | 'deleted'; readonly id: string }
  | { readonly kind: 'capture'; readonly id: string; readonly sha256: string };

if (process.argv[1] === import.meta.filename) {
  const [folder = '', rounds = ''] = process.argv.slice(2);
  await answer(folder, Number(rounds));
  // Not closed: a power cut finds the stores open.
  process.exit(0);
}

async function answer(folder: string, rounds: number): Promise<void> {
  const journal = process.env.KDUMPD_SHIM_JOURNAL ?? '';
  const told = (answered: Answer): void => markJournal(journal, JSON.stringify(answered));
  const metadata = openMetadataStore(join(folder, 'metadata.db'));
  const vmcores = openLocalVmcoreStore(join(folder, 'chunks.db'));
  const worker = await metadata.operations.enlist('local');
  for (let round = 1; round <= rounds; round++) {
    const partitionId = `p${round}`;
    await metadata.partitions.create({ id: partitionId, name: partitionId, request: { image: 'built-in' } });
    told({ kind: 'partition', id: partitionId });
    const operation = operationOf(`o${round}`, partitionId);
    const request = { kind: 'panic', partitionId, options: { trigger: 'sysrq', dump: 'raw' } } as const;
    await metadata.operations.submit({ operation, request, worker });
    told({ kind: 'operation', id: operation.id });
    const claim = await metadata.operations.claim(worker, { id: operation.id }, { leaseMs: 60_000 });
    const { manifestId, sha256, bytes } = await vmcores.writeVmcore(dump(round));
    const capture = captureOf(`c${round}`, partitionId, { sha256, bytes, format: 'elf' });
    await metadata.captures.create(capture, { manifestId, trace: '{}', console: Buffer.from('text') });
    if (claim !== null)
      await metadata.operations.complete(claim, { state: 'succeeded', captureId: capture.id });
    told({ kind: 'capture', id: capture.id, sha256 });
    if (round % 3 === 0) {
      const doomed = `c${round - 1}`;
      told({ kind: 'deleting', id: doomed });
      const manifest = await metadata.captures.manifestId(doomed);
      await metadata.captures.delete(doomed);
      if (manifest !== null) await vmcores.delete(manifest);
      told({ kind: 'deleted', id: doomed });
    }
  }
}

/** Three chunks: one that every dump has, one of zeros, one of its own. */
async function* dump(round: number): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(65536, 'the same in all ');
  yield Buffer.alloc(65536);
  yield Buffer.from(Array.from({ length: 65536 }, (_, i) => ((i * (2 * round + 1)) >> 3) & 255));
}

function operationOf(id: string, partitionId: string): Operation {
  const at = '2026-01-01T00:00:00.000Z';
  return { id, kind: 'panic', state: 'queued', phase: 'queued', partitionId, createdAt: at, updatedAt: at };
}

function captureOf(id: string, partitionId: string, vmcore: NonNullable<Capture['vmcore']>): Capture {
  return {
    id,
    partitionId,
    image: 'built-in',
    outcome: 'captured',
    phase: 'stored',
    vmcore,
    rules: { held: 0, broken: 0, notReached: 0, notApplicable: 0 },
    createdAt: '2026-01-01T00:00:00.000Z',
  };
}
