/** Defines the context of every route: the seams to the rest of the program, and the server's own streams. */

import type {} from '@fastify/sse';
import type {} from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyTypeProviderDefault,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { Fleet, Operations } from '../../../panic/contract/index.ts';
import type { EventBus } from '../../../panic/operations/index.ts';
import type { StreamRegistry } from './event-stream.ts';
import type { CaptureReader, HealthCheck, ImageCatalogue, ScheduleView, VersionInfo } from './ports.ts';

/** A fastify instance, with any checker of requests. */
export type App<Provider extends FastifyTypeProviderDefault = TypeBoxTypeProvider> = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  Provider
>;

export type RouteContext = {
  readonly fleet: Fleet;
  readonly captures: CaptureReader;
  readonly operations: Operations;
  readonly images: ImageCatalogue;
  readonly health: () => readonly HealthCheck[];
  readonly schedules: () => Promise<readonly ScheduleView[]>;
  readonly version: VersionInfo;
  readonly events: EventBus;
  readonly streams: StreamRegistry;
};

/** The path of the API; `Location` fields and the OpenAPI document begin with it. */
export const API_PREFIX = '/api/v1';
