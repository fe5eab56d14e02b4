/** `kdumpd key` as a process: on a folder that nothing holds, and over REST where a daemon has it. */

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ApiKey } from '../../src/panic/contract/index.ts';
import { openMetadataStore } from '../../src/panic/store/index.ts';
import { openDaemon } from '../../src/server/index.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

let root = '';
let data = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kdumpd-key-'));
  data = join(root, 'data');
});
afterEach(() => rm(root, { recursive: true, force: true }));

type Ended = { readonly code: number | null; readonly out: string; readonly err: string };

async function kdumpd(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env } });
  let out = '';
  let err = '';
  child.stdout.on('data', (bytes: Buffer) => {
    out += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    err += bytes.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, out, err };
}

const key = (...args: string[]) => kdumpd(['key', ...args, '--data', data]);

it('key: made, listed and revoked in a folder; the secret is on standard output once and in no file', {
  timeout: 120_000,
}, async () => {
  const made = await key(
    'create',
    'ops',
    '--scopes',
    'view,panic',
    '--expires',
    '30d',
    '--max-partitions',
    '2',
  );
  expect(made.code).toBe(0);
  const secret = made.out.trim();
  expect(secret).toMatch(/^kd_k[a-z0-9]+_[A-Za-z0-9_-]{43}$/);
  expect(made.err).not.toContain(secret);
  const listed = await key('list');
  const [ops] = JSON.parse(listed.out) as ApiKey[];
  expect(ops).toMatchObject({ name: 'ops', scopes: ['view', 'panic'], quota: { maxPartitions: 2 } });
  expect(Date.parse(ops?.expiresAt ?? '') - Date.parse(ops?.createdAt ?? '')).toBe(30 * 24 * 3600_000);
  const random = secret.split('_').slice(2).join('_');
  expect((await readFile(join(data, 'metadata.db'))).includes(random)).toBe(false);
  expect((await key('revoke', ops?.id ?? '')).code).toBe(0);
  expect(JSON.parse((await key('list')).out)[0].revokedAt).toEqual(expect.any(String));
  const store = openMetadataStore(join(data, 'metadata.db'));
  const { items } = await store.audit.list({ limit: 9 });
  await store.close();
  expect(items).toMatchObject([
    { action: 'key.revoke', target: ops?.id, actor: { kind: 'command-line' }, outcome: 'done' },
    { action: 'key.create', target: 'ops', result: ops?.id },
  ]);
});

it('key: a daemon has the folder → it is asked, with the key of a file', { timeout: 120_000 }, async () => {
  const admin = (await key('create', 'admin', '--scopes', 'admin')).out;
  const file = join(root, 'admin.key');
  await writeFile(file, admin);
  const daemon = await openDaemon({
    port: 0,
    data,
    requireKey: true,
    version: { name: 'kdumpd', version: '0.0.0-test' },
    logger: pino({ level: 'silent' }),
  });
  try {
    const refused = await key('create', 'ci', '--scopes', 'view');
    expect(refused).toMatchObject({ code: 2, out: '' });
    expect(refused.err).toMatch(/^kdumpd: the daemon at http:\S+ says: Send a key as .*\n$/);
    const made = await key('create', 'ci', '--scopes', 'view', '--key', file);
    expect(made.code).toBe(0);
    // Another folder does not matter where a daemon is named.
    const listed = await kdumpd(['key', 'list', '--data', join(root, 'other')], {
      KDUMPD_SERVER: daemon.address,
      KDUMPD_KEY: admin.trim(),
    });
    expect((JSON.parse(listed.out) as ApiKey[]).map(({ name }) => name)).toEqual(['admin', 'ci']);
  } finally {
    await daemon.close();
  }
});

it.each([
  ['a scope that there is not', ['create', 'x', '--scopes', 'vew'], '--scopes: "vew" is none of'],
  [
    'a time that is none',
    ['create', 'x', '--scopes', 'view', '--expires', '30'],
    '--expires: "30" is no time',
  ],
  ['a name that is none', ['create', 'a b', '--scopes', 'view'], '"a b" is no name'],
  ['a server that is none', ['list', '--server', 'localhost'], '--server: "localhost" is no address'],
])('key: %s → 64 and why', { timeout: 60_000 }, async (_what, args, reason) => {
  const ended = await key(...args);
  expect(ended.code).toBe(64);
  expect(ended.err).toContain(reason);
});

it('serve: an address beyond loopback, or --require-key, without an admin key → exit 2 and one sentence', {
  timeout: 120_000,
}, async () => {
  const sentence = (what: string) =>
    `kdumpd: ${what} needs a key with the scope admin: make one first with \`kdumpd key create NAME --scopes admin\`\n`;
  await key('create', 'ci', '--scopes', 'view,panic,download');
  expect(await kdumpd(['serve', '--host', '0.0.0.0', '--port', '0', '--data', data])).toEqual({
    code: 2,
    out: '',
    err: sentence('listening on 0.0.0.0'),
  });
  expect(await kdumpd(['serve', '--require-key', '--port', '0', '--data', data])).toMatchObject({
    code: 2,
    err: sentence('--require-key'),
  });
});
