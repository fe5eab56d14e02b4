import { beforeEach, describe, expect, test } from 'vitest';
import { Refusal } from '../../../src/panic/contract/index.ts';
import type { KeyStore } from '../../../src/panic/store/index.ts';
import { Access, Keys, Sessions } from '../../../src/server/access/index.ts';
import { mintSecret, readSecret } from '../../../src/server/access/secret.ts';
import { memoryMetadataStore } from '../../panic/store/memory-metadata-store.ts';

const TIME = Date.parse('2024-01-01T00:00:00Z');
let now = TIME;
let keys: Keys;
let store: KeyStore;
let ids = 0;
beforeEach(() => {
  now = TIME;
  ids = 0;
  store = memoryMetadataStore(() => now).keys;
  keys = open();
});

function open(onError: (error: Error) => void = (error) => expect.fail(error.message)): Keys {
  return new Keys({ store, newId: (prefix) => `${prefix}${++ids}`, now: () => now, onError });
}

describe('secrets', () => {
  test('mintSecret: 256 random bits, read back to the same id and hash; every one is another', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const { secret, hash } = mintSecret('kabc');
      expect(secret).toMatch(/^kd_kabc_[A-Za-z0-9_-]{43}$/);
      expect(readSecret(secret)).toEqual({ keyId: 'kabc', hash });
      expect(hash).toHaveLength(32);
      expect(Buffer.from(hash).toString('hex')).not.toContain(secret.slice(8));
      seen.add(secret);
    }
    expect(seen.size).toBe(200);
  });

  test.each([
    '',
    'kd_',
    'kd_k1_short',
    `kd__${'a'.repeat(43)}`,
    `kd_k1_${'a'.repeat(44)}`,
    `kd_K1_${'a'.repeat(43)}`,
    `xx_k1_${'a'.repeat(43)}`,
    `kd_k1_${'a'.repeat(42)}=`,
    `kd_k1_${'a'.repeat(43)}\n`,
  ])('readSecret: %j → none', (text) => {
    expect(readSecret(text)).toBeUndefined();
  });
});

describe('Keys', () => {
  test('create: the store has no secret; its owner is recognised, another secret of the same id is not', async () => {
    const { key, secret } = await keys.create({ name: 'ops', scopes: ['view', 'view', 'panic'] });
    expect(key).toEqual({
      id: 'k1',
      name: 'ops',
      scopes: ['view', 'panic'],
      createdAt: '2024-01-01T00:00:00.000Z',
    });
    expect(JSON.stringify(await store.find('k1'))).not.toContain(secret.slice(6));
    expect(await keys.recognise(secret)).toMatchObject({ kind: 'key', key: { id: 'k1' } });
    expect(await keys.recognise(mintSecret('k1').secret)).toEqual({ kind: 'unknown' });
    expect(await keys.recognise(mintSecret('k2').secret)).toEqual({ kind: 'unknown' });
    expect(await keys.recognise('nonsense')).toEqual({ kind: 'unknown' });
  });

  test('recognise: after its expiry, after it was revoked → said to who has the secret alone', async () => {
    const short = await keys.create({ name: 'a', scopes: ['view'], expiresInSeconds: 60 });
    const gone = await keys.create({ name: 'b', scopes: ['view'] });
    now += 59_999;
    expect((await keys.recognise(short.secret)).kind).toBe('key');
    now += 1;
    expect(await keys.recognise(short.secret)).toEqual({ kind: 'expired' });
    await keys.revoke(gone.key.id);
    expect(await keys.recognise(gone.secret)).toEqual({ kind: 'revoked' });
    expect(await keys.recognise(mintSecret(gone.key.id).secret)).toEqual({ kind: 'unknown' });
    await expect(keys.revoke('absent')).rejects.toThrow(Refusal);
  });

  test('recognise: the last use is stored once a minute; where it cannot be, the request goes on', async () => {
    const { secret } = await keys.create({ name: 'a', scopes: ['view'] });
    const usedAt = async () => (await keys.list())[0]?.lastUsedAt;
    await keys.recognise(secret);
    expect(await usedAt()).toBe('2024-01-01T00:00:00.000Z');
    now += 59_999;
    await keys.recognise(secret);
    expect(await usedAt()).toBe('2024-01-01T00:00:00.000Z');
    // A clock that was set back.
    now -= 3600_000;
    await keys.recognise(secret);
    expect(await usedAt()).toBe('2023-12-31T23:00:59.999Z');
    now += 60_000;
    const errors: Error[] = [];
    store.used = () => Promise.reject(new Error('disk full'));
    const failing = open((error) => errors.push(error));
    expect((await failing.recognise(secret)).kind).toBe('key');
    expect(errors).toHaveLength(1);
  });

  test('hasAdmin: only a key that is good now counts', async () => {
    expect(await keys.hasAdmin()).toBe(false);
    await keys.create({ name: 'a', scopes: ['view', 'panic', 'download'] });
    expect(await keys.hasAdmin()).toBe(false);
    const { key } = await keys.create({ name: 'b', scopes: ['admin'] });
    expect(await keys.hasAdmin()).toBe(true);
    await keys.revoke(key.id);
    expect(await keys.hasAdmin()).toBe(false);
    await keys.create({ name: 'c', scopes: ['admin'], expiresInSeconds: 1 });
    expect(await keys.hasAdmin()).toBe(true);
    now += 1000;
    expect(await keys.hasAdmin()).toBe(false);
  });
});

