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
import type { AuditAction, Fleet, Operations, StoreView } from '../../../panic/contract/index.ts';
import type { EventBus } from '../../../panic/operations/index.ts';
import type { Access, AllowedHosts, AuditLog, Principal, Quotas, RouteAccess } from '../../access/index.ts';
import type { StreamRegistry } from './event-stream.ts';
import type { Limits } from './limits.ts';
import type { OpenDownloads } from './open-downloads.ts';
import type { CaptureReader, HealthCheck, ImageCatalogue, ScheduleView, VersionInfo } from './ports.ts';
import type { ProblemKind } from './problem.ts';

declare module 'fastify' {
  /** The `config` of each route. A route without one is refused when the server starts (plugins/route-table.ts). */
  interface FastifyContextConfig {
    access: RouteAccess;
    /** What the audit log calls it; absent: it is not recorded unless it is refused. */
    audit?: AuditAction;
  }
  interface FastifyRequest {
    /** Who sent it. */
    principal: Principal;
    /** What was answered instead of what was asked for. */
    problem: ProblemKind | undefined;
  }
}

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
  readonly store: () => Promise<StoreView>;
  readonly version: VersionInfo;
  readonly events: EventBus;
  readonly streams: StreamRegistry;
  readonly access: Access;
  readonly hosts: AllowedHosts;
  readonly audit: Pick<AuditLog, 'list'>;
  readonly quotas: Quotas;
  readonly limits: Limits;
  readonly downloads: OpenDownloads;
};

/** The path of the API; `Location` fields and the OpenAPI document begin with it. */
export const API_PREFIX = '/api/v1';
