/** The service's events, live: ids and states only; clients fetch the rest. */

import { Type } from 'typebox';
import { ProblemRef } from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';

export function registerEventRoutes(app: App, { events, streams }: RouteContext): void {
  app.get(
    '/events',
    {
      sse: 'manual',
      schema: {
        tags: ['events'],
        summary: 'Follows what happens (server-sent events)',
        description:
          'Events `partition`, `operation`, `capture` and `image`, each with an id; Last-Event-ID replays what was missed. `hello` begins a stream; `lost` says that the replay does not reach back far enough: fetch afresh.',
        response: {
          200: { description: 'Events', content: { 'text/event-stream': { schema: Type.String() } } },
          '4xx': ProblemRef,
        },
      },
    },
    async (request, reply) => {
      const last = request.headers['last-event-id'];
      const stream = streams.open(request, reply);
      const replay = typeof last === 'string' ? events.since(last) : null;
      if (replay?.kind === 'complete') {
        for (const { id, event } of replay.events) stream.send({ id, event: event.kind, data: event });
      } else {
        stream.send({ id: events.lastId, event: replay === null ? 'hello' : 'lost', data: {} });
      }
      const unsubscribe = events.subscribe(({ id, event }) =>
        stream.send({ id, event: event.kind, data: event }),
      );
      stream.onClose(unsubscribe);
    },
  );
}
