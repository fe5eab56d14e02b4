/** Serves the built dashboard (web/) as files. Files with a hash in their name never change; the page itself is always fetched again. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { App } from '../shared/context.ts';
import { ProblemError } from '../shared/problem.ts';
import { declareAccess } from './route-table.ts';

/** @param root The folder that `npm run build` fills; where it is missing the page says so. */
export async function registerDashboard(app: App, root: string | undefined): Promise<void> {
  if (root === undefined || !existsSync(join(root, 'index.html'))) {
    app.get('/', { config: { access: 'public' }, schema: { hide: true } }, async () => {
      throw new ProblemError('not-found', 'The dashboard is not built: npm run build. The API is at /docs.');
    });
    return;
  }
  await app.register(async (scope) => {
    // The page holds nothing but itself, and must be there to log in.
    declareAccess(scope, 'public');
    await scope.register(fastifyStatic, {
      root,
      wildcard: false,
      cacheControl: false,
      setHeaders: (reply, path) => {
        const hashed = /[\\/]assets[\\/]/.test(path);
        reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  });
}
