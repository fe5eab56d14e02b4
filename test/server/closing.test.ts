/** The end of the daemon: within two seconds, whatever clients, guests and imports do. */

import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { importOwn } from '../../src/images/index.ts';
import type { Capture, Operation, PartitionView } from '../../src/panic/contract/index.ts';
import { type Daemon, type DaemonOptions, openDaemon } from '../../src/server/index.ts';
import { eventually } from '../support/eventually.ts';
import {
  bootWithCrashKernel,
  crashablePartition,
  dump,
  enterKernel,
  handoff,
} from '../synth/crashing-guest.ts';
import { CRASHES } from '../synth/fleet-world.ts';
import type { GuestScript } from '../synth/partition-handle.ts';
import { synthKernel } from '../synth/power-elf.ts';
import { elfDump, MACHINE } from '../synth/vmcore.ts';

/** What is promised is 2 s; the rest is for a host that does other things as well. */
const SOON_MS = 3500;

let folder = '';
const open = new Set<Daemon>();
const sockets: Socket[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kdumpd-closing-'));
  const imageRoot = join(folder, 'images');
  const kernel = join(folder, 'vmlinux');
  await mkdir(imageRoot);
  await writeFile(kernel, synthKernel('6.6.1'));
  await importOwn({ imageRoot, name: 'own', kernel });
  await rm(kernel);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const daemon of open) await daemon.close();
  open.clear();
  await rm(folder, { recursive: true });
});

async function start(script: GuestScript = CRASHES, more: Partial<DaemonOptions> = {}): Promise<Daemon> {
  const daemon = await openDaemon({
    port: 0,
    data: folder,
    version: { name: 'kdumpd', version: '0.0.0-test' },
    logger: pino({ level: 'silent' }),
    openPartition: (config) => crashablePartition(script, config),
    ...more,
  });
  open.add(daemon);
  return daemon;
}

const FLEET = {
  partitions: [{ name: 'one', image: 'own', cpus: 2, memory: '128M' }],
  make: 'when-empty',
} as const;

async function ask<T>({ address }: Daemon, path: string, body?: object): Promise<T> {
  const init = {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  };
  return (await (await fetch(`${address}/api/v1${path}`, body === undefined ? {} : init)).json()) as T;
}

async function panic(daemon: Daemon): Promise<Operation> {
  const { items } = await ask<{ items: PartitionView[] }>(daemon, '/partitions');
  return ask<Operation>(daemon, `/partitions/${items[0]?.id}/panic`, { trigger: 'sysrq', dump: 'raw' });
}

async function closesSoon(daemon: Daemon): Promise<void> {
  const begun = performance.now();
  await daemon.close();
  expect(performance.now() - begun).toBeLessThan(SOON_MS);
}

/** A client that sends a request and never reads the answer. */
async function stall({ address }: Daemon, path: string): Promise<Socket> {
  const socket = connect(Number(new URL(address).port), '127.0.0.1');
  sockets.push(socket);
  await once(socket, 'connect');
  socket.pause();
  socket.on('error', () => undefined);
  socket.write(`GET /api/v1${path} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n`);
  return socket;
}

it('close: a download that its client does not read → cut', async () => {
  // More than the buffers of both sockets hold.
  const pages = (32 << 20) / MACHINE.pageSize;
  const large = elfDump({ ...MACHINE, ranges: [{ pfn: 0, pages }] });
  const daemon = await start({
    ...CRASHES,
    onInput: (guest, vty, text) => {
      if (vty !== 0 || text !== '\x0fc') return guest.rest();
      handoff(guest, 1);
      enterKernel(guest, 1);
      setTimeout(() => dump(guest, large), 20);
    },
  });
  await daemon.startFleet(FLEET);
  const { id } = await panic(daemon);
  const done = await eventually(async () => {
    const operation = await ask<Operation>(daemon, `/operations/${id}`);
    return operation.captureId === undefined ? undefined : operation;
  });
  expect(await ask<Capture>(daemon, `/captures/${done.captureId}`)).toMatchObject({ outcome: 'captured' });
  await stall(daemon, `/captures/${done.captureId}/vmcore`);
  await stall(daemon, '/events');
  await closesSoon(daemon);
});

