/**
 * Refuses requests from foreign web sites and for foreign host names, and sets security headers and request ids.
 *
 * The service has no login and by default listens on loopback alone. The remaining danger is a browser on the same machine
 * in which another site sends requests. They are recognised by Sec-Fetch-Site or Origin (Fetch Standard, §3.2 and Fetch
 * Metadata) and, where a name was rebound to the service's address, by Host.
 */

import helmet from '@fastify/helmet';
import type { FastifyRequest } from 'fastify';
import type { App } from '../shared/context.ts';
import { ProblemError } from '../shared/problem.ts';

export type GuardOptions = {
  /** Host names (without port) that are answered; absent: any. */
  readonly allowedHosts?: readonly string[];
};

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export async function registerGuards(app: App, options: GuardOptions): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'base-uri': ["'none'"],
        'connect-src': ["'self'"],
        'font-src': ["'self'"],
        'form-action': ["'self'"],
        'frame-ancestors': ["'none'"],
        'img-src': ["'self'", 'data:'],
        'script-src': ["'self'"],
        // The terminal measures and colours its cells through style elements that it makes itself.
        'style-src': ["'self'", "'unsafe-inline'"],
        // Plain HTTP is the default: with upgrade-insecure-requests a browser would ask for assets over HTTPS, which is not served.
        'upgrade-insecure-requests': null,
      },
    },
    // Plain HTTP, for the same reason.
    strictTransportSecurity: false,
    originAgentCluster: false,
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'no-referrer' },
  });

  const hosts =
    options.allowedHosts === undefined ? null : new Set(options.allowedHosts.map((h) => h.toLowerCase()));
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    if (hosts !== null && !hosts.has(request.hostname.toLowerCase())) throw new ProblemError('misdirected');
    if (!SAFE.has(request.method) && isForeign(request)) throw new ProblemError('foreign-origin');
  });
}

function isForeign(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site === 'cross-site' || site === 'same-site') return true;
  const { origin } = request.headers;
  if (origin === undefined) return false;
  // "null" (sandboxed pages, files) has no host and is foreign.
  return !URL.canParse(origin) || new URL(origin).host !== request.host;
}
