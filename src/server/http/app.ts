/**
 * Builds the HTTP service from its parts: guards, documentation, REST v1, events and the dashboard. It starts nothing: the
 * caller owns the fleet and the store, listens, and closes.
 */

import { randomUUID } from 'node:crypto';
import type { ServerOptions } from 'node:http';
import type { ServerOptions as HttpsOptions } from 'node:https';
import sensible from '@fastify/sensible';
import sse from '@fastify/sse';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import type { Fleet, Operations, StoreView } from '../../panic/contract/index.ts';
import type { EventBus } from '../../panic/operations/index.ts';
import { type Access, AllowedHosts, type AuditLog, Quotas } from '../access/index.ts';
import type { TlsMaterial } from '../access/tls.ts';
import { registerAccess } from './plugins/access.ts';
import { registerAudit } from './plugins/audit.ts';
import { registerBodies } from './plugins/bodies.ts';
import { registerDashboard } from './plugins/dashboard.ts';
import { registerDocumentation } from './plugins/documentation.ts';
import { registerFreshSockets } from './plugins/fresh-sockets.ts';
import { registerLimits } from './plugins/limits.ts';
import { registerUnknownAddresses } from './plugins/methods.ts';
import { registerMetrics, type ServiceFigures } from './plugins/metrics.ts';
import { type RouteTable, registerRouteTable } from './plugins/route-table.ts';
import { registerSecurityHeaders } from './plugins/security-headers.ts';
import { Wire } from './plugins/wire.ts';
import { registerRoutes, registerServiceRoutes } from './routes/index.ts';
import { NAMED_SCHEMAS } from './schemas/index.ts';
import { API_PREFIX, type App } from './shared/context.ts';
import { StreamRegistry } from './shared/event-stream.ts';
import { DEFAULT_LIMITS, type LimitOptions } from './shared/limits.ts';
import { OpenDownloads } from './shared/open-downloads.ts';
import type {
  CaptureReader,
  HealthCheck,
  ImageCatalogue,
  ScheduleView,
  VersionInfo,
} from './shared/ports.ts';
import { handleError } from './shared/problem.ts';
import { compileValidator } from './shared/validation.ts';

export type AppOptions = {
  readonly fleet: Fleet;
  readonly captures: CaptureReader;
  readonly operations: Operations;
  readonly images: ImageCatalogue;
  /** What clients follow by `/events`. */
  readonly events: EventBus;
  /** Asked at each probe; the service is ready when every check is ok. */
  readonly health: () => readonly HealthCheck[];
  /** What is done by the clock; absent: nothing. */
  readonly schedules?: () => Promise<readonly ScheduleView[]>;
  /** What the store holds, and what of it is damaged. */
  readonly store: () => Promise<StoreView>;
  /** What `/metrics` shows; absent: it shows the process and the requests alone. */
  readonly figures?: () => Promise<ServiceFigures>;
  readonly version: VersionInfo;
  /** A pino logger; absent: nothing is logged. */
  readonly logger?: FastifyBaseLogger;
  /** The built dashboard; absent: `/` says that there is none. */
  readonly webRoot?: string;
  /** Who may use it. */
  readonly access: Access;
  /** Who did what. */
  readonly audit: AuditLog;
  /** How much keys and the daemon may have; default by the host's memory. */
  readonly quotas?: Quotas;
  /** How often a client may ask, and how much it may hold open. */
  readonly limits?: LimitOptions;
  /** The address that it will listen on; default loopback. */
  readonly listen?: string;
  /** Serves HTTPS with it; absent: HTTP. */
  readonly tls?: TlsMaterial;
  /** More host names to answer to, and origins of proxies in front. */
  readonly allowedHosts?: readonly string[];
  /** Largest request body in bytes. */
  readonly bodyLimit?: number;
  readonly heartbeatMs?: number;
  /** How long a request may take to arrive. */
  readonly requestTimeoutMs?: number;
  /** Called with every route and what it asks of its client. */
  readonly onRoutes?: (routes: RouteTable) => void;
};

