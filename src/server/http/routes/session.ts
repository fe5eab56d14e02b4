/** Serves the dashboard's login: a key is exchanged for a session, which a cookie names. */

import { Type } from 'typebox';
import { defined } from '../../../base/defined.ts';
import type { Principal } from '../../access/index.ts';
import { ProblemRef, SessionRef, SessionRequestSchema } from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';
import type { SessionView } from '../shared/ports.ts';
import { ProblemError } from '../shared/problem.ts';
import { clearCookie, setCookie } from '../shared/session-cookie.ts';

const tags = ['access'];

export function registerSessionRoutes(
  app: App,
  { access, hosts, streams, downloads, limits }: RouteContext,
): void {
  const view = ({ actor, scopes, session, expiresAt }: Principal): SessionView => ({
    keyNeeded: access.keyNeeded,
    actor,
    scopes: [...scopes],
    ...defined({
      session: session === undefined ? undefined : (true as const),
      expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
    }),
  });

  app.get(
    '/session',
    {
      config: { access: 'public' },
      schema: {
        tags,
        summary: 'Who sent the request, and what that allows',
        response: { 200: SessionRef, '4xx': ProblemRef },
      },
    },
    async (request, reply) => reply.header('cache-control', 'no-store').send(view(request.principal)),
  );

  app.post(
    '/session',
    {
      config: { access: 'public', audit: 'session.open' },
      schema: {
        tags,
        summary: 'Exchanges a key for a session, which a cookie names',
        body: SessionRequestSchema,
        response: { 200: SessionRef, '4xx': ProblemRef },
      },
    },
    async (request, reply) => {
      const found = await access.authenticate({ authorization: `Bearer ${request.body.key}` });
      if (found.kind !== 'principal' || found.principal.actor.kind !== 'key') {
        await limits.countFailure(request);
        throw new ProblemError('unauthenticated', 'This key is not good: it is unknown, expired or revoked.');
      }
      const { actor, expiresAt } = found.principal;
      const { secret, session } = access.sessions.open(
        actor.id,
        expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
      );
      request.principal = { ...found.principal, session: session.id, expiresAt: session.expiresAt };
      setCookie(request, reply, hosts, secret, session.expiresAt);
      return reply.header('cache-control', 'no-store').send(view(request.principal));
    },
  );

  app.delete(
    '/session',
    {
      config: { access: 'public', audit: 'session.close' },
      schema: { tags, summary: 'Ends the session', response: { 204: Type.Null(), '4xx': ProblemRef } },
    },
    async (request, reply) => {
      const { session } = request.principal;
      if (session !== undefined) {
        access.sessions.close(session);
        const isOver = (principal: Principal): boolean => principal.session === session;
        streams.closeOf(isOver);
        downloads.closeOf(isOver);
      }
      clearCookie(request, reply, hosts);
      return reply.code(204).send(null);
    },
  );
}
