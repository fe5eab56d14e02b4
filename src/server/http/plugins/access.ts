/**
 * Asks each request who sent it, before anything of it is read: host name, web site, key or session, then the scope that its
 * route declares. What is refused is refused in this order with 421, 403 `foreign-origin`, 401, 403 `forbidden`.
 */

import type { FastifyRequest } from 'fastify';
import {
  type Access,
  type AllowedHosts,
  ANONYMOUS,
  type Authentication,
  allows,
  type Principal,
} from '../../access/index.ts';
import type { App } from '../shared/context.ts';
import type { Limits } from '../shared/limits.ts';
import { ProblemError } from '../shared/problem.ts';
import { cookieOf, siteOf } from '../shared/session-cookie.ts';

export type AccessGuardOptions = {
  readonly access: Access;
  readonly hosts: AllowedHosts;
  readonly limits: Limits;
};

/** Must be called before the routes are registered. */
export function registerAccess(app: App, { access, hosts, limits }: AccessGuardOptions): void {
  const senders = new WeakMap<FastifyRequest, Principal>();
  app.decorateRequest('principal', {
    getter() {
      return senders.get(this) ?? ANONYMOUS;
    },
    setter(principal: Principal) {
      senders.set(this, principal);
    },
  });
  app.addHook('onRequest', async (request, reply) => {
    if (!hosts.answersTo(request.hostname, request.socket.localAddress))
      throw new ProblemError('misdirected');
    const site = siteOf(request);
    if (hosts.isForeign(site)) throw new ProblemError('foreign-origin');

    const { authorization } = request.headers;
    const found = await access.authenticate({ authorization, cookie: cookieOf(request) });
    const principal = found.kind === 'principal' ? found.principal : ANONYMOUS;
    request.principal = principal;
    // An address that does not exist reveals nothing: the routes are documented.
    const wanted = request.is404 ? 'public' : request.routeOptions.config.access;
    // What is shown is judged before the client is counted: whose requests these are is known by then alone.
    const isFailure =
      found.kind !== 'principal' &&
      found.kind !== 'none' &&
      // A browser sends the cookie of a session that has ended with everything, the next login too.
      !(found.shown === 'session' && wanted === 'public');
    if (isFailure) await limits.countFailure(request);
    else await limits.count(request, reply);
    if (wanted === 'public') return;
    if (found.kind !== 'principal') throw unauthenticated(found);
    if (principal.session !== undefined && !isSafe(request.method) && !hosts.isOwnPage(site))
      throw new ProblemError('foreign-origin', 'A session changes something only for the dashboard itself.');
    if (!allows(principal.scopes, wanted))
      throw new ProblemError('forbidden', `This needs a key with the scope ${wanted}.`);
  });
}

const REASONS: Readonly<Record<Exclude<Authentication['kind'], 'principal'>, string>> = {
  none: 'Send a key as `Authorization: Bearer kd_…`, or log in.',
  unknown: 'There is no such key.',
  expired: 'The key or the session has expired.',
  revoked: 'The key was revoked.',
};

function unauthenticated(found: Exclude<Authentication, { kind: 'principal' }>): ProblemError {
  // RFC 6750 §3.1: no error code where nothing was shown.
  const error = found.kind === 'none' ? '' : ', error="invalid_token"';
  return new ProblemError('unauthenticated', REASONS[found.kind], {
    'www-authenticate': `Bearer realm="kdumpd"${error}`,
  });
}

/** RFC 9110 §9.2.1. */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}
