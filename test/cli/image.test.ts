/** `kdumpd image` on a folder that a daemon holds, and without one: the same results and exit codes. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { importOwn, listImages } from '../../src/images/index.ts';
import { takeDataFolder } from '../../src/server/data-folder/index.ts';
import { type Daemon, type DaemonOptions, openDaemon } from '../../src/server/index.ts';
import { eventually } from '../support/eventually.ts';
import { synthKernel } from '../synth/power-elf.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

let root = '';
let data = '';
let images = '';
let kernel = '';
let daemon: Daemon | undefined;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kdumpd-image-'));
  data = join(root, 'data');
  images = join(data, 'images');
  kernel = join(root, 'vmlinux');
  await writeFile(kernel, synthKernel('6.6.1'));
});
afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
  await rm(root, { recursive: true });
});

async function image(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [MAIN, 'image', ...args, '--data', data]);
  let [out, err] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => {
    out += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    err += bytes.toString();
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}

async function serve(more: Partial<DaemonOptions> = {}): Promise<Daemon> {
  daemon = await openDaemon({
    port: 0,
    data,
    version: { name: 'kdumpd', version: '0.0.0-test' },
    logger: pino({ level: 'silent' }),
    ...more,
  });
  return daemon;
}

async function partition({ address }: Daemon, name: string): Promise<number> {
  const answer = await fetch(`${address}/api/v1/partitions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ image: name, memory: '64M' }),
  });
  return answer.status;
}

async function names(): Promise<string[]> {
  return (await listImages(images)).images.map(({ name }) => name);
}

it('rm: an image that a partition of the daemon uses → 2 and the reason, and it stays; an unused one → removed', async () => {
  await importOwn({ imageRoot: images, name: 'used', kernel });
  await importOwn({ imageRoot: images, name: 'unused', kernel });
  expect(await partition(await serve(), 'used')).toBe(201);
  const refused = await image('rm', 'used');
  expect(refused).toMatchObject({ code: 2, out: '' });
  expect(refused.err).toMatch(/^kdumpd: the daemon at http:\S+ says: A partition uses image used\.\n$/);
  expect(await image('rm', 'unused')).toEqual({ code: 0, out: '', err: '' });
  expect((await image('rm', 'unused')).code).toBe(2);
  expect(await names()).toEqual(['built-in', 'used']);
});

it('import of own files beside a daemon → as without one, and the daemon has it at once', async () => {
  const alone = await image('import', '--name', 'own', '--kernel', kernel);
  expect(alone.code).toBe(0);
  expect(await image('rm', 'own')).toMatchObject({ code: 0 });
  const { address } = await serve();
  const events = new AbortController();
  const stream = await fetch(`${address}/api/v1/events`, { signal: events.signal });
  const beside = await image('import', '--name', 'own', '--kernel', kernel);
  expect({ code: beside.code, out: beside.out }).toEqual({ code: 0, out: alone.out });
  let seen = '';
  for await (const bytes of stream.body ?? []) {
    seen += Buffer.from(bytes).toString();
    if (/"name":"own","state":"ready"/.test(seen)) break;
  }
  events.abort();
  expect(await partition(daemon as Daemon, 'own')).toBe(201);
});

it('import --replace beside a daemon: of an image in use → refused and unchanged; not in use → replaced', async () => {
  const before = await importOwn({ imageRoot: images, name: 'used', kernel });
  await importOwn({ imageRoot: images, name: 'free', kernel });
  await partition(await serve(), 'used');
  await writeFile(kernel, synthKernel('6.7.0'));
  const refused = await image('import', '--name', 'used', '--kernel', kernel, '--replace');
  expect(refused.code).toBe(2);
  expect(refused.err).toContain('A partition uses image used.');
  expect((await listImages(images)).images.find(({ name }) => name === 'used')).toEqual(before);
  expect((await image('import', '--name', 'free', '--kernel', kernel, '--replace')).code).toBe(0);
  expect((await listImages(images)).images.find(({ name }) => name === 'free')).toMatchObject({
    kernelRelease: '6.7.0',
  });
});

it('import debian beside a daemon → its operation, with progress; what it refuses and why it failed → 2', async () => {
  let work: () => Promise<void> = async () => {
    throw new Error('unset');
  };
  await serve({
    importImage: async ({ name }, progress) => {
      progress({ step: 'download', done: 1, total: 2, detail: 'linux-image' });
      await work();
      await importOwn({ imageRoot: images, name, kernel });
    },
  });
  const failed = await image('import', 'debian');
  expect(failed).toMatchObject({ code: 2, out: '' });
  expect(failed.err).toContain('kdumpd: The import failed; the log of the daemon says why.\n');
  let finish = (): void => undefined;
  work = () =>
    new Promise((resolve) => {
      finish = resolve;
    });
  const running = image('import', 'debian', '--name', 'stock');
  await eventually(async () => {
    const { body } = await fetch(`${daemon?.address}/api/v1/images`).then(async (answer) => ({
      body: (await answer.json()) as { items: { name: string; state: string }[] },
    }));
    return body.items.some(({ name, state }) => name === 'stock' && state === 'importing') || undefined;
  });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  finish();
  const done = await running;
  expect(done.code).toBe(0);
  expect(JSON.parse(done.out)).toMatchObject({ name: 'stock' });
  expect(done.err).toContain('import: download 1/2 linux-image\n');
  expect((await image('import', 'debian', '--name', 'stock')).err).toContain(
    'There is an image stock already.',
  );
});

it('rm: the folder is held by something that is no daemon → 2, who it is, and nothing is removed', async () => {
  await importOwn({ imageRoot: images, name: 'own', kernel });
  const holding = takeDataFolder(data);
  const refused = await image('rm', 'own');
  expect(refused).toMatchObject({ code: 2, out: '' });
  expect(refused.err).toMatch(
    new RegExp(
      `^kdumpd: the data folder ${data} is in use by process ${process.pid} on host \\S+, which works on it since \\S+: try again when it is done\n$`,
    ),
  );
  expect(await names()).toContain('own');
  if (holding.kind === 'ours') {
    holding.folder.announce('http://127.0.0.1:9');
    expect((await image('rm', 'own')).err).toContain('the daemon at http://127.0.0.1:9 does not answer');
    holding.folder.release();
  }
  expect((await image('rm', 'own')).code).toBe(0);
  // Whoever changed it has let go of it.
  expect(existsSync(join(data, 'owner.json'))).toBe(false);
});
