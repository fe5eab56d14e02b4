/** Connects the keeper of the store to the daemon: the thread that verifies, the log, and a check of `/healthz`. */

import type { FastifyBaseLogger } from 'fastify';
import { defined } from '../base/defined.ts';
import { StoreKeeper } from '../panic/captures/index.ts';
import type { MemoryBudget, OwnedFleet } from '../panic/index.ts';
import { checkInThread, type MetadataStore, type StorePaths } from '../panic/store/index.ts';
import type { VmcoreStore } from '../vmcore/store/index.ts';
import type { ServiceFigures } from './http/plugins/metrics.ts';
import type { HealthCheck } from './http/shared/ports.ts';

/** Content that a verification reads in a second: it shares the disk with captures and downloads. */
const BYTES_PER_SECOND = 200 * 2 ** 20;

export type StoreWatchOptions = {
  readonly metadata: MetadataStore;
  readonly vmcores: VmcoreStore;
  readonly paths: StorePaths;
  readonly logger: FastifyBaseLogger;
  readonly onError: (error: Error) => void;
};

export function watchStore({ metadata, vmcores, paths, logger, onError }: StoreWatchOptions): StoreKeeper {
  const log = logger.child({ component: 'store' });
  return new StoreKeeper({
    metadata,
    vmcores,
    check: (kind, onProgress, signal) =>
      checkInThread({ kind, paths, bytesPerSecond: BYTES_PER_SECOND }, onProgress, signal),
    onDamage: ({ id, reason }) =>
      log.error({ capture: id, reason }, 'a capture lost bytes of its vmcore; see `kdumpd store verify`'),
    onReport: ({ damage, durationMs, bytes, repaired = [] }) => {
      const fields = { durationMs, bytes, damage: damage.length, repaired };
      if (damage.length === 0) log.info(fields, 'the store was verified: no damage');
      else log.error({ ...fields, first: damage.slice(0, 10) }, 'the store was verified: it is damaged');
    },
    onError,
  });
}

/** For `/metrics`. */
export async function serviceFigures({
  fleet,
  memory,
  metadata,
  keeper,
}: {
  readonly fleet: Pick<OwnedFleet, 'list' | 'unsupportedUses'>;
  readonly memory: Pick<MemoryBudget, 'reservedBytes' | 'limitBytes'>;
  readonly metadata: MetadataStore;
  readonly keeper: StoreKeeper;
}): Promise<ServiceFigures> {
  const { captures, records, last } = keeper.summary();
  const partitions: Record<string, number> = {};
  for (const { state } of fleet.list()) partitions[state] = (partitions[state] ?? 0) + 1;
  return {
    partitions,
    memory: { reserved: memory.reservedBytes, limit: memory.limitBytes },
    operations: await metadata.operations.tally(),
    captures: await metadata.captures.tally(),
    unsupported: fleet.unsupportedUses(),
    damage: {
      captures: captures.length,
      records: records.length,
      'last-verification': last?.damage.length ?? 0,
    },
    ...defined({ verifiedAt: last === undefined ? undefined : Date.parse(last.verifiedAt) / 1000 }),
  };
}

/** Damage never makes the service unready: what is whole is served, and new captures are stored. */
export function storeHealth(keeper: StoreKeeper): HealthCheck {
  const name = 'store';
  const { captures, records, last } = keeper.summary();
  const found = last?.damage ?? [];
  if (captures.length === 0 && records.length === 0 && found.length === 0) return { name, ok: true };
  const damaged = [...new Set([...captures.map(({ id }) => id), ...found.flatMap((each) => each.captures)])];
  const parts = [
    ...(damaged.length > 0 ? [`${damaged.length} captures lost bytes`] : []),
    ...(records.length > 0 ? [`${records.length} records are damaged`] : []),
    ...(found.length > 0 ? [`the last verification found ${found.length} things damaged`] : []),
  ];
  return {
    name,
    ok: false,
    degraded: true,
    detail: `${parts.join('; ')}: GET /api/v1/store says what to do`,
    ...(damaged.length > 0 ? { captures: damaged } : {}),
  };
}
