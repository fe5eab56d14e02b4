/** Where the page is, from the part of the address after `#`: the daemon serves one file. */

import { type Signal, signal } from '@preact/signals';

export type Route = { readonly kind: 'fleet' } | { readonly kind: 'capture'; readonly id: string };

function parse(hash: string): Route {
  const match = /^#\/captures\/([^/]+)$/.exec(hash);
  return match?.[1] === undefined ? { kind: 'fleet' } : { kind: 'capture', id: decodeURIComponent(match[1]) };
}

export const route: Signal<Route> = signal(parse(location.hash));

addEventListener('hashchange', () => {
  route.value = parse(location.hash);
  scrollTo(0, 0);
});

export const captureLink = (id: string): string => `#/captures/${encodeURIComponent(id)}`;
