/** No path of the host leaves by REST: files of images are taken away from a daemon with real machines, and every answer is read. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importOwn } from '../../src/images/index.ts';
import type { Operation, PartitionView } from '../../src/panic/contract/index.ts';
import { type Daemon, openDaemon } from '../../src/server/index.ts';
import { eventually } from '../support/eventually.ts';
import { synthKernel } from '../synth/power-elf.ts';

const folder = mkdtempSync(join(tmpdir(), 'kdumpd-paths-'));
const data = join(folder, 'data');
const images = join(data, 'images');
let daemon: Daemon;
beforeAll(async () => {
  daemon = await openDaemon({
    port: 0,
    data,
    version: { name: 'kdumpd', version: '0.0.0-test' },
    logger: pino({ level: 'silent' }),
    importImage: async () => {
      // As Node throws it.
      writeFileSync(join(folder, 'nowhere', 'file'), '');
    },
  });
});
afterAll(async () => {
  await daemon.close();
  rmSync(folder, { recursive: true });
});

async function ask<T>(path: string, body?: object): Promise<T> {
  const answer = await fetch(`${daemon.address}/api/v1${path}`, {
    ...(body === undefined
      ? {}
      : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return JSON.parse(noPath(await answer.text())) as T;
}

/** @throws AssertionError where a text names a folder of this host, or anything that looks like a path below one */
function noPath(text: string): string {
  for (const each of [folder, tmpdir(), homedir(), process.cwd(), '/proc', '/etc', '/usr', 'file://'])
    expect(text).not.toContain(`${each}/`);
  return text;
}

async function ended({ id }: Operation): Promise<Operation> {
  return eventually(async () => {
    const operation = await ask<Operation>(`/operations/${id}`);
    return operation.state === 'queued' || operation.state === 'running' ? undefined : operation;
  });
}

/** Everything that is shown of a partition, and of what was done to it. */
async function readAll(partition: string): Promise<void> {
  for (const path of ['/partitions', '/operations', '/captures', '/images', '/healthz', '/schedules'])
    await ask(path);
  const console = await fetch(`${daemon.address}/api/v1/partitions/${partition}/console`);
  noPath(await console.text());
}

async function makeImage(name: string): Promise<void> {
  const [kernel, initrd] = [join(folder, 'vmlinux'), join(folder, 'initrd.cpio')];
  writeFileSync(kernel, synthKernel('6.1.0'));
  writeFileSync(initrd, '070701');
  await importOwn({ imageRoot: images, name, kernel, initrd });
}

describe('an image whose file', () => {
  const take = (path: string): void => rmSync(path, { recursive: true });
  const replaceByFolder = (path: string): void => {
    take(path);
    mkdirSync(path);
  };
  const damage = (path: string): void => writeFileSync(path, 'no ELF at all');

  test.each<readonly [string, string, (path: string) => void, RegExp]>([
    ['kernel is gone', 'kernel', take, /the kernel cannot be used: there is no such file \(ENOENT\)/],
    ['kernel is a folder', 'kernel', replaceByFolder, /the kernel cannot be used: it is a folder \(EISDIR\)/],
    ['kernel is damaged', 'kernel', damage, /./],
    ['initramfs is gone', 'initrd', take, /the initramfs cannot be used: there is no such file \(ENOENT\)/],
  ])('%s → a reason that names its role and no path', async (what, file, harm, reason) => {
    const name = what.replaceAll(' ', '-');
    await makeImage(name);
    const { id } = await ask<PartitionView>('/partitions', { image: name, memory: '128M' });
    harm(join(images, name, file));
    const done = await ended(await ask<Operation>(`/partitions/${id}/start`, {}));
    expect(done.state).toBe('failed');
    expect(done.error?.message).toMatch(reason);
    expect((await ask<PartitionView>(`/partitions/${id}`)).reason).toMatch(reason);
    await readAll(id);
  });

  test('record is damaged or a folder → listed as failed; a partition of it is refused', async () => {
    await makeImage('record');
    replaceByFolder(join(images, 'record', 'image.json'));
    const listed = await ask<{ items: { name: string; state: string }[] }>('/images');
    expect(listed.items).toContainEqual(expect.objectContaining({ name: 'record', state: 'failed' }));
    expect(await ask('/partitions', { image: 'record' })).toMatchObject({ status: 422 });
    expect(await ask('/images/record')).toMatchObject({ state: 'failed' });
  });
});

test('an import that meets an error of the file system → failed, with no path', async () => {
  const done = await ended(await ask<Operation>('/images/import', { kind: 'debian', name: 'broken' }));
  expect(done).toMatchObject({ state: 'failed' });
  await readAll('nobody');
});

test('addresses and fields that are paths → not repeated as paths of the host', async () => {
  for (const path of [
    '/images/%2e%2e%2fetc',
    '/partitions/..%2f..%2fetc%2fpasswd',
    '/captures/%2fetc%2fpasswd',
  ])
    expect(await ask<object>(path)).toMatchObject({ status: expect.any(Number) });
});
