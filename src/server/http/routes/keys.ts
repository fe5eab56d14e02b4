/** Serves API keys: list, make, revoke. A secret is in the answer that makes its key, and nowhere else. */

import { defined } from '../../../base/defined.ts';
import type { Principal } from '../../access/index.ts';
import { IdParams, KeyList, KeyRef, KeyRequestSchema, MintedKeyRef, ProblemRef } from '../schemas/index.ts';
import { API_PREFIX, type App, type RouteContext } from '../shared/context.ts';

const tags = ['access'];

export function registerKeyRoutes(app: App, { access, streams, downloads }: RouteContext): void {
  const { keys } = access;
  app.get(
    '/keys',
    {
      config: { access: 'admin' },
      schema: { tags, summary: 'Lists the keys, revoked ones too', response: { 200: KeyList } },
    },
    async () => ({ items: await keys.list() }),
  );

  app.post(
    '/keys',
    {
      config: { access: 'admin', audit: 'key.create' },
      schema: {
        tags,
        summary: 'Makes a key; its secret is in this answer alone',
        body: KeyRequestSchema,
        response: { 201: MintedKeyRef, '4xx': ProblemRef },
      },
    },
    async (request, reply) => {
      const { name, scopes, expiresInSeconds, quota } = request.body;
      const made = await keys.create({ name, scopes, ...defined({ expiresInSeconds, quota }) });
      return reply
        .code(201)
        .headers({ location: `${API_PREFIX}/keys/${made.key.id}`, 'cache-control': 'no-store' })
        .send(made);
    },
  );

  app.delete(
    '/keys/:id',
    {
      config: { access: 'admin', audit: 'key.revoke' },
      schema: {
        tags,
        summary: 'Revokes a key: from now on it allows nothing, and its streams end',
        params: IdParams,
        response: { 200: KeyRef, '4xx': ProblemRef },
      },
    },
    async (request) => {
      const revoked = await keys.revoke(request.params.id);
      const isOver = ({ actor }: Principal): boolean => actor.kind === 'key' && actor.id === revoked.id;
      streams.closeOf(isOver);
      downloads.closeOf(isOver);
      return revoked;
    },
  );
}
