/**
 * Limits how often a client may ask and how much it may hold open. A client is a key, or an address without one. Clients of a
 * daemon that needs no key are programs of its own machine: how often they ask is not limited unless the operator says so.
 */

import type { Socket } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import type { FastifyReply } from 'fastify';
import { clientNetwork, isLoopback, limitKey } from '../../access/index.ts';
import type { App } from '../shared/context.ts';
import { DEFAULT_LIMITS, type LimitOptions, type Limits } from '../shared/limits.ts';
import { tooMany } from '../shared/problem.ts';

const MINUTE_MS = 60_000;
export async function registerLimits(app: App, options: LimitOptions = {}): Promise<Limits> {
  limitConnections(app, { ...DEFAULT_LIMITS, ...options });
  await app.register(rateLimit, { global: false });
  const requests = app.createRateLimit({
    max: options.requestsPerMinute ?? DEFAULT_LIMITS.requestsPerMinute,
    timeWindow: MINUTE_MS,
    keyGenerator: (request) => limitKey(request.principal, request.ip),
  });
  const failures = app.createRateLimit({
    max: options.failuresPerMinute ?? DEFAULT_LIMITS.failuresPerMinute,
    timeWindow: MINUTE_MS,
    keyGenerator: (request) => clientNetwork(request.ip),
  });
  const open = new Map<string, number>();
  const most = options.requestsAtOnce ?? DEFAULT_LIMITS.requestsAtOnce;
  /** What is answered may be a mebibyte, and waits in memory for a client that does not read. */
  const countOpen = (client: string, reply: FastifyReply): void => {
    if ((open.get(client) ?? 0) >= most) throw tooMany(`${most} requests wait for their answers.`, 1);
    add(open, client);
    reply.raw.once('close', () => remove(open, client));
  };
  return {
    count: async (request, reply) => {
      const isLocal = request.principal.actor.kind === 'local';
      if (!isLocal) countOpen(limitKey(request.principal, request.ip), reply);
      if (isLocal && options.requestsPerMinute === undefined) return;
      const found = await requests(request);
      if (!found.isAllowed && found.isExceeded)
        throw tooMany(`More than ${found.max} requests in a minute.`, found.ttlInSeconds);
    },
    countFailure: async (request) => {
      const found = await failures(request);
      if (!found.isAllowed && found.isExceeded)
        throw tooMany(`More than ${found.max} failed attempts in a minute.`, found.ttlInSeconds);
    },
  };
}

function limitConnections(app: App, { connections, connectionsPerAddress }: Required<LimitOptions>): void {
  app.server.maxConnections = connections;
  const open = new Map<string, number>();
  app.server.on('connection', (socket: Socket) => {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined || isLoopback(remoteAddress)) return;
    const address = clientNetwork(remoteAddress);
    if ((open.get(address) ?? 0) >= connectionsPerAddress) {
      socket.destroy();
      return;
    }
    add(open, address);
    socket.once('close', () => remove(open, address));
  });
}

function add(counts: Map<string, number>, client: string): void {
  counts.set(client, (counts.get(client) ?? 0) + 1);
}

function remove(counts: Map<string, number>, client: string): void {
  const left = (counts.get(client) ?? 1) - 1;
  if (left === 0) counts.delete(client);
  else counts.set(client, left);
}
