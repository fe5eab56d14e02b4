/** Serves captures with their trace, rules and console. The vmcore itself is in vmcore-download.ts. */

import { Type } from 'typebox';
import { defined } from '../../../base/defined.ts';
import { StoredDataError } from '../../../base/errors.ts';
import type { Capture } from '../../../panic/contract/index.ts';
import {
  CapturePage,
  CaptureRef,
  IdParams,
  IdText,
  ProblemRef,
  RawText,
  RuleList,
} from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';
import { checkOwner } from '../shared/owner.ts';
import { pageFields, pageQuery } from '../shared/paging.ts';
import { ProblemError } from '../shared/problem.ts';

const tags = ['captures'];
const listQuery = Type.Object(
  {
    ...pageFields,
    partitionId: Type.Optional(IdText),
    outcome: Type.Optional(Type.Enum(['captured', 'failed'])),
    signature: Type.Optional(
      Type.String({ pattern: '^[0-9a-f]{16}$', description: 'Of the same crash alone' }),
    ),
  },
  { additionalProperties: false },
);

export function registerCaptureRoutes(app: App, { captures }: RouteContext): void {
  app.get(
    '/captures',
    {
      config: { access: 'view' },
      schema: {
        tags,
        summary: 'Lists captures, newest first',
        querystring: listQuery,
        response: { 200: CapturePage, '4xx': ProblemRef },
      },
    },
    (request) => {
      const { partitionId, outcome, signature } = request.query;
      return captures.list({
        ...pageQuery(request.query),
        ...defined({ partitionId, outcome, signature }),
      });
    },
  );

  app.get(
    '/captures/:id',
    {
      config: { access: 'view' },
      schema: {
        tags,
        summary: 'Returns one capture',
        params: IdParams,
        response: { 200: CaptureRef, '4xx': ProblemRef },
      },
    },
    (request) => captures.get(request.params.id),
  );

  app.delete(
    '/captures/:id',
    {
      config: { access: 'panic', audit: 'capture.remove' },
      schema: {
        tags,
        summary: 'Removes a capture and its vmcore',
        params: IdParams,
        response: { 204: Type.Null(), '4xx': ProblemRef },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      checkOwner(request.principal, `capture ${id}`, await captures.get(id).catch(ofNobody));
      await captures.remove(id);
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/captures/:id/rules',
    {
      config: { access: 'view' },
      schema: {
        tags,
        summary: 'How each rule of the handoff fared',
        params: IdParams,
        response: { 200: RuleList, '4xx': ProblemRef },
      },
    },
    async (request) => ({ items: await captures.rules(request.params.id) }),
  );

  app.get(
    '/captures/:id/console',
    {
      config: { access: 'view' },
      schema: {
        tags,
        summary: 'The console of the power cycle that crashed: the production kernel, then the crash kernel',
        params: IdParams,
        response: {
          200: { description: 'Raw bytes', content: { 'text/plain': { schema: RawText } } },
          '4xx': ProblemRef,
        },
      },
    },
    async (request, reply) => {
      const bytes = await captures.console(request.params.id);
      if (bytes === null) throw new ProblemError('not-found', 'This crash left no console.');
      return reply.type('text/plain; charset=utf-8').send(Buffer.from(bytes));
    },
  );
}

/** A damaged record does not say who made it. */
function ofNobody(error: unknown): Pick<Capture, 'createdBy'> {
  if (error instanceof StoredDataError) return {};
  throw error;
}
