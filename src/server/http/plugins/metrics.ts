/**
 * Serves `/metrics` for Prometheus, in its text format: the process (memory, event loop lag), HTTP requests, and what the service
 * counts. Figures of the service are taken when they are asked for.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { UNSUPPORTED_KINDS } from '../../../panic/contract/index.ts';
import type { App } from '../shared/context.ts';

/** What the service counts; a label's values are the keys. */
export type ServiceFigures = {
  readonly partitions: Readonly<Record<string, number>>;
  /** Bytes of the host's memory that partitions which are on may need, and may have at the most. */
  readonly memory: Readonly<Record<string, number>>;
  readonly operations: Readonly<Record<string, number>>;
  readonly captures: Readonly<Record<string, number>>;
  /** Uses of what machines lack, by kind, since the daemon started. */
  readonly unsupported: Readonly<Record<string, number>>;
  /** Damaged records, captures that lost bytes, and what the last verification found. */
  readonly damage: Readonly<Record<string, number>>;
  /** When the store was last verified, in seconds since 1970; absent: not since the daemon started. */
  readonly verifiedAt?: number;
};

const SECONDS = [0.005, 0.025, 0.1, 0.25, 1, 5, 30];

/** Must be registered before the routes that it counts. */
export function registerMetrics(app: App, figures: () => Promise<ServiceFigures>): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'kdumpd_' });
  const registers = [registry];
  const durations = new Histogram({
    name: 'kdumpd_http_request_duration_seconds',
    help: 'How long requests took, until their answer was sent',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers,
  });
  const aborted = new Counter({
    name: 'kdumpd_http_requests_aborted_total',
    help: 'Requests whose client left before the answer was sent',
    registers,
  });
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
    new Gauge({ name: `kdumpd_${name}`, help, labelNames, registers });
  const partitions = gauge('partitions', 'Partitions by state', ['state']);
  const memory = gauge('partition_memory_bytes', 'Memory of the host for partitions that are on', ['kind']);
  const operations = gauge('operations', 'Operations by state', ['state']);
  const captures = gauge('captures', 'Captures by outcome', ['outcome']);
  const unsupported = new Counter({
    name: 'kdumpd_guest_unsupported_uses_total',
    help: 'Uses of instructions, calls and devices that the machines of guests lack, by kind',
    labelNames: ['kind'],
    registers,
  });
  const damage = gauge('store_damage', 'What of the store is known to be damaged', ['kind']);
  const verified = gauge('store_verified_timestamp_seconds', 'When the store was last verified');

  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    durations.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  app.addHook('onRequestAbort', async (_request) => aborted.inc());
  app.get('/metrics', { config: { access: 'view' }, schema: { hide: true } }, async (_request, reply) => {
    const now = await figures();
    set(partitions, 'state', now.partitions);
    set(memory, 'kind', now.memory);
    set(operations, 'state', now.operations);
    set(captures, 'outcome', now.captures);
    unsupported.reset();
    for (const kind of UNSUPPORTED_KINDS) unsupported.inc({ kind }, now.unsupported[kind] ?? 0);
    set(damage, 'kind', now.damage);
    if (now.verifiedAt !== undefined) verified.set(now.verifiedAt);
    return reply
      .type(registry.contentType)
      .header('cache-control', 'no-store')
      .send(await registry.metrics());
  });
}

function set(gauge: Gauge, label: string, values: Readonly<Record<string, number>>): void {
  gauge.reset();
  for (const [value, count] of Object.entries(values)) gauge.set({ [label]: value }, count);
}
