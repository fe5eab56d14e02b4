import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readTls, watchTls } from '../../../src/server/access/tls.ts';
import { type Daemon, openDaemon } from '../../../src/server/index.ts';
import { eventually } from '../../support/eventually.ts';
import { needsProgram } from '../../support/programs.ts';

let folder = '';
let daemon: Daemon | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kdumpd-tls-'));
});
afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
  rmSync(folder, { recursive: true });
});

/** A certificate for `name` that signs itself. */
function make(name: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
  ];
  execFileSync('openssl', [...args, '-subj', `/CN=${name}`, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  return { cert, key };
}

type Asked = { readonly status: number; readonly name: string; readonly headers: IncomingMessage['headers'] };

function ask(address: string, headers: Record<string, string> = {}): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${address}/healthz`,
      { rejectUnauthorized: false, agent: false, headers },
      (answer) => {
        const name = String((answer.socket as TLSSocket).getPeerCertificate().subject.CN);
        answer
          .resume()
          .on('end', () => resolve({ status: answer.statusCode ?? 0, name, headers: answer.headers }));
      },
    );
    sent.on('error', reject).end();
  });
}

test('readTls: what is wrong with the files → one sentence', () => {
  needsProgram('openssl');
  const [one, two] = [make('one'), make('two')];
  const text = join(folder, 'text');
  writeFileSync(text, 'nothing');
  expect(readTls(one).cert.length).toBeGreaterThan(100);
  expect(() => readTls({ ...one, key: two.key })).toThrow(
    /--tls-key: .*two\.key is not the key of the certificate .*one\.crt$/,
  );
  expect(() => readTls({ ...one, cert: join(folder, 'absent') })).toThrow(
    /--tls-cert: .*absent cannot be read: ENOENT/,
  );
  expect(() => readTls({ ...one, cert: text })).toThrow(/--tls-cert: .*text is no certificate in PEM$/);
  expect(() => readTls({ ...one, key: text })).toThrow(/--tls-key: .*text is no private key/);
});

test('watchTls: a file is written again, replaced, or its link leads elsewhere → told; not after the end', async () => {
  const path = (name: string): string => join(folder, name);
  for (const name of ['cert', 'key', 'other']) writeFileSync(path(name), name);
  symlinkSync(path('key'), path('link'));
  let changes = 0;
  const end = watchTls({ cert: path('cert'), key: path('link') }, () => changes++, 5);
  /** Times of files have a grain: each change is of another size. */
  const told = async (change: () => void): Promise<void> => {
    const before = changes;
    change();
    await eventually(() => (changes > before ? true : undefined));
  };
  // The first look at a file is no change.
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(changes).toBe(0);
  await told(() => writeFileSync(path('cert'), 'another one'));
  await told(() => {
    writeFileSync(path('new'), 'a third one, longer');
    renameSync(path('new'), path('cert'));
  });
  await told(() => {
    symlinkSync(path('other'), path('new'));
    renameSync(path('new'), path('link'));
  });
  end();
  const before = changes;
  writeFileSync(path('cert'), 'the last one, which nobody looks at');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(changes).toBe(before);
});

test('openDaemon: with files → HTTPS, HSTS, and a renewed certificate without a restart; a wrong one is not taken', {
  timeout: 60_000,
}, async () => {
  needsProgram('openssl');
  const [files, renewed] = [make('first'), make('second')];
  const logged: string[] = [];
  daemon = await openDaemon({
    port: 0,
    data: join(folder, 'data'),
    tls: files,
    allowedHosts: ['kdump.lan'],
    version: { name: 'kdumpd', version: '0.0.0-test' },
    logger: pino({ level: 'info' }, { write: (line) => void logged.push(line) }),
  });
  await daemon.startFleet({ partitions: [], make: 'when-empty' });
  expect(daemon.address).toMatch(/^https:\/\//);
  const first = await ask(daemon.address);
  expect(first).toMatchObject({ status: 200, name: 'first' });
  // A browser would refuse plain HTTP to every other port of a loopback name.
  expect(first.headers['strict-transport-security']).toBeUndefined();
  const named = await ask(daemon.address, { host: 'kdump.lan' });
  expect(named.headers['strict-transport-security']).toBe('max-age=31536000');
  expect((await ask(daemon.address, { host: 'evil.example' })).status).toBe(421);

  copyFileSync(renewed.cert, files.cert);
  daemon.reloadTls();
  expect((await ask(daemon.address)).name).toBe('first');
  expect(logged.filter((line) => line.includes('the certificate cannot be used'))).toEqual([
    expect.stringContaining('is not the key of the certificate'),
  ]);
  copyFileSync(renewed.key, files.key);
  daemon.reloadTls();
  expect((await ask(daemon.address)).name).toBe('second');
});
