/** Serves the OpenAPI document, made from the routes' schemas, at /docs (reader) and /docs/json. */

import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { App } from '../shared/context.ts';
import type { VersionInfo } from '../shared/ports.ts';

const PROBLEM = {
  description: 'RFC 9457 problem details',
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
};

/** Any route may fail through an error of the caller or of the service. Neither answer is sent by the route itself. */
function withProblems(response: unknown): Record<string, unknown> {
  return { ...(typeof response === 'object' ? response : {}), '4xx': PROBLEM, '5xx': PROBLEM };
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
      ],
    },
    transform: ({ schema, url }) => ({ schema: { ...schema, response: withProblems(schema.response) }, url }),
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) =>
        typeof schema.$id === 'string' ? schema.$id : `schema-${index}`,
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs', logLevel: 'warn' });
}
