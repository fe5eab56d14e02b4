/** Serves operations: each request to the service, and its state. */

import { Type } from 'typebox';
import { defined } from '../../../base/defined.ts';
import { allows } from '../../access/index.ts';
import { IdParams, IdText, OperationPage, OperationRef, ProblemRef } from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';
import { pageFields, pageQuery } from '../shared/paging.ts';
import { ProblemError } from '../shared/problem.ts';

const tags = ['operations'];
const listQuery = Type.Object(
  { ...pageFields, partitionId: Type.Optional(IdText) },
  { additionalProperties: false },
);

export function registerOperationRoutes(app: App, { operations }: RouteContext): void {
  app.get(
    '/operations',
    {
      config: { access: 'view' },
      schema: {
        tags,
        summary: 'Lists operations, newest first',
        querystring: listQuery,
        response: { 200: OperationPage, '4xx': ProblemRef },
      },
    },
    (request) => {
      const { partitionId } = request.query;
      return operations.list({
        ...pageQuery(request.query),
        ...defined({ partitionId }),
      });
    },
  );

  app.get(
    '/operations/:id',
    {
      config: { access: 'view' },
      schema: {
        tags,
        summary: 'Returns one operation',
        params: IdParams,
        response: { 200: OperationRef, '4xx': ProblemRef },
      },
    },
    (request) => operations.get(request.params.id),
  );

  app.post(
    '/operations/:id/cancel',
    {
      config: { access: 'panic', audit: 'operation.cancel' },
      schema: {
        tags,
        summary: 'Cancels an operation: at once while it is queued, soon where it runs',
        params: IdParams,
        response: { 200: OperationRef, '4xx': ProblemRef },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { kind, partitionId } = await operations.get(id);
      if (partitionId === undefined && !allows(request.principal.scopes, 'admin'))
        throw new ProblemError('forbidden', `To cancel the ${kind} ${id} needs a key with the scope admin.`);
      return operations.cancel(id);
    },
  );
}
