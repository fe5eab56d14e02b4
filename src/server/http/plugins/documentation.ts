/** Serves the OpenAPI document, made from the routes' schemas, at /docs (reader) and /docs/json. */

import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { RouteAccess } from '../../access/index.ts';
import type { App } from '../shared/context.ts';
import type { VersionInfo } from '../shared/ports.ts';
import { declareAccess } from './route-table.ts';

const PROBLEM = {
  description: 'RFC 9457 problem details',
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
};

/** Any route may fail through an error of the caller or of the service. Neither answer is sent by the route itself. */
function withProblems(response: unknown): Record<string, unknown> {
  return { ...(typeof response === 'object' ? response : {}), '4xx': PROBLEM, '5xx': PROBLEM };
}

/** What a route asks of its client: a key, or a session that was opened with one, of the scope that it names. */
function securityOf(access: RouteAccess | undefined): readonly Record<string, string[]>[] {
  return access === undefined || access === 'public' ? [] : [{ key: [access] }, { session: [access] }];
}

/** Must be registered before the routes. */
export async function registerDocumentation(app: App, version: VersionInfo): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'kdumpd',
        version: version.version,
        description:
          'Fleets of emulated ppc64 partitions that panic, kexec and are dumped for real. Errors are RFC 9457 problems; 64-bit values are 16-digit hex strings.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [
        { name: 'partitions', description: 'The fleet' },
        { name: 'console', description: "A partition's console" },
        { name: 'operations', description: 'What was asked for, and how far it is' },
        { name: 'captures', description: 'What crashes left' },
        { name: 'images', description: 'What partitions boot' },
        { name: 'events', description: 'What happens, live' },
        { name: 'service', description: 'The service itself' },
        { name: 'access', description: 'Keys, sessions, and who did what' },
      ],
      components: {
        securitySchemes: {
          key: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'kd_…',
            description:
              'An API key. A daemon on a loopback address needs none unless it was started with --require-key. Requirements name the scope; `admin` includes the others.',
          },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'kdumpd_8470',
            description: 'The dashboard’s session: `POST /api/v1/session`. The name ends with the port.',
          },
        },
      },
    },
    transform: ({ schema, url, route }) => ({
      schema: {
        ...schema,
        response: withProblems(schema.response),
        security: securityOf(route.config?.access),
      },
      url,
    }),
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) =>
        typeof schema.$id === 'string' ? schema.$id : `schema-${index}`,
    },
  });
  await app.register(async (scope) => {
    declareAccess(scope, 'view');
    await scope.register(swaggerUi, { routePrefix: '/docs', logLevel: 'warn' });
  });
}
