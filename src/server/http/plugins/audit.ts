/**
 * Records what requests did before their answers leave: the actions that routes name in `config.audit`, and whatever was refused
 * because of who asked or how often. A download is recorded at its end, with the bytes that were handed over.
 */

import { pipeline, Readable, Transform } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { defined } from '../../../base/defined.ts';
import type { AuditEvent, AuditLog } from '../../access/index.ts';
import type { App } from '../shared/context.ts';

/** Refused for who asked or how often, not for what was asked. */
const REFUSED = new Set([401, 403, 421, 429]);

export function registerAudit(app: App, audit: AuditLog): void {
  app.decorateRequest('problem', undefined);
  app.addHook('onSend', async (request, reply, payload) => {
    const event = eventOf(request, reply);
    if (event === undefined) return payload;
    if (event.action === 'capture.download' && payload instanceof Readable)
      return counted(
        payload,
        (bytes) => {
          const complete = reply.raw.writableFinished;
          // The answer has left: no client waits for it, and a failure is reported by the log itself.
          void audit.record({ ...event, outcome: complete ? 'done' : 'failed', bytes, complete });
        },
        reply,
      );
    // 304 and 412 handed nothing over.
    if (event.action !== 'capture.download' || event.outcome !== 'done') await audit.record(event);
    return payload;
  });
}

/** @returns undefined for what is not recorded */
function eventOf(request: FastifyRequest, reply: FastifyReply): AuditEvent | undefined {
  const { statusCode: status } = reply;
  const action = request.is404 ? undefined : request.routeOptions.config.audit;
  const outcome = REFUSED.has(status) ? 'refused' : status >= 400 ? 'failed' : 'done';
  if (action === undefined && outcome !== 'refused') return undefined;
  const location = reply.getHeader('location');
  return {
    actor: request.principal.actor,
    action: action ?? 'read',
    outcome,
    status,
    address: request.ip,
    requestId: request.id,
    ...defined({
      target: targetOf(request),
      problem: request.problem,
      result: typeof location === 'string' ? location : undefined,
    }),
  };
}

/** The id or name in the address, else the name in the body. Only what can be one: the rest was refused. */
function targetOf({ params, body }: FastifyRequest): string | undefined {
  for (const source of [params, body]) {
    if (typeof source !== 'object' || source === null) continue;
    for (const field of ['id', 'name'] as const) {
      const value = field in source ? (source as Record<string, unknown>)[field] : undefined;
      if (typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/.test(value)) return value;
    }
  }
  return undefined;
}

/** The same bytes; `ended` is called once, when the answer has ended in whatever way. */
function counted(payload: Readable, ended: (bytes: number) => void, reply: FastifyReply): Readable {
  let bytes = 0;
  const counter = new Transform({
    transform: (piece: Uint8Array, _encoding, done) => {
      bytes += piece.length;
      done(null, piece);
    },
  });
  reply.raw.once('close', () => ended(bytes));
  // Either side's end is passed to the other; the reply reports an error of the counter.
  return pipeline(payload, counter, () => undefined);
}