describe('Access.authenticate', () => {
  const access = (keyNeeded: boolean, sessions = new Sessions({ now: () => now })) =>
    new Access({ keys, sessions, keyNeeded });

  test('nothing shown → everything where no key is needed, nothing where one is', async () => {
    expect(await access(false).authenticate({})).toMatchObject({
      kind: 'principal',
      principal: { actor: { kind: 'local' }, scopes: ['view', 'panic', 'download', 'admin'] },
    });
    expect(await access(true).authenticate({})).toEqual({ kind: 'none' });
    // Another scheme is for a proxy.
    expect((await access(true).authenticate({ authorization: 'Basic eDp5' })).kind).toBe('none');
  });

  test('a key where none is needed → its scopes, not everything; a wrong one → refused', async () => {
    const { secret } = await keys.create({ name: 'a', scopes: ['view'] });
    expect(await access(false).authenticate({ authorization: `bearer  ${secret}` })).toMatchObject({
      principal: { actor: { kind: 'key', id: 'k1', name: 'a' }, scopes: ['view'] },
    });
    expect(await access(false).authenticate({ authorization: 'Bearer nonsense' })).toEqual({
      kind: 'unknown',
      shown: 'key',
    });
  });

  test('a session → its key, until either ends', async () => {
    const sessions = new Sessions({ now: () => now });
    const { key } = await keys.create({ name: 'a', scopes: ['view'], expiresInSeconds: 24 * 3600 });
    const { secret, session } = sessions.open(key.id, key.expiresAt);
    const ask = () => access(true, sessions).authenticate({ cookie: secret });
    expect(session.expiresAt).toBe(TIME + 12 * 3600_000);
    expect(session.id).not.toContain(secret);
    expect(await ask()).toMatchObject({ principal: { actor: { id: 'k1' }, session: session.id } });
    now += 12 * 3600_000;
    expect(await ask()).toEqual({ kind: 'expired', shown: 'session' });
    expect(sessions.open(key.id, key.expiresAt).session.expiresAt).toBe(TIME + 24 * 3600_000);
    const again = sessions.open(key.id).secret;
    await keys.revoke(key.id);
    expect(await access(true, sessions).authenticate({ cookie: again })).toEqual({
      kind: 'revoked',
      shown: 'session',
    });
  });

  test('too many sessions of a key → its own oldest ends, not those of others', () => {
    const sessions = new Sessions({ now: () => now, maxSessions: 4, maxOfKey: 2 });
    const all = ['k1', 'k2', 'k2', 'k2', 'k2'].map((id) => sessions.open(id).secret);
    expect(all.map((each) => sessions.find(each)?.keyId)).toEqual(['k1', undefined, undefined, 'k2', 'k2']);
  });

  test('too many sessions → the oldest ends', () => {
    const sessions = new Sessions({ now: () => now, maxSessions: 2 });
    const [a, b, c] = ['k1', 'k2', 'k3'].map((id) => sessions.open(id).secret);
    expect([a, b, c].map((each) => sessions.find(each ?? '')?.keyId)).toEqual([undefined, 'k2', 'k3']);
  });
});
