/** The daemon as a process: what it says on its streams and over HTTP where its fleet cannot be had whole. */

import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readFleetFile } from '../../src/cli/fleet-file.ts';
import { importOwn } from '../../src/images/index.ts';
import type { PartitionRequest } from '../../src/panic/contract/index.ts';
import type { Health } from '../../src/server/http/shared/ports.ts';
import { needsProgram } from '../support/programs.ts';
import { synthKernel } from '../synth/power-elf.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

type Daemon = { readonly process: ChildProcessWithoutNullStreams; out: string; err: string };

let root = '';
let running: Daemon[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kdumpd-serve-'));
});
afterEach(async () => {
  for (const daemon of running) await end(daemon);
  running = [];
  await rm(root, { recursive: true, force: true });
});

async function serve(fleet: unknown, port = 0, more: readonly string[] = []): Promise<Daemon> {
  const file = join(root, 'fleet.json');
  await writeFile(file, JSON.stringify(fleet));
  const args = ['serve', '--port', String(port), '--data', join(root, 'data'), '--fleet', file, ...more];
  const child = spawn(process.execPath, [MAIN, ...args]);
  const daemon: Daemon = { process: child, out: '', err: '' };
  child.stdout.on('data', (bytes: Buffer) => {
    daemon.out += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    daemon.err += bytes.toString();
  });
  running.push(daemon);
  return daemon;
}

async function end({ process: child }: Daemon): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