it('close: a request whose body never comes, and one whose head never ends → cut', async () => {
  const daemon = await start();
  const socket = await stall(daemon, '/partitions');
  socket.write(
    'POST /api/v1/partitions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{',
  );
  (await stall(daemon, '/version')).write('GET /api/v1/version HTTP/1.1\r\nhost: loc');
  await eventually(() => (socket.bytesRead > 0 || socket.writableLength === 0 ? true : undefined));
  await closesSoon(daemon);
});

it('close: while a crash is under way whose guest never ends → interrupted, recorded, and no capture', async () => {
  const daemon = await start({
    onStart: bootWithCrashKernel,
    onInput: (guest, vty, text) => (vty === 0 && text === '\x0fc' ? handoff(guest, 1) : guest.rest()),
  });
  await daemon.startFleet(FLEET);
  const { id } = await panic(daemon);
  await eventually(async () =>
    (await ask<Operation>(daemon, `/operations/${id}`)).phase === 'purgatory' ? true : undefined,
  );
  await closesSoon(daemon);
  const again = await start();
  expect(await ask(again, `/operations/${id}`)).toMatchObject({
    state: 'failed',
    error: { code: 'interrupted' },
  });
  expect(await ask(again, '/captures')).toEqual({ items: [] });
});

it('close: while a capture is being stored → whole, or absent with its operation interrupted', async () => {
  let reading = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    reading = resolve;
  });
  const daemon = await start(CRASHES, {
    openPartition: (config) => {
      const guest = crashablePartition(CRASHES, config);
      const read = guest.readDisk.bind(guest);
      guest.readDisk = async (...args) => {
        // The check reads small pieces; what is stored is read in large ones, of which one never comes.
        if (args[2] < 20_000) return read(...args);
        reading();
        return new Promise((_resolve, reject) => {
          const wait = setInterval(() => {
            if (!guest.closed) return;
            clearInterval(wait);
            reject(new Error('the partition is closed'));
          }, 5);
        });
      };
      return guest;
    },
  });
  await daemon.startFleet(FLEET);
  const { id } = await panic(daemon);
  await begun;
  await closesSoon(daemon);
  const again = await start();
  const operation = await ask<Operation>(again, `/operations/${id}`);
  const { items } = await ask<{ items: Capture[] }>(again, '/captures');
  if (operation.captureId === undefined) {
    expect(operation).toMatchObject({ state: 'failed', error: { code: 'interrupted' } });
    expect(items).toEqual([]);
  } else expect(items).toMatchObject([{ id: operation.captureId, outcome: 'captured' }]);
});

it('close: an import that does not heed its signal → recorded as interrupted at once', async () => {
  let finish = (): void => undefined;
  const daemon = await start(CRASHES, {
    importImage: () =>
      new Promise((resolve) => {
        finish = resolve;
      }),
  });
  const { id } = await ask<Operation>(daemon, '/images/import', { kind: 'debian' });
  await eventually(async () =>
    (await ask<Operation>(daemon, `/operations/${id}`)).state === 'running' ? true : undefined,
  );
  await closesSoon(daemon);
  finish();
  const again = await start();
  expect(await ask(again, `/operations/${id}`)).toMatchObject({
    state: 'failed',
    error: { code: 'interrupted' },
  });
});

it('startFleet: nothing is to be started → up at once, every partition off, also one that is made later', async () => {
  const up: string[] = [];
  const daemon = await start(CRASHES, { onUp: (address) => up.push(address) });
  expect(await daemon.startFleet({ ...FLEET, start: false })).toEqual({ name: 'fleet', ok: true });
  expect(up).toEqual([daemon.address]);
  const { items } = await ask<{ items: PartitionView[] }>(daemon, '/partitions');
  expect(items).toMatchObject([{ name: 'one', state: 'stopped', hostSeconds: 0 }]);
});
