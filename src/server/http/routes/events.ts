/** Streams the service's events: ids and states only; clients fetch the rest. */

import { Type } from 'typebox';
import { ProblemRef } from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';

export function registerEventRoutes(app: App, { events, streams }: RouteContext): void {
  app.get(
    '/events',
    {
      config: { access: 'view' },
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
    (request, reply) =>
      streams.serve(request, reply, async (stream) => {
        const last = request.headers['last-event-id'];
        const after = typeof last === 'string' ? last : undefined;
        const subscription = events.subscribe((message) => {
          if (message.kind === 'event') {
            const { id, event } = message;
            stream.send({ id, event: event.kind, data: event });
          } else if (message.how !== 'resumed') {
            stream.send({ id: message.id, event: message.how === 'new' ? 'hello' : 'lost', data: {} });
          }
        }, after);
        stream.onClose(() => subscription.then((end) => end()));
        await subscription;
      }),
  );
}
