/** The service over a fleet in memory, as tests ask it. Every answer is held to docs/openapi.json. */

import type { StoreView } from '../../src/panic/contract/index.ts';
import { randomId } from '../../src/panic/index.ts';
import { type AuditStore, openMetadataStore } from '../../src/panic/store/index.ts';
import { Access, AuditLog, Keys, Sessions } from '../../src/server/access/index.ts';
import { type AppOptions, buildApp } from '../../src/server/http/app.ts';
import type { App } from '../../src/server/http/shared/context.ts';
import { holdToDocument } from './documented.ts';
import { FakeWorld } from './fleet.ts';

/** What a store says in which nothing is. */
export const EMPTY_STORE: StoreView = {
  vmcores: 0,
  vmcoreBytes: 0,
  chunks: 0,
  chunkBytes: 0,
  quarantined: 0,
  damagedRecords: [],
  damagedCaptures: [],
};

export type TestService = { readonly app: App; readonly world: FakeWorld };

/** Builds it with one image `debian` and one ready partition `p1`. */
export async function buildTestService(change: Partial<AppOptions> = {}): Promise<TestService> {
  const world = new FakeWorld();
  world.addImage({ name: 'debian', kernelRelease: '6.1.0-50-powerpc64le' });
  world.addPartition({ id: 'p1' });
  return { world, app: await buildServiceOver(world, change) };
}

export async function buildServiceOver(world: FakeWorld, change: Partial<AppOptions> = {}): Promise<App> {
  const app = await buildApp({
    fleet: world.fleet,
    captures: world.captures,
    operations: world.operations,
    images: world.images,
    events: world.bus,
    health: () => [{ name: 'fleet', ok: true }],
    store: async () => EMPTY_STORE,
    version: { name: 'kdumpd', version: '0.0.0-test' },
    access: openTestAccess(false),
    audit: openTestAudit(),
    ...change,
  });
  await app.ready();
  holdToDocument(app);
  return app;
}

/** Who did what, in memory. */
export function openTestAudit(store: AuditStore = openMetadataStore(':memory:').audit): AuditLog {
  const onLost = (_entry: unknown, error: unknown): never => {
    throw error;
  };
  return new AuditLog({ store, newId: randomId, onLost });
}

/** Who may use a service of tests: its keys are in memory. */
export function openTestAccess(keyNeeded: boolean, now: () => number = Date.now): Access {
  const { keys: store } = openMetadataStore(':memory:', { now });
  const onError = (error: Error): never => {
    throw error;
  };
  return new Access({
    keys: new Keys({ store, newId: randomId, now, onError }),
    sessions: new Sessions({ now }),
    keyNeeded,
  });
}