/** Waits for a pattern on either stream. @throws Error when the daemon ends first */
async function said(daemon: Daemon, pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const found = pattern.exec(daemon.out) ?? pattern.exec(daemon.err);
    if (found !== null) return found;
    if (daemon.process.exitCode !== null) throw new Error(`the daemon ended:\n${daemon.err}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function health(base: string): Promise<{ readonly code: number; readonly health: Health }> {
  const answer = await fetch(`${base}/healthz`);
  return { code: answer.status, health: (await answer.json()) as Health };
}

const wanted = (...requests: PartitionRequest[]): PartitionRequest[] => requests;

describe('serve with TLS', () => {
  /** A certificate for `name` that signs itself, in `cert` and `key`. */
  function certify(name: string): void {
    const subject = ['-subj', `/CN=${name}`, '-keyout', join(root, 'key'), '-out', join(root, 'cert')];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...kind, ...subject], { stdio: 'ignore' });
  }
  async function served(base: string): Promise<string> {
    const socket = connect({ port: Number(new URL(base).port), rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return String(CN);
  }

  it('SIGHUP → the files as they are now are served; files that are wrong are logged, and what was served is', async () => {
    needsProgram('openssl');
    certify('first');
    const files = ['--tls-cert', join(root, 'cert'), '--tls-key', join(root, 'key')];
    const daemon = await serve([], 0, files);
    const [, base = ''] = await said(daemon, /kdumpd ready (https:\S+)/);
    expect(await served(base)).toBe('first');
    await writeFile(join(root, 'cert'), 'no certificate');
    daemon.process.kill('SIGHUP');
    await said(daemon, /the certificate cannot be used: the one before is served on/);
    expect(await served(base)).toBe('first');
    certify('second');
    daemon.process.kill('SIGHUP');
    await said(daemon, /the certificate was read again/);
    expect(await served(base)).toBe('second');
    await end(daemon);
    expect(daemon.process.exitCode).toBe(0);
  });
});

describe('serve', () => {
  it('a port that is in use → says so, ends with 2', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const daemon = await serve([], port);
    const [code] = await once(daemon.process, 'exit');
    expect(code).toBe(2);
    expect(daemon.err).toContain(`kdumpd: cannot listen on 127.0.0.1:${port}: the port is in use`);
    expect(daemon.err).not.toContain('    at ');
    holder.close();
  });

  it('an image that is not there, and a kernel that is malformed → named on stderr, never ready, 503, and it serves', async () => {
    const kernel = join(root, 'vmlinux');
    await writeFile(kernel, synthKernel('6.6.1'));
    const imageRoot = join(root, 'data', 'images');
    const image = await importOwn({ imageRoot, name: 'own', kernel });
    // Damaged after it was imported: an import would have refused it.
    await writeFile(join(imageRoot, 'own', image.files.kernel.file), synthKernel('6.6.1').subarray(0, 200));
    const daemon = await serve(
      wanted({ name: 'one', image: 'nope' }, { name: 'two', image: 'own', memory: '64M' }),
    );
    const [, base] = await said(daemon, /serving (http:\/\/\S+) without its whole fleet: none of 2/);
    expect(daemon.err).toContain(
      'kdumpd: partition one (image nope) could not be made: there is no image "nope"',
    );
    expect(daemon.err).toMatch(/kdumpd: partition two \(image own\) failed: .*section headers/);
    expect(daemon.out).toBe('');
    const first = await health(base ?? '');
    expect(first).toMatchObject({
      code: 503,
      health: {
        ready: false,
        status: 'unavailable',
        checks: [
          {
            name: 'fleet',
            ok: false,
            partitions: [
              { name: 'one', image: 'nope', state: 'missing', reason: expect.stringContaining('nope') },
              {
                name: 'two',
                image: 'own',
                state: 'failed',
                reason: expect.stringContaining('section headers'),
              },
            ],
          },
          { name: 'disk', ok: true },
          { name: 'store', ok: true },
        ],
      },
    });
    const list = (await (await fetch(`${base}/api/v1/partitions`)).json()) as { items: { name: string }[] };
    expect(list.items.map(({ name }) => name)).toEqual(['two']);
    await end(daemon);
    // What is wanted is wanted at the next start, too.
    const again = await serve(
      wanted({ name: 'one', image: 'nope' }, { name: 'two', image: 'own', memory: '64M' }),
    );
    const [, there] = await said(again, /serving (http:\/\/\S+) without/);
    expect((await health(there ?? '')).health.checks[0]?.partitions?.map(({ name }) => name)).toEqual([
      'one',
      'two',
    ]);
    expect(again.out).toBe('');
  });

  it('an empty fleet → ready as the only line on standard output, and 200', async () => {
    const daemon = await serve([]);
    const [line, base] = await said(daemon, /kdumpd ready (http:\/\/\S+)\n/);
    expect(await health(base ?? '')).toEqual({
      code: 200,
      health: {
        ready: true,
        status: 'ok',
        checks: [
          { name: 'fleet', ok: true },
          { name: 'disk', ok: true },
          { name: 'store', ok: true },
        ],
      },
    });
    expect(daemon.out).toBe(line);
  });

  it.each([
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGINT'],
  ] as const)(
    '--no-start: ready at once, every partition off; %s → ends with 0 and soon',
    async (_name, signal) => {
      const kernel = join(root, 'vmlinux');
      await writeFile(kernel, synthKernel('6.6.1'));
      await importOwn({ imageRoot: join(root, 'data', 'images'), name: 'own', kernel });
      const daemon = await serve(wanted({ name: 'one', image: 'own', memory: '64M' }), 0, ['--no-start']);
      const [, base] = await said(daemon, /kdumpd ready (http:\/\/\S+)\n/);
      const list = (await (await fetch(`${base}/api/v1/partitions`)).json()) as { items: object[] };
      expect(list.items).toMatchObject([{ name: 'one', state: 'stopped' }]);
      const exited = once(daemon.process, 'exit');
      const begun = performance.now();
      daemon.process.kill(signal);
      expect(await exited).toEqual([0, null]);
      expect(performance.now() - begun).toBeLessThan(4000);
    },
  );

  it('a fleet file that is none → exit 2 and the reason, before anything is served', async () => {
    const daemon = await serve([{ image: 'debian', cpus: 'two' }]);
    const [code] = await once(daemon.process, 'close');
    expect(code).toBe(2);
    expect(daemon.err).toMatch(/^kdumpd: .*partition 1: \/cpus/);
    expect(daemon.out).toBe('');
  });
});

describe('readFleetFile', () => {
  it.each<[string, unknown, RegExp]>([
    ['no list', {}, /not an array/],
    ['a field of another type', [{ image: 'debian', cpus: 'two' }], /partition 1: \/cpus/],
    ['no image', [{ image: 'debian' }, {}], /partition 2/],
    ['a field nobody knows', [{ image: 'debian', cpu: 2 }], /partition 1/],
    ['firmware nobody knows', [{ image: 'debian', firmware: 'uefi' }], /partition 1: \/firmware/],
    ['interrupts nobody knows', [{ image: 'debian', interrupts: 'apic' }], /partition 1: \/interrupts/],
    ['a bus nobody knows', [{ image: 'debian' }, { image: 'debian', diskBus: 1 }], /partition 2: \/diskBus/],
    [
      'a name twice',
      [
        { image: 'debian', name: 'x' },
        { image: 'debian', name: 'x' },
      ],
      /two partitions have the name x/,
    ],
  ])('%s → fleet/shape with the reason', async (_what, fleet, reason) => {
    const file = join(root, 'fleet.json');
    await writeFile(file, JSON.stringify(fleet));
    expect(() => readFleetFile(file)).toThrow(reason);
  });

  it('a machine that is not the usual one → as it is written', async () => {
    const file = join(root, 'fleet.json');
    const fleet = wanted({
      image: 'debian',
      firmware: 'open-firmware',
      interrupts: 'xive',
      diskBus: 'vscsi',
    });
    await writeFile(file, JSON.stringify(fleet));
    expect(readFleetFile(file)).toEqual(fleet);
  });

  it('no file, and one that is not JSON → fleet/file', async () => {
    const file = join(root, 'fleet.json');
    expect(() => readFleetFile(file)).toThrow('cannot be read as JSON');
    await writeFile(file, '[{');
    expect(() => readFleetFile(file)).toThrow('cannot be read as JSON');
  });
});
