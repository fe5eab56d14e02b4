/** Sets the security headers of every answer. */

import helmet from '@fastify/helmet';
import { isLoopback } from '../../access/index.ts';
import type { App } from '../shared/context.ts';

/** A year, in seconds. */
const HSTS = 'max-age=31536000';

export async function registerSecurityHeaders(app: App, options: { readonly tls: boolean }): Promise<void> {
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
    // Set below, with TLS alone.
    strictTransportSecurity: false,
    originAgentCluster: false,
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'no-referrer' },
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    // Not for loopback names: a browser would refuse plain HTTP to every other port of them.
    if (options.tls && !isLoopback(request.hostname)) reply.header('strict-transport-security', HSTS);
  });
}
