/**
 * Holds requests to their bodies. A route whose schema has a body is never run without one: fastify checks the schemas that a
 * route has for each Content-Type only when the request has a Content-Type. JSON is UTF-8 (RFC 8259 §8.1) and its strings are
 * Unicode (RFC 7493 §2.1): what is not would be stored or typed as something else than what was sent.
 */

import type { preValidationHookHandler } from 'fastify';
import type { App } from '../shared/context.ts';
import { ProblemError } from '../shared/problem.ts';

/** Must be called before the routes are registered. */
export function registerBodies(app: App): void {
  app.addHook('onRoute', (route) => {
    if (route.schema?.body === undefined) return;
    // Last: a route may have made an absent body one of its own before.
    route.preValidation = [route.preValidation ?? [], requireBody].flat();
  });

  const parse = app.getDefaultJsonParser('error', 'error');
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    let text: string;
    try {
      // parseAs: 'buffer' gives one.
      text = utf8.decode(body as Buffer);
    } catch {
      done(new ProblemError('malformed', 'The body is not UTF-8.'));
      return;
    }
    void parse(request, text, (error, value: unknown) => {
      if (error !== null) done(error);
      else if (isUnicode(value)) done(null, value);
      else done(new ProblemError('malformed', 'A string of the body has half of a surrogate pair.'));
    });
  });
}

const requireBody: preValidationHookHandler = (request, _reply, done) => {
  done(request.body === undefined ? new ProblemError('malformed', 'The request has no body.') : undefined);
};

const HALF_A_PAIR = /\p{Surrogate}/u;

/** Whether every string of a JSON value, keys as well, is well-formed. Without recursion: the value may be deep. */
function isUnicode(root: unknown): boolean {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === 'string') {
      if (HALF_A_PAIR.test(value)) return false;
    } else if (Array.isArray(value)) for (const item of value) open.push(item);
    else if (typeof value === 'object' && value !== null)
      for (const [key, item] of Object.entries(value)) open.push(key, item);
  }
  return true;
}
