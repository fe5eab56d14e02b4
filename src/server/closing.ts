/**
 * Closes the daemon's parts in order, in less than two seconds, whatever guests, clients and the store do:
 * 1. New requests are answered 503, operations are asked to end, the fleet is stopped: what costs the host ends first.
 * 2. Answers that are under way get a second; then their connections are cut.
 * 3. What still runs is recorded as interrupted, and the stores are closed.
 * What does not end in its time is logged and left: the process ends, and both databases survive that.
 */

import type { FastifyBaseLogger } from 'fastify';
import { settlesWithin } from '../base/settles-within.ts';

export type ClosingParts = {
  readonly app: { close(): Promise<unknown>; readonly server: { closeAllConnections(): void } };
  readonly scheduler: { stop(): Promise<void> };
  readonly watch: { close(): Promise<void> };
  readonly operations: { stop(): void; close(withinMs: number): Promise<void> };
  readonly fleet: { close(): Promise<void> };
  /** The worker that waits for a partition. */
  readonly spare: { close(): Promise<void> };
  /** Watches the room on the data folder's disk. */
  readonly disk: { close(): void };
  readonly vmcores: { close(): Promise<void> };
  readonly metadata: { close(): Promise<void> };
  /** The hold on the data folder: given up once nothing writes there any more. */
  readonly data: { release(): void };
  readonly logger: Pick<FastifyBaseLogger, 'warn'>;
};

/** A machine is closed within a second, or its worker is terminated. */
const FLEET_MS = 1100;
/** Answers, downloads and event streams that are under way. */
const ANSWERS_MS = 1000;
const OPERATIONS_MS = 200;
const STORE_MS = 400;

export async function closeInOrder(parts: ClosingParts): Promise<void> {
  const { app, scheduler, watch, operations, fleet, spare, disk, vmcores, metadata, data, logger } = parts;
  const inTime = async (part: string, work: Promise<unknown>, ms: number): Promise<boolean> => {
    work.catch((err: unknown) => logger.warn({ err, part }, 'closing failed'));
    const settled = await settlesWithin(work, ms);
    if (!settled) logger.warn({ part, waitedMs: ms }, 'does not end: left to the end of the process');
    return settled;
  };
  operations.stop();
  const answered = app.close();
  const cut = setTimeout(() => app.server.closeAllConnections(), ANSWERS_MS);
  await Promise.all([
    inTime('fleet', fleet.close(), FLEET_MS),
    inTime('spare thread', spare.close(), FLEET_MS),
    inTime('answers', answered, ANSWERS_MS + 100),
    inTime('schedules', scheduler.stop(), ANSWERS_MS),
    watch.close(),
  ]);
  clearTimeout(cut);
  await operations.close(OPERATIONS_MS);
  disk.close();
  const closed = await inTime('vmcores', vmcores.close(), STORE_MS);
  await metadata.close();
  if (closed) data.release();
}
