/** Reads the route from the part of the address after `#`: the daemon serves one page for all routes. */

import { type Signal, signal } from '@preact/signals';

export type Route =
  | { readonly kind: 'fleet' }
  | { readonly kind: 'capture'; readonly id: string }
  | { readonly kind: 'operation'; readonly id: string };

function parse(hash: string): Route {
  const [, what, id] = /^#\/(captures|operations)\/([^/]+)$/.exec(hash) ?? [];
  if (what === undefined || id === undefined) return { kind: 'fleet' };
  return { kind: what === 'captures' ? 'capture' : 'operation', id: decodeURIComponent(id) };
}

export const route: Signal<Route> = signal(parse(location.hash));

addEventListener('hashchange', () => {
  route.value = parse(location.hash);
  scrollTo(0, 0);
});

export const captureLink = (id: string): string => `#/captures/${encodeURIComponent(id)}`;
export const operationLink = (id: string): string => `#/operations/${encodeURIComponent(id)}`;
