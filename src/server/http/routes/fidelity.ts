/** Serves the fidelity report of a capture (docs/fidelity.md). */

import type { StoredTrace } from '../../../panic/trace/index.ts';
import { FidelityRef, IdParams, ProblemRef } from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';
import { ProblemError } from '../shared/problem.ts';

export function registerFidelityRoutes(app: App, { captures }: RouteContext): void {
  app.get(
    '/captures/:id/fidelity',
    {
      config: { access: 'view' },
      schema: {
        tags: ['captures'],
        summary: 'The dump and memory against what the emulator saw',
        params: IdParams,
        response: { 200: FidelityRef, '4xx': ProblemRef },
      },
    },
    async ({ params }) => {
      const text = await captures.trace(params.id);
      const found = text === null ? undefined : (JSON.parse(text) as StoredTrace).fidelity;
      if (found === undefined)
        throw new ProblemError('not-found', 'This crash did not get as far as to be compared.');
      return found;
    },
  );
}
