/**
 * Reads and sets the cookie of a dashboard's session (RFC 6265bis). Cookies know no port, so that its name has the port: two daemons on a
 * machine do not end each other's sessions. With TLS it has the prefix `__Host-`, so that no other host of the domain can set it.
 */

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AllowedHosts, SiteFields } from '../../access/index.ts';

const SECURE_PREFIX = '__Host-';

export function cookieOf(request: FastifyRequest): string | undefined {
  const { cookie } = request.headers;
  if (cookie === undefined) return undefined;
  const name = nameFor(request);
  const pairs = new Map<string, string>();
  for (const pair of cookie.split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0) pairs.set(pair.slice(0, equals).trim(), pair.slice(equals + 1).trim());
  }
  const secure = pairs.get(SECURE_PREFIX + name);
  // Without the prefix another host of the domain may have set it; only where TLS is not known of, it is taken.
  return secure ?? (request.protocol === 'https' ? undefined : pairs.get(name));
}

/** @param expiresAt milliseconds since 1970 */
export function setCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  hosts: AllowedHosts,
  secret: string,
  expiresAt: number,
): void {
  const maxAge = Math.max(0, Math.floor((expiresAt - Date.now()) / 1000));
  const secure = hosts.isSecure(siteOf(request));
  reply.header(
    'set-cookie',
    `${secure ? SECURE_PREFIX : ''}${nameFor(request)}=${secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAge}${secure ? '; Secure' : ''}`,
  );
}

export function clearCookie(request: FastifyRequest, reply: FastifyReply, hosts: AllowedHosts): void {
  setCookie(request, reply, hosts, '', 0);
}

/** What says which web site sent a request. */
export function siteOf(request: FastifyRequest): SiteFields {
  const { headers } = request;
  return {
    method: request.method,
    host: request.host,
    protocol: request.protocol === 'https' ? 'https' : 'http',
    origin: headers.origin,
    fetchSite: textOf(headers['sec-fetch-site']),
    fetchMode: textOf(headers['sec-fetch-mode']),
    fetchDest: textOf(headers['sec-fetch-dest']),
  };
}

function nameFor(request: FastifyRequest): string {
  return `kdumpd_${request.port ?? (request.protocol === 'https' ? 443 : 80)}`;
}

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value;
}
