/**
 * Records every route as it is registered: its address, its methods, and what it asks of its client. The router does not report
 * them. A route that does not say what it asks of its client keeps the server from starting.
 */

import { assert } from '../../../base/errors.ts';
import type { RouteAccess } from '../../access/index.ts';
import type { App } from '../shared/context.ts';

export type RouteEntry = {
  readonly url: string;
  readonly methods: readonly string[];
  readonly access: RouteAccess;
};

export interface RouteTable {
  /** Complete once the server is ready. */
  readonly routes: readonly RouteEntry[];
  /** The methods that an address takes, sorted; none: there is no such address. */
  methodsAt(url: string): readonly string[];
}

type Recorded = { readonly parts: readonly string[] } & Omit<RouteEntry, 'access'> & {
    readonly access: () => RouteAccess | undefined;
  };

/** Must be called before the routes are registered. */
export function registerRouteTable(app: App): RouteTable {
  const recorded: Recorded[] = [];
  app.addHook('onRoute', (route) => {
    const { url, method } = route;
    // Hooks of inner scopes may still set it.
    const access = (): RouteAccess | undefined => route.config?.access;
    recorded.push({ url, methods: [method].flat(), access, parts: url.split('/') });
  });
  app.addHook('onReady', async () => {
    for (const { url, methods, access } of recorded)
      assert(access() !== undefined, `the route ${methods} ${url} does not say who may use it`);
  });
  return {
    get routes() {
      return recorded.map(({ url, methods, access }) => ({ url, methods, access: access() ?? 'admin' }));
    },
    methodsAt: (url) => {
      const parts = url.split('/');
      const found = recorded.filter((each) => !each.url.includes('*') && matches(each.parts, parts));
      return [...new Set(found.flatMap(({ methods }) => methods))].sort();
    },
  };
}

/** Routes of plugins that know nothing of access: those of `scope` get this one. */
export function declareAccess(scope: App, access: RouteAccess): void {
  scope.addHook('onRoute', (route) => {
    route.config = { access, ...route.config };
  });
}

function matches(pattern: readonly string[], parts: readonly string[]): boolean {
  return (
    pattern.length === parts.length &&
    pattern.every((part, i) => (part.startsWith(':') ? parts[i] !== '' : part === parts[i]))
  );
}