const NO_FIGURES: ServiceFigures = {
  partitions: {},
  memory: {},
  operations: {},
  captures: {},
  unsupported: {},
  damage: {},
};
const BODY_LIMIT = 256 << 10;
const REQUEST_TIMEOUT_MS = 60_000;

/** Builds the service. `close()` ends its event streams; the seams stay open, they are the caller's. */
export async function buildApp(options: AppOptions): Promise<App> {
  const wire = new Wire();
  const requestTimeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const app: App = fastify({
    ...(options.logger === undefined ? { logger: false } : { loggerInstance: options.logger }),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimit ?? BODY_LIMIT,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    // Ids are at most 64 characters; a little more lets the schema say so itself.
    routerOptions: { maxParamLength: 256 },
    return503OnClosing: true,
    frameworkErrors: (error, request, reply) => {
      handleError(error, request, reply);
    },
    clientErrorHandler: wire.refuseUnparsed,
    requestTimeout,
    ...listenerOf(options.tls, {
      // A request without Host is refused by `wire`, as a problem.
      requireHostHeader: false,
      headersTimeout: requestTimeout,
      connectionsCheckingInterval: requestTimeout / 2,
    }),
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.setValidatorCompiler(compileValidator);
  app.setErrorHandler((error, request, reply) => handleError(error, request, reply));
  // Only JSON comes in, but for typing on a console.
  app.removeContentTypeParser('text/plain');
  app.addHook('onResponse', async (request, reply) => {
    const fields = {
      method: request.method,
      url: request.url,
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
    };
    // A probe that gets 503 got its answer, and asks again and again.
    const failed = reply.statusCode >= 500 && !(request.routeOptions.url ?? '').endsWith('/healthz');
    request.log[failed ? 'error' : 'debug'](fields, 'request');
  });

  const bounds = { ...DEFAULT_LIMITS, ...options.limits };
  const streams = new StreamRegistry(bounds.streamsPerClient);
  const downloads = new OpenDownloads(bounds.downloadsPerClient);
  app.addHook('preClose', async () => streams.closeAll());

  registerFreshSockets(app);
  const routes = registerRouteTable(app);
  options.onRoutes?.(routes);
  registerUnknownAddresses(app, routes);
  wire.register(app);
  registerBodies(app);
  await registerSecurityHeaders(app, { tls: options.tls !== undefined });
  const hosts = new AllowedHosts({
    listen: options.listen ?? 'localhost',
    allowed: options.allowedHosts ?? [],
  });
  registerAudit(app, options.audit);
  const limits = await registerLimits(app, options.limits);
  registerAccess(app, { access: options.access, hosts, limits });
  await app.register(sensible);
  await app.register(sse.default, { heartbeatInterval: options.heartbeatMs ?? 15_000 });
  for (const [id, schema] of Object.entries(NAMED_SCHEMAS)) app.addSchema({ ...schema, $id: id });
  await registerDocumentation(app, options.version);

  const quotas =
    options.quotas ??
    new Quotas({ fleet: options.fleet, captures: options.captures, operations: options.operations });
  const context = {
    schedules: async () => [],
    ...options,
    streams,
    downloads,
    hosts,
    limits,
    quotas,
  };
  registerMetrics(app, options.figures ?? (async () => NO_FIGURES));
  registerServiceRoutes(app, context);
  await app.register(
    async (scope) => {
      registerRoutes(scope.withTypeProvider<TypeBoxTypeProvider>(), context);
    },
    { prefix: API_PREFIX },
  );
  await registerDashboard(app, options.webRoot);
  return app;
}

/** Fastify's options of either kind of server. Both behave as the one that its types speak of. */
function listenerOf(tls: TlsMaterial | undefined, common: ServerOptions): { readonly http?: ServerOptions } {
  if (tls === undefined) return { http: common };
  const https: HttpsOptions = { ...common, ...tls };
  return { https } as { readonly http?: ServerOptions };
}
