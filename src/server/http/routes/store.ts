/** Serves the state of the store, and the operations that verify and repair it. */

import { OperationRef, ProblemRef, StoreRef } from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';
import { locationOf } from './partitions.ts';

const tags = ['service'];

export function registerStoreRoutes(app: App, { store, operations }: RouteContext): void {
  app.get(
    '/store',
    {
      config: { access: 'view' },
      schema: {
        tags,
        summary: 'How much the store holds, what of it is damaged, and the last verification',
        response: { 200: StoreRef, '4xx': ProblemRef },
      },
    },
    () => store(),
  );

  for (const [kind, summary] of [
    ['verify', 'Reads everything that is stored and compares it with what was written'],
    ['repair', 'Repairs what can be proved, and verifies after it'],
  ] as const) {
    app.post(
      `/store/${kind}`,
      {
        config: { access: 'admin', audit: `store.${kind}` },
        schema: { tags, summary, response: { 202: OperationRef, '4xx': ProblemRef } },
      },
      async (request, reply) => {
        const operation = await operations.submit({ kind }, undefined, request.principal.actor);
        return reply.code(202).header('location', locationOf(operation)).send(operation);
      },
    );
  }
}
