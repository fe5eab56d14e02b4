/** What a key may do to what is not its own. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildTestService, openTestAccess, type TestService } from '../../synth/service.ts';

let service: TestService;
let keys = {} as Record<'admin' | 'panic', string>;
beforeEach(async () => {
  const access = openTestAccess(true);
  service = await buildTestService({ access });
  const made = async (scope: 'admin' | 'panic') =>
    (await access.keys.create({ name: scope, scopes: [scope] })).secret;
  keys = { admin: await made('admin'), panic: await made('panic') };
});
afterEach(() => service.app.close());

const post = (url: string, key: keyof typeof keys, payload: object = {}) =>
  service.app.inject({
    method: 'POST',
    url: `/api/v1${url}`,
    headers: { authorization: `Bearer ${keys[key]}` },
    payload,
  });

test('what is done to a guest is cancelled with the scope panic; an import with admin alone', async () => {
  const started = (await post('/images/import', 'admin', { kind: 'debian', name: 'other' })).json();
  const refused = await post(`/operations/${started.id}/cancel`, 'panic');
  expect(refused.json()).toMatchObject({
    status: 403,
    detail: `To cancel the import ${started.id} needs a key with the scope admin.`,
  });
  expect((await post(`/operations/${started.id}/cancel`, 'admin')).statusCode).toBe(200);
  const reset = (await post('/partitions/p1/reset', 'admin')).json();
  expect((await post(`/operations/${reset.id}/cancel`, 'panic')).statusCode).toBe(200);
  expect((await post('/operations/absent/cancel', 'panic')).statusCode).toBe(404);
});
