/** Answers 405 where the address exists and the method does not (RFC 9110 §15.5.6), else 404. */

import type { App } from '../shared/context.ts';
import { sendProblem } from '../shared/problem.ts';
import type { RouteTable } from './route-table.ts';

export function registerUnknownAddresses(app: App, routes: Pick<RouteTable, 'methodsAt'>): void {
  app.setNotFoundHandler((request, reply) => {
    const allowed = routes.methodsAt(request.url.split('?')[0] ?? '');
    if (allowed.length === 0 || allowed.includes(request.method))
      return sendProblem(request, reply, 'not-found');
    return sendProblem(request, reply, 'method-not-allowed', {}, { allow: allowed.join(', ') });
  });
}
