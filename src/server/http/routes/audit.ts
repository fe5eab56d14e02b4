/** Serves the audit log. */

import { Type } from 'typebox';
import { defined } from '../../../base/defined.ts';
import { AUDIT_ACTIONS } from '../../../panic/contract/index.ts';
import { AuditPage, IdText, ProblemRef } from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';
import { pageFields, pageQuery } from '../shared/paging.ts';

const listQuery = Type.Object(
  {
    ...pageFields,
    action: Type.Optional(Type.Enum(AUDIT_ACTIONS)),
    outcome: Type.Optional(Type.Enum(['done', 'refused', 'failed'])),
    keyId: Type.Optional(IdText),
  },
  { additionalProperties: false },
);

export function registerAuditRoutes(app: App, { audit }: RouteContext): void {
  app.get(
    '/audit',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['access'],
        summary: 'Lists who did what, newest first',
        querystring: listQuery,
        response: { 200: AuditPage, '4xx': ProblemRef },
      },
    },
    ({ query }) => {
      const { action, outcome, keyId } = query;
      return audit.list({ ...pageQuery(query), ...defined({ action, outcome, keyId }) });
    },
  );
}
