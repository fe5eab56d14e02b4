/**
 * Answers 405 where the address exists and the method does not (RFC 9110 §15.5.6), else 404.
 * The router does not report which of the two it is, so the routes are recorded here as they are registered.
 */

import type { App } from '../shared/context.ts';
import { sendProblem } from '../shared/problem.ts';

type Known = { readonly parts: readonly string[]; readonly methods: Set<string> };

/** Must be called before the routes are registered. */
export function registerUnknownAddresses(app: App): void {
  const known = new Map<string, Known>();
  app.addHook('onRoute', (route) => {
    if (route.url.includes('*')) return;
    const entry = known.get(route.url) ?? { parts: route.url.split('/'), methods: new Set() };
    for (const method of [route.method].flat()) entry.methods.add(method);
    known.set(route.url, entry);
  });

  app.setNotFoundHandler((request, reply) => {
    const parts = (request.url.split('?')[0] ?? '').split('/');
    const allowed = new Set<string>();
    for (const entry of known.values()) {
      if (!matches(entry.parts, parts)) continue;
      for (const method of entry.methods) allowed.add(method);
    }
    if (allowed.size === 0 || allowed.has(request.method)) return sendProblem(request, reply, 'not-found');
    return sendProblem(request, reply, 'method-not-allowed', {}, { allow: [...allowed].sort().join(', ') });
  });
}

function matches(pattern: readonly string[], parts: readonly string[]): boolean {
  return (
    pattern.length === parts.length &&
    pattern.every((part, i) => (part.startsWith(':') ? parts[i] !== '' : part === parts[i]))
  );
}
