/**
 * Serves one client of a server-sent event stream, over @fastify/sse. A wrong Accept is answered by a problem, a client
 * that does not read is dropped before its backlog grows. A stream ends with the key or session that it began with, and with
 * the server.
 */

import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { limitKey, type Principal } from '../../access/index.ts';
import { atExpiry } from './expiry.ts';
import { ProblemError, tooMany } from './problem.ts';

/** A client this far behind is cut off; it comes back and is replayed what it missed. */
const MAX_BACKLOG_BYTES = 4 << 20;

export type StreamMessage = { readonly id?: string; readonly event: string; readonly data: unknown };

export interface EventStream {
  /** Sends a message, or drops the client when it is too far behind. */
  send(message: StreamMessage): void;
  /** @param callback ends what feeds the stream */
  onClose(callback: () => void | Promise<void>): void;
  close(): void;
}

/** All streams of a server, so that closing it can end them. */
export class StreamRegistry {
  readonly #open = new Map<EventStream, { readonly principal: Principal; readonly client: string }>();
  readonly #perClient: number;

  constructor(perClient: number) {
    this.#perClient = perClient;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Sends the head of the answer, then has `feed` send messages and say what ends them. HEAD has the head alone, and a client
   * that is gone already has nothing fed. The route must be declared `sse: 'manual'`.
   */
  async serve(
    request: FastifyRequest,
    reply: FastifyReply,
    feed: (stream: EventStream) => Promise<void>,
  ): Promise<void> {
    const accept = request.headers.accept;
    if (accept !== undefined && !/text\/event-stream|text\/\*|\*\/\*/.test(accept)) {
      throw new ProblemError('not-acceptable', 'Only text/event-stream is served here.');
    }
    const sse = reply.sse;
    if (request.method === 'HEAD') {
      // A stream has no length; fastify would say that it is 0.
      reply.type('text/event-stream').header('cache-control', 'no-cache').send(Readable.from([]));
      return;
    }
    const { principal } = request;
    const client = limitKey(principal, request.ip);
    const open = [...this.#open.values()].filter((each) => each.client === client).length;
    if (open >= this.#perClient)
      throw tooMany(`${open} event streams are open, which is as many as a client may have.`, 10);
    if (reply.raw.destroyed) return;
    sse.keepAlive();
    sse.sendHeaders(200);
    const stream: EventStream = {
      send: (message) => {
        if (!sse.isConnected) return;
        if (reply.raw.writableLength > MAX_BACKLOG_BYTES) {
          request.log.warn(
            { backlogBytes: reply.raw.writableLength },
            'event stream dropped: client does not read',
          );
          reply.raw.destroy();
          return;
        }
        // The promise waits for a drain; the backlog is bounded above instead. It rejects only when the client left.
        sse.send(message).catch((err: unknown) => request.log.debug({ err }, 'event stream ended'));
      },
      onClose: (callback) =>
        sse.onClose(() => {
          Promise.resolve(callback()).catch((err: unknown) => request.log.error({ err }, 'event stream'));
        }),
      close: () => sse.close(),
    };
    this.#open.set(stream, { principal, client });
    const forget = atExpiry(principal.expiresAt, () => stream.close());
    sse.onClose(() => {
      forget();
      this.#open.delete(stream);
    });
    await feed(stream);
  }

  /** Ends the streams of clients that may not follow them any more. */
  closeOf(isOver: (principal: Principal) => boolean): void {
    for (const [stream, { principal }] of [...this.#open]) if (isOver(principal)) stream.close();
  }

  closeAll(): void {
    this.closeOf(() => true);
  }
}
