/**
 * Serves the user's console (vty 0): its output so far, input, and a live stream.
 * Bytes are not converted; the stream carries them in base64, because server-sent events are lines of text.
 */

import { Type } from 'typebox';
import { VTY_INPUT_BYTES } from '../../../emulator/host/index.ts';
import { IdParams, ProblemRef, RawText } from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';

const tags = ['console'];

/** Console output is gathered this long, so that a boot is not thousands of messages a second, or until it is so much. */
const GATHER_MS = 40;
const GATHER_BYTES = 64 << 10;

const textInput = Type.Object({ text: Type.String() }, { additionalProperties: false });

export function registerConsoleRoutes(app: App, { fleet, events, streams }: RouteContext): void {
  app.get(
    '/partitions/:id/console',
    {
      config: { access: 'view' },
      schema: {
        tags,
        summary: 'The console of the current power cycle so far, at most its last MiB',
        params: IdParams,
        response: {
          200: { description: 'Raw bytes', content: { 'text/plain': { schema: RawText } } },
          '4xx': ProblemRef,
        },
      },
    },
    async (request, reply) =>
      reply
        .type('text/plain; charset=utf-8')
        .header('cache-control', 'no-store')
        .send(Buffer.from(fleet.console(request.params.id))),
  );

  void app.register((scope, _options, done) => {
    // Only typing takes anything but JSON, so that no other route meets a body its schema does not know.
    scope.addContentTypeParser(
      ['text/plain', 'application/octet-stream'],
      { parseAs: 'buffer', bodyLimit: VTY_INPUT_BYTES },
      (_request, body, parsed) => parsed(null, body),
    );
    scope.post<{ Params: { id: string }; Body: { text: string } | Buffer }>(
      '/partitions/:id/console',
      {
        config: { access: 'panic', audit: 'partition.type' },
        bodyLimit: VTY_INPUT_BYTES,
        schema: {
          tags,
          summary: 'Types on the console',
          description: `All of the body or nothing: a guest has ${VTY_INPUT_BYTES} bytes at the most that it has not read; where the body does not fit, the answer is 409 terminal-full.`,
          params: IdParams,
          body: {
            content: {
              'application/json': { schema: textInput },
              'text/plain': { schema: Type.Unsafe({}) },
              'application/octet-stream': { schema: Type.Unsafe({}) },
            },
          },
          response: { 204: Type.Null(), '4xx': ProblemRef },
        },
      },
      async (request, reply) => {
        const { body } = request;
        await fleet.type(request.params.id, Buffer.isBuffer(body) ? body : Buffer.from(body.text, 'utf8'));
        return reply.code(204).send(null);
      },
    );
    done();
  });

  app.get(
    '/partitions/:id/console/stream',
    {
      config: { access: 'view' },
      sse: 'manual',
      schema: {
        tags,
        summary: 'Follows the console (server-sent events)',
        description:
          'Begins with `snapshot` (the console so far), then `output`; `life` when a new power cycle begins, with an empty console. Each carries `{"base64": …}`.',
        params: IdParams,
        response: {
          200: { description: 'Events', content: { 'text/event-stream': { schema: Type.String() } } },
          '4xx': ProblemRef,
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const soFar = fleet.console(id);
      await streams.serve(request, reply, async (stream) => {
        stream.send({ event: 'snapshot', data: encode([soFar]) });

        let gathered: Uint8Array[] = [];
        let bytesGathered = 0;
        let timer: NodeJS.Timeout | undefined;
        const flush = (): void => {
          clearTimeout(timer);
          timer = undefined;
          if (gathered.length === 0) return;
          stream.send({ event: 'output', data: encode(gathered) });
          gathered = [];
          bytesGathered = 0;
        };
        const unwatch = fleet.watchConsole(id, (bytes) => {
          gathered.push(bytes);
          bytesGathered += bytes.length;
          if (bytesGathered >= GATHER_BYTES) flush();
          else timer ??= setTimeout(flush, GATHER_MS);
        });
        const subscription = events.subscribe((message) => {
          if (message.kind !== 'event') return;
          const { event } = message;
          if (event.kind !== 'partition' || event.id !== id || event.state !== 'starting') return;
          flush();
          stream.send({ event: 'life', data: encode([]) });
        });
        stream.onClose(() => {
          clearTimeout(timer);
          unwatch();
          return subscription.then((end) => end());
        });
        await subscription;
      });
    },
  );
}

function encode(pieces: readonly Uint8Array[]): { readonly base64: string } {
  return { base64: Buffer.concat(pieces).toString('base64') };
}
