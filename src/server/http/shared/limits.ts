/** Defines how often a client may ask and how much it may hold open. A client is a key, or an address without one. */

import type { FastifyReply, FastifyRequest } from 'fastify';

export type LimitOptions = {
  /** Requests of a client in a minute. Default 6000; absent, clients that need no key have no limit. */
  readonly requestsPerMinute?: number;
  /** Requests of a client whose answers have not ended; clients that need no key have no limit. */
  readonly requestsAtOnce?: number;
  /** Attempts of an address with a key or a session that is not good, in a minute. */
  readonly failuresPerMinute?: number;
  /** Connections of all clients together. */
  readonly connections?: number;
  /** Connections of an address that is not this machine's. */
  readonly connectionsPerAddress?: number;
  /** Event streams of a client. */
  readonly streamsPerClient?: number;
  /** Downloads of vmcores of a client. */
  readonly downloadsPerClient?: number;
};

export const DEFAULT_LIMITS: Required<LimitOptions> = {
  requestsPerMinute: 6000,
  requestsAtOnce: 256,
  failuresPerMinute: 20,
  connections: 2048,
  connectionsPerAddress: 128,
  streamsPerClient: 64,
  downloadsPerClient: 8,
};

export interface Limits {
  /** Counts a request whose sender is known, until its answer has ended. @throws ProblemError `too-many-requests` */
  count(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** Counts an attempt with what is not good. @throws ProblemError `too-many-requests` */
  countFailure(request: FastifyRequest): Promise<void>;
}
