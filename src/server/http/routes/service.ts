/** Serves the state of the service and its version. */

import { allows } from '../../access/index.ts';
import { HealthRef, VersionRef } from '../schemas/index.ts';
import { API_PREFIX, type App, type RouteContext } from '../shared/context.ts';

const tags = ['service'];
/** Both are served at the root, where probes look, and under the API's prefix. */
export function registerServiceRoutes(app: App, { health, version }: RouteContext): void {
  for (const prefix of ['', API_PREFIX]) {
    app.get(
      `${prefix}/healthz`,
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'Whether the service and its fleet are up',
          description:
            '200 where it can work: `ok`, or `degraded` with some partitions up and some not. 503 where it cannot: the fleet is being made, or none of it is up. `checks` is for who may view.',
          hide: prefix === '',
          response: { 200: HealthRef, 503: HealthRef },
        },
      },
      async (request, reply) => {
        const checks = health();
        const ready = checks.every(({ ok, degraded }) => ok || degraded === true);
        const status = !ready ? 'unavailable' : checks.every(({ ok }) => ok) ? 'ok' : 'degraded';
        return reply
          .code(ready ? 200 : 503)
          .header('cache-control', 'no-store')
          .send({ ready, status, checks: allows(request.principal.scopes, 'view') ? checks : [] });
      },
    );

    app.get(
      `${prefix}/version`,
      {
        config: { access: 'view' },
        schema: { tags, summary: 'What this is', hide: prefix === '', response: { 200: VersionRef } },
      },
      () => ({ ...version, api: 'v1' as const, node: process.version }),
    );
  }
}
